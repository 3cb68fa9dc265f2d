"""What is asked of `brushwork stylize`, as a whole and for a single picture."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from ..media.images import MAX_PIXELS
from ..methods import DEFAULT, METHODS
from ..methods.motion import STABILITY
from ..samples import sample_names
from ..transfer.operators import normalised
from .contents import file_of, is_many
from .record import fingerprint

MEGAPIXEL = 10**6
MOST_STYLES = 4
UNSEEN = ("content", "output", "each_style", "name", "overwrite", "dry_run", "json", "max_megapixels", "ray", "workers")
"""The fields that change no picture."""

if TYPE_CHECKING:
    MethodName = str
    Contents = str | list[str]
else:
    MethodName = Literal[tuple(METHODS)]  # the command line shows the choices
    Contents = list[str]  # and takes several


@dataclass(frozen=True, kw_only=True)
class Stylization:
    """What to do, which is also the command line's face: names, defaults and help are read off this class."""

    content: Annotated[
        Contents,
        Argument(help="Pictures and videos to stylize, folders or patterns ('in/**/*.jpg') of them, a sample, or -."),
    ]
    output: Annotated[
        Path, Option("--output", "-o", help="The picture or video to write; for several, a folder; - is stdout.")
    ]
    style: Annotated[
        list[str] | None, Option("--style", "-s", help="A style picture or a sample's name; up to four.")
    ] = None
    weight: Annotated[list[float] | None, Option("--weight", "-w", help="How much each style counts, in order.")] = None
    method: Annotated[MethodName, Option(help="The method; adain is the quick one.")] = DEFAULT
    network: Annotated[str | None, Option(help="A network that `weights list` shows; else the method's own.")] = None
    alpha: Annotated[
        float | None, Option(help="Strength, 0 to 1; else 1, or at each of WCT's levels 0.8, by whitening 0.6.")
    ] = None
    levels: Annotated[
        str | None, Option(help="Levels with commas, coarse to fine: relu4_1,relu3_1; else the method's own.")
    ] = None
    mask: Annotated[Path | None, Option(help="A picture that is white where the content is restyled.")] = None
    preserve_color: Annotated[
        Literal["none", "luminance", "matching"], Option(help="Whether to keep the content's colours.")
    ] = "none"
    style_size: Annotated[
        int | None, Option(min=1, help="Scale the styles to this longer side: larger gives larger strokes.")
    ] = None
    style_name: Annotated[list[str] | None, Option(help="A style of a StyleBank by name; up to four.")] = None
    statistics: Annotated[
        Literal["smoothed", "per image"],
        Option(help="In a video: with those of frames shortly before, or each by itself."),
    ] = "smoothed"
    stability: Annotated[
        float, Option(help="In a video: how long paint stays on what moves, from 0, frame by frame, to 1, for seconds.")
    ] = STABILITY
    max_size: Annotated[
        int | None, Option(min=1, help="Shrink the content to this longer side first; the output is as small.")
    ] = None
    each_style: Annotated[
        bool, Option("--each-style", help="A picture in each of any number of styles; --style may be a folder.")
    ] = False
    name: Annotated[
        str | None,
        Option(help="Names in the output folder: '{stem}_{style}.jpg'; also {name}, {parent}, {method}, {number}."),
    ] = None
    keep_metadata: Annotated[
        bool, Option("--keep-metadata", help="Keep EXIF and resolution, and embed the profile sRGB.")
    ] = False
    overwrite: Annotated[bool, Option("--overwrite", help="Paint again what is done.")] = False
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be painted, and paint nothing.")] = False
    json: Annotated[bool, Option("--json", help="A line of JSON on stdout for each file, and one at the end.")] = False
    max_megapixels: Annotated[
        float, Option(min=1e-6, max=1e6, help="Refuse pictures of more million pixels, which might fill the memory.")
    ] = MAX_PIXELS / MEGAPIXEL
    ray: Annotated[
        str | None,
        Option(metavar="ADDRESS", help="Paint on a Ray cluster at HOST:PORT, auto (here), or local: this machine."),
    ] = None
    workers: Annotated[
        int | None, Option(min=1, help="How many paint at once with --ray; else one a GPU, or one a machine.")
    ] = None

    @property
    def max_pixels(self) -> int:
        """Of a picture that is read."""
        return round(self.max_megapixels * MEGAPIXEL)

    @property
    def contents(self) -> list[str]:
        """All that was named."""
        return [self.content] if isinstance(self.content, str) else [*self.content]

    @property
    def into_folder(self) -> bool:
        """Whether there may be several outputs."""
        return self.each_style or is_many(self.contents)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles by name or path; none stands for a bank's first."""
        return tuple(self.style or self.style_name or ())


def weights_of(order: Stylization) -> list[float]:
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


def matches_styles(order: Stylization) -> bool:
    """Whether each style is matched to the colours of one picture."""
    return order.preserve_color == "matching" and order.method != "stylebank"


def made_by(one: Stylization) -> str:
    """Of all that was asked for and changes pictures, and of files it names; the method too, whatever the default."""
    asked = {each.name: getattr(one, each.name) for each in fields(one) if each.name not in UNSEEN}
    asked = {each.name: asked[each.name] for each in fields(one) if asked.get(each.name, each.default) != each.default}
    asked["method"] = one.method
    names = (*(one.style or ()), *(each for each in (one.mask, one.network) if each))
    return fingerprint(asked, [file_of(name) for name in names if Path(name).exists()])
