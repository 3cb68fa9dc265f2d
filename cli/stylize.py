"""`brushwork stylize`: one picture, video or folder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from torch import Tensor
from typer import Argument, Option

from ..media.images import FORMATS, READABLE, check_folder, check_suffix, distinct_stems, read_picture, write_picture
from ..media.video_read import ANIMATIONS, VIDEOS, moves
from ..media.video_write import KINDS, check_video_suffix, is_partial, partial_path
from ..methods import METHODS
from ..methods.api import prepared, strengths_at
from ..methods.protocol import Learnt, Style
from ..methods.render import learn, render
from ..methods.stylebank import bank_of
from ..models.weights.download import Progress as Download
from ..samples import sample_names, sample_path
from ..transfer.colour import keep_luminance, match_colours
from ..transfer.masks import resize_mask
from ..transfer.operators import normalised
from ..transfer.resize import to_longer_side
from ..transfer.temporal import PER_IMAGE, SMOOTHED, TemporalWindow
from .progress import shown_progress
from .video import stylize_video

MOST_STYLES = 4

if TYPE_CHECKING:
    MethodName = str
else:
    MethodName = Literal[tuple(METHODS)]  # the command line shows the choices


@dataclass(frozen=True, kw_only=True)
class Stylization:
    """What to do, which is also the command line's face: names, defaults and help are read off this class."""

    content: Annotated[str, Argument(help="The picture or video to stylize, a folder of them, or a sample's name.")]
    output: Annotated[Path, Option("--output", "-o", help="The picture or video to write; for a folder, a folder.")]
    style: Annotated[
        list[str] | None, Option("--style", "-s", help="A style picture or a sample's name; up to four.")
    ] = None
    weight: Annotated[list[float] | None, Option("--weight", "-w", help="How much each style counts, in order.")] = None
    method: Annotated[MethodName, Option(help="The method.")] = "adain"
    network: Annotated[str | None, Option(help="A network that `weights list` shows; else the method's own.")] = None
    alpha: Annotated[
        float | None, Option(help="Strength, 0 to 1; else 1, or for WCT the paper's 0.6 at every level.")
    ] = None
    levels: Annotated[
        str | None, Option(help="Levels with commas, coarse to fine: relu4_1,relu3_1; else the method's own.")
    ] = None
    mask: Annotated[Path | None, Option(help="A picture that is white where the content is restyled.")] = None
    preserve_color: Annotated[
        Literal["none", "luminance", "matching"], Option(help="Whether to keep the content's colours.")
    ] = "none"
    style_size: Annotated[
        int | None, Option(help="Scale the styles to this longer side: larger gives larger strokes.")
    ] = None
    style_name: Annotated[list[str] | None, Option(help="A style of a StyleBank by name; up to four.")] = None
    statistics: Annotated[
        Literal["smoothed", "per image"],
        Option(help="In a video: with those of frames shortly before, or each by itself."),
    ] = "smoothed"
    max_size: Annotated[
        int | None, Option(help="Shrink the content to this longer side first; the output is as small.")
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", help="Paint again what is done.")] = False


class Painter:
    """A method with its network ready, and what it keeps of the styles, for one picture after the other."""

    def __init__(self, order: Stylization, download: Download | None = None) -> None:
        """ValueError, FileNotFoundError or WeightsError, before anything is loaded where that can be."""
        bank = order.method == "stylebank"
        self.order, self.weights = order, _weights(order)
        styles = [] if bank else [_picture(name) for name in order.style or []]
        if order.style_size is not None:
            styles = [to_longer_side(style, order.style_size) for style in styles]
        self.mask = None if order.mask is None else read_picture(order.mask)[0][..., 0]
        self.network, self.method, self.host = prepared(order.method, order.network, progress=download)
        sources: list[Tensor | str] = [*(order.style_name or bank_of(self.network).styles[:1])] if bank else [*styles]
        levels = [level.strip() for level in order.levels.split(",")] if order.levels else None
        self.strengths = strengths_at(self.method, order.alpha, levels)
        self.matches_styles = order.preserve_color == "matching" and not bank
        self.styles: list[Tensor | str | Learnt] = [
            source if self.matches_styles else learn(self.network, self.method, Style(source), levels, self.host)
            for source in sources
        ]

    def paint(
        self,
        content: Tensor,
        window: TemporalWindow | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Tensor:
        """The pictures [B, 3, H, W] in 0..1 that `content` [B, 3, H, W] becomes; `window` is a video's."""
        order = self.order
        if order.max_size is not None:
            content = to_longer_side(content, order.max_size, shrink=True)
        region = None if self.mask is None else resize_mask(self.mask, (content.shape[-2], content.shape[-1]))
        styles = [
            Style(match_colours(each, content).clamp(0, 1) if isinstance(each, Tensor) else each, weight, region)
            for each, weight in zip(self.styles, self.weights, strict=True)
        ]
        painted = render(
            self.network,
            self.method,
            content,
            styles,
            strengths=self.strengths,
            statistics=SMOOTHED if window is not None and order.statistics == "smoothed" else PER_IMAGE,
            window=window,
            host=replace(self.host, progress=progress),
        )
        if order.preserve_color == "luminance":
            painted = keep_luminance(painted, content)
        elif order.preserve_color == "matching" and not self.matches_styles:
            painted = match_colours(painted, content)
        return painted.clamp(0, 1)


def stylize(order: Stylization) -> list[Path]:
    """Stylize a picture or a video, or every one in a folder; the output has the content's size."""
    orders = _one_by_one(order)
    with shown_progress() as progress:
        painter = Painter(order, lambda done, total: progress(done / 1e6, total // 10**6, "MB of weights"))
        pictures = [one for one in orders if not _is_video(one)]
        for number, one in enumerate(pictures):

            def tell(done: int, total: int, number: int = number, name: str = Path(one.content).name) -> None:
                progress(number + done / max(total, 1), len(pictures), name)

            write_picture(one.output, painter.paint(_picture(one.content), progress=tell)[0].movedim(0, -1))
        for one in orders:
            if _is_video(one):
                stylize_video(painter, Path(one.content), one.output, progress)
    return [one.output for one in orders]


def _picture(name: str) -> Tensor:
    """[1, 3, H, W] in 0..1."""
    return read_picture(_file(name))[0].movedim(-1, 1)


def _file(name: str) -> Path:
    """A file by its path, or a sample's by its name."""
    if not Path(name).exists() and name in sample_names():
        return sample_path(name)
    if not Path(name).exists():
        raise FileNotFoundError(f"there is no picture {name}; the samples are {', '.join(sample_names())}")
    return Path(name)


def _weights(order: Stylization) -> list[float]:
    """A weight for each style; ValueError where styles are missing, too many, or of another kind."""
    bank = order.method == "stylebank"
    asked, other = ("--style-name", order.style) if bank else ("--style", order.style_name)
    if other:
        raise ValueError(f"{order.method} takes its styles as {asked}")
    names = (order.style_name or [""]) if bank else order.style
    if not names:
        raise ValueError(
            f"{order.method} needs a style: give a picture or one of {', '.join(sample_names())} as {asked}"
        )
    if len(names) > MOST_STYLES:
        raise ValueError(f"{len(names)} styles were given: give at most {MOST_STYLES}")
    if order.weight and len(order.weight) != len(names):
        raise ValueError(f"there are {len(names)} styles, but weights for {len(order.weight)}: give one for each")
    weights = order.weight or [1.0] * len(names)
    normalised(weights)  # refuses what cannot be mixed, also where one style leaves nothing to mix
    return weights


def _one_by_one(order: Stylization) -> list[Stylization]:
    """The order for every single picture and video, with the file that it becomes."""
    content = Path(order.content)
    if content.is_dir():
        if order.output.suffix:
            raise ValueError(
                f"the content is a folder, so the output {order.output} has to be one: leave its suffix out"
            )
        contents = _contents_of(content)
        outputs = [
            order.output / _named(stem, each) for stem, each in zip(distinct_stems(contents), contents, strict=True)
        ]
    else:
        contents = [content]
        outputs = [order.output / _named(content.stem, content) if order.output.is_dir() else order.output]
    sources = {Path(name).resolve() for name in (*map(str, contents), *(order.style or []), str(order.mask or ""))}
    for output in outputs:
        if not sources.isdisjoint((output.resolve(), partial_path(output).resolve())):
            raise ValueError(
                f"the output {output} would replace a picture or video that it is made from: choose another name"
            )
    orders = [replace(order, content=str(each), output=output) for each, output in zip(contents, outputs, strict=True)]
    for one in orders:
        _file(one.content)
        check_folder(one.output.parent)
        if not (_is_video(one) and Path(one.content).suffix.lower() in ANIMATIONS and one.output.suffix == ".png"):
            (check_video_suffix if _is_video(one) else check_suffix)(one.output.suffix)
    return orders


def _contents_of(folder: Path) -> list[Path]:
    endings = (*READABLE, *VIDEOS)
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in endings and file.is_file()]
    found = [file for file in files if not is_partial(file)]  # what a killed run left is no content
    if not found:
        raise FileNotFoundError(
            f"there is no picture or video in {folder}: put some in, ending in one of {', '.join(endings)}"
        )
    return found


def _named(stem: str, content: Path) -> str:
    """A picture becomes a PNG; what moves stays of its kind where that can be written."""
    ending = content.suffix.lower()
    if ending in ANIMATIONS and moves(content):
        return stem + ending
    return stem + (".png" if ending not in VIDEOS else ending if ending in KINDS else ".mp4")


def _is_video(order: Stylization) -> bool:
    """What moves is one where a video or an animation is asked for, and a GIF even with one frame."""
    content, ending = Path(order.content).suffix.lower(), order.output.suffix.lower()
    if content in VIDEOS or (content == ".gif" and ending in KINDS and ending not in FORMATS):
        return True
    asked = ending in KINDS or (ending == ".png" and content in (".png", ".apng"))
    return content in ANIMATIONS and asked and moves(Path(order.content))
