"""`brushwork stylize`: the four methods as graphs of our own nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ..models.manifest import NetworkEntry, read_manifest
from ..models.network import ADAIN, RECONSTRUCTION
from ..models.vgg import ADAIN_LEVEL
from ..nodes._inputs import PER_IMAGE, SMOOTHED
from ..nodes.pictures import LUMINANCE, MATCHING
from ..nodes.stylebank import NONE
from ..samples import sample_names
from ..transfer.mixing import normalised
from .drafts import Draft, picture
from .graph import Graph, Link, WorkflowError

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

    content: Annotated[str, "The picture or video to stylize, a folder of them, or a sample's name."]
    output: Annotated[Path, "--output", "-o", "The picture or video to write; for a folder, a folder."]
    style: Annotated[list[str] | None, "--style", "-s", "A style picture or a sample's name; up to four."] = None
    weight: Annotated[list[float] | None, "--weight", "-w", "How much each style counts, in order."] = None
    method: Annotated[Literal["adain", "wct", "msgnet", "stylebank"], "The method."] = "adain"
    network: Annotated[str | None, "A network that `weights list` shows; else the method's own."] = None
    alpha: Annotated[float | None, "Strength, 0 to 1; else 1, or for WCT the paper's 0.6 at every level."] = None
    levels: Annotated[str | None, "Levels with commas, coarse to fine: relu4_1,relu3_1; else the method's own."] = None
    mask: Annotated[Path | None, "A picture that is white where the content is restyled."] = None
    preserve_color: Annotated[Literal["none", "luminance", "matching"], "Whether to keep the content's colours."] = (
        "none"
    )
    style_size: Annotated[int | None, "Scale the styles to this longer side: larger gives larger strokes."] = None
    style_name: Annotated[list[str] | None, "A style of a StyleBank by name; up to four."] = None
    statistics: Annotated[
        Literal["smoothed", "per image"], "Of AdaIN and WCT in a video: with frames shortly before, or each by itself."
    ] = "smoothed"
    max_size: Annotated[int | None, "Shrink the content to this longer side first; the output is as small."] = None


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
