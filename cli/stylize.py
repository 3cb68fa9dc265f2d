"""`brushwork stylize`: one picture, video or folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from ..media.images import READABLE, distinct_stems
from ..media.video_read import VIDEOS
from ..media.video_write import KINDS, check_video_suffix, is_partial, partial_path
from ..methods.statistics import PER_IMAGE, SMOOTHED
from ..models.networks.base import ADAIN, RECONSTRUCTION
from ..models.networks.vgg import ADAIN_LEVEL
from ..models.weights.manifest import NetworkEntry, read_manifest
from ..nodes.pictures import LUMINANCE, MATCHING
from ..nodes.transforms import NONE
from ..runner.core_nodes import all_nodes, all_titles
from ..runner.graph import Graph, Link, Node, WorkflowError
from ..runner.run import run_for_each
from ..runner.sockets import sockets
from ..samples import sample_names
from ..transfer.operators import normalised
from ..transfer.resize import scale_strokes
from .progress import shown_progress
from .video import stylize_video


class Draft:
    """Nodes added so far; input fields that are not given have the defaults that the page would start with."""

    def __init__(self, nodes: Mapping[str, type], titles: Mapping[str, str]) -> None:
        self.nodes = nodes
        self.titles = titles
        self.drawn: dict[str, Node] = {}

    def add(self, kind: str, **inputs: Any) -> Link:  # noqa: ANN401 - constants of any type, and links
        """Add a node; the link to its first output."""
        fields = [socket for socket in sockets(self.nodes[kind]).values() if socket.widget and socket.required]
        node_id = str(len(self.drawn) + 1)
        defaults = {field.name: field.default for field in fields}
        self.drawn[node_id] = Node(kind, {**defaults, **inputs}, self.titles.get(kind, ""))
        return Link(node_id, 0)

    @property
    def graph(self) -> Graph:
        return Graph(dict(self.drawn))


class LongerSide:
    """Scale pictures to a longer side; with `shrink` never up."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "scale"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        side = ("INT", {"default": 512, "min": 1, "max": 65536})
        return {"required": {"image": ("IMAGE",), "side": side, "shrink": ("BOOLEAN", {"default": False})}}

    def scale(self, image: Any, side: int, shrink: bool) -> tuple[Any]:  # noqa: ANN401 - [B, H, W, 3]
        factor = side / max(image.shape[1:3])
        if factor == 1 or (shrink and factor > 1):
            return (image,)
        return (scale_strokes(image.movedim(-1, 1), factor).movedim(1, -1),)


def picture(draft: Draft, name: str, samples: tuple[str, ...]) -> Link:
    """A picture by its path, or by the name of a sample."""
    if not Path(name).exists() and name in samples:
        return draft.add("BrushworkSamplePicture", name=name)
    if not Path(name).exists():
        raise FileNotFoundError(f"there is no picture {name}; the samples are {', '.join(samples)}")
    return draft.add("LoadImage", image=Path(name))


MOST_STYLES = 4


@dataclass(frozen=True)
class Method:
    """How a method is used where the caller does not say."""

    network: str
    alpha: float = 1.0
    level: str | None = None  # None: all of the network's, coarse to fine
    transform: str = ""  # the node that restyles features by a style's features


METHODS = {
    "adain": Method("compact", level="relu4_1", transform="BrushworkAdaIN"),
    "wct": Method("compact", alpha=0.6, transform="BrushworkWCT"),  # the paper's alpha
    "msgnet": Method("msgnet", level="comatch", transform="BrushworkCoMatch"),
    "stylebank": Method("stylebank", level="bank"),
}
BY_STATISTICS = ("adain", "wct")  # any encoder serves, and the transform itself takes the mask


@dataclass(frozen=True, kw_only=True)
class Stylization:
    """What to do, which is also the command line's face: names, defaults and help are read off this class."""

    content: Annotated[str, Argument(help="The picture or video to stylize, a folder of them, or a sample's name.")]
    output: Annotated[Path, Option("--output", "-o", help="The picture or video to write; for a folder, a folder.")]
    style: Annotated[
        list[str] | None, Option("--style", "-s", help="A style picture or a sample's name; up to four.")
    ] = None
    weight: Annotated[list[float] | None, Option("--weight", "-w", help="How much each style counts, in order.")] = None
    method: Annotated[Literal["adain", "wct", "msgnet", "stylebank"], Option(help="The method.")] = "adain"
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
        Option(help="Of AdaIN and WCT in a video: with frames shortly before, or each by itself."),
    ] = "smoothed"
    max_size: Annotated[
        int | None, Option(help="Shrink the content to this longer side first; the output is as small.")
    ] = None


def stylize_graph(order: Stylization, nodes: Mapping[str, type], titles: Mapping[str, str]) -> Graph:
    """The graph that reads the content (one picture), stylizes it and saves the output."""
    draft = Draft(nodes, titles)
    method, entry = METHODS[order.method], read_manifest().network(order.network or METHODS[order.method].network)
    content = picture(draft, order.content, sample_names())
    if order.max_size is not None:
        content = draft.add("LongerSide", image=content, side=order.max_size, shrink=True)
    network = draft.add("BrushworkLoadStyleNetwork", name=entry.name)
    styles = _styles(draft, order, content)
    mask = None if order.mask is None else draft.add("LoadImageMask", image=order.mask, channel="red")
    stages = _Stages(draft, order, method, entry, network, styles, _weights(order), mask)
    result = content
    for level in _levels(order, method, entry):
        result = stages.restyle(result, level)
    how = {"luminance": LUMINANCE, "matching": None if styles else MATCHING}.get(order.preserve_color)
    if how is not None:
        result = draft.add("BrushworkPreserveColor", stylised=result, content=content, how=how)
    draft.add("SaveImage", images=result, filename_prefix=order.output)
    return draft.graph


@dataclass(frozen=True)
class _Stages:
    """One level of a method: encode, restyle by every style, mix, blend, decode."""

    draft: Draft
    order: Stylization
    method: Method
    entry: NetworkEntry
    network: Link
    styles: list[Link]
    weights: list[float]
    mask: Link | None

    def restyle(self, image: Link, level: str) -> Link:
        """The picture restyled at one level."""
        alpha = self.method.alpha if self.order.alpha is None else self.order.alpha
        if self.order.method == "wct" and len(self.styles) == 1:
            within = {"content_mask": self.mask} if self.mask else {}
            common = {"network": self.network, "level": level, "alpha": alpha, **within, **self._statistics}
            return self.draft.add("BrushworkWCTLevel", content=image, style=self.styles[0], **common)
        own = self._encode(image, level)
        restyled = self._bank(own) if self.order.method == "stylebank" else self._mixed(own, level)
        if self.mask and self.order.method not in BY_STATISTICS:
            restyled = self.draft.add("BrushworkRegionMask", inside=restyled, outside=own, mask=self.mask)
        blended = self.draft.add("BrushworkBlendByAlpha", content=own, stylised=restyled, alpha=alpha)
        painter = "adain" in self.entry.parts or "network" in self.entry.parts  # whose one file holds all decoders
        trained_for = ADAIN if self.order.method == "adain" and painter and level == ADAIN_LEVEL else RECONSTRUCTION
        return self.draft.add("BrushworkStyleDecoder", network=self.network, features=blended, trained_for=trained_for)

    @property
    def _statistics(self) -> dict[str, str]:
        return {"statistics": SMOOTHED if self.order.statistics == "smoothed" else PER_IMAGE}

    def _encode(self, image: Link, level: str) -> Link:
        return self.draft.add("BrushworkStyleEncoder", network=self.network, image=image, level=level)

    def _mixed(self, own: Link, level: str) -> Link:
        if self.order.method in BY_STATISTICS:
            more = {**({"content_mask": self.mask} if self.mask else {}), **self._statistics}
        else:
            more = {"network": self.network}
        encoded = [self._encode(style, level) for style in self.styles]
        versions = [self.draft.add(self.method.transform, content=own, style=each, **more) for each in encoded]
        if len(versions) == 1:
            return versions[0]
        return self.draft.add(
            "BrushworkMixStyles", **_numbered("features", versions), **_numbered("weight", self.weights)
        )

    def _bank(self, own: Link) -> Link:
        names = self.order.style_name or list(self.entry.styles[:1])
        slots = [*names, *[NONE] * (MOST_STYLES - len(names))]
        chosen = {**_numbered("style", slots), **_numbered("weight", self.weights)}
        return self.draft.add("BrushworkStyleBankMix", network=self.network, features=own, **chosen)


def _styles(draft: Draft, order: Stylization, content: Link) -> list[Link]:
    """The style pictures, scaled and matched to the content's colours as ordered."""
    if order.method == "stylebank":
        return []
    links = [picture(draft, name, sample_names()) for name in order.style or []]
    if order.style_size is not None:
        links = [draft.add("LongerSide", image=link, side=order.style_size) for link in links]
    if order.preserve_color == "matching":
        links = [draft.add("BrushworkPreserveColor", stylised=link, content=content, how=MATCHING) for link in links]
    return links


def _weights(order: Stylization) -> list[float]:
    """A weight for each style; WorkflowError where styles are missing, too many, or of another kind."""
    bank = order.method == "stylebank"
    asked, other = ("--style-name", order.style) if bank else ("--style", order.style_name)
    if other:
        raise WorkflowError(f"{order.method} takes its styles as {asked}")
    names = (order.style_name or [""]) if bank else order.style
    if not names:
        raise WorkflowError(
            f"{order.method} needs a style: give a picture or one of {', '.join(sample_names())} as {asked}"
        )
    if len(names) > MOST_STYLES:
        raise WorkflowError(f"{len(names)} styles were given: give at most {MOST_STYLES}")
    if order.weight and len(order.weight) != len(names):
        raise WorkflowError(f"there are {len(names)} styles, but weights for {len(order.weight)}: give one for each")
    weights = order.weight or [1.0] * len(names)
    normalised(weights)  # refuses what cannot be mixed, also where one style leaves nothing to mix
    return weights


def _levels(order: Stylization, method: Method, entry: NetworkEntry) -> list[str]:
    """The levels to restyle, one after the other; WorkflowError where the network is not for the method."""
    if order.method not in BY_STATISTICS and method.level not in entry.levels:
        able = [name for name, each in read_manifest().networks.items() if method.level in each.levels]
        raise WorkflowError(f"{entry.name} is no network for {order.method}: choose one of {', '.join(able)}")
    if order.levels:
        return [level.strip() for level in order.levels.split(",")]
    return [method.level] if method.level in entry.levels else list(entry.levels[::-1])


def _numbered(name: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}_{number}": value for number, value in enumerate(values, 1)}


CONTENT = "1"
"""The node that loads the content."""


def stylize(order: Stylization) -> list[Path]:
    """Stylize a picture or a video, or every one in a folder; the output has the content's size."""
    nodes = {**all_nodes(), "LongerSide": LongerSide}
    orders = _one_by_one(order)
    graphs = {one.content: stylize_graph(one, nodes, all_titles()) for one in orders}
    videos = {one.content: one for one in orders if _is_video(one)}
    pictures = {content: graph for content, graph in graphs.items() if content not in videos}
    files: list[Path] = []
    with shown_progress() as progress:
        if pictures:
            # The output, which differs too, depends on the content.
            first = next(iter(pictures.values()))
            files += run_for_each(first, nodes, pictures, CONTENT, Path(), order.output.parent, progress)
        return files + [stylize_video(one, graphs[name], CONTENT, nodes, progress) for name, one in videos.items()]


def _one_by_one(order: Stylization) -> list[Stylization]:
    """The order for every single picture and video, with the file that it becomes."""
    content = Path(order.content)
    if content.is_dir():
        if order.output.suffix:
            raise WorkflowError(
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
            raise WorkflowError(
                f"the output {output} would replace a picture or video that it is made from: choose another name"
            )
    orders = [replace(order, content=str(each), output=output) for each, output in zip(contents, outputs, strict=True)]
    for one in filter(_is_video, orders):
        check_video_suffix(one.output.suffix)
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
    """A picture becomes a PNG; a video stays of its kind where that can be written."""
    ending = content.suffix.lower()
    return stem + (".png" if ending not in VIDEOS else ending if ending in KINDS else ".mp4")


def _is_video(order: Stylization) -> bool:
    """A GIF is one where a video is asked for."""
    ending = Path(order.content).suffix.lower()
    return ending in VIDEOS or (ending == ".gif" and order.output.suffix.lower() in KINDS)
