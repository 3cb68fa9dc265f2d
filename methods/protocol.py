"""What a method of transfer is: what it needs of a picture, what it keeps of a style, and the operator it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from torch import Tensor

from ..models.networks.base import StyleNetwork
from ..models.weights.manifest import WeightsError
from ..tiling.features import Kind, Statistics

LARGEST = 1e16
"""No statistics of features are as large, and the square of this is still a float32."""
LONGEST_NAME = 100
"""Letters of a method's or a network's."""
Tensors = Mapping[str, Tensor]
"""What is kept of a style at one level; the first dimension is the batch, 1 or B."""


@dataclass(frozen=True)
class Step:
    """One encode, operator, decode."""

    level: str
    decoder: str
    """One of the network's at that level."""
    content: Kind
    """The statistics of the content that the operator is fitted to."""
    style: Kind
    """Those of the style picture; None where a style is a name."""


class Operator(Protocol):
    """A fitted value: `ChannelMap`, `KernelMap`, `LookupMap`. Differentiable; changes nothing in place."""

    @property
    def halo(self) -> int:
        """Cells that it sees beyond its own."""
        ...

    def __call__(self, values: Tensor) -> Tensor:
        """[B, C, h, w] -> the same shape and dtype."""
        ...

    def of_items(self, items: slice) -> Any:  # noqa: ANN401 - the same operator, of some items of the batch
        ...

    def blend(self, alpha: float) -> Any:  # noqa: ANN401 - the same, towards what leaves the content as it is
        ...

    @staticmethod
    def mix(operators: Sequence[Any], weights: Sequence[float], /) -> Any:  # noqa: ANN401 - all fitted to one content
        ...


class Method(Protocol):
    """A way to restyle; its functions are pure."""

    name: str
    network: str
    """The default one."""
    level: str | None
    """The one that its networks have and no others; None where any network with a decoder serves."""
    style_input: Literal["picture", "name"]
    strength: float
    """The default one, at every step."""

    def steps(self, network: StyleNetwork, levels: Sequence[str] | None = None) -> list[Step]:
        """Its steps, coarse to fine, or those at `levels` in their order; ValueError where `network` is not for it."""
        ...

    def learn(self, network: StyleNetwork, step: Step, style: Statistics | str) -> Tensors:
        """What is kept of a style; ValueError for an unknown name."""
        ...

    def fit(self, network: StyleNetwork, step: Step, content: Statistics | None, style: Tensors) -> Operator:
        """The operator for one region and one style."""
        ...


@dataclass(frozen=True)
class Learnt:
    """What a method keeps of a style: tensors by level, no picture."""

    method: str
    network: str
    """The name that its feature spaces carry."""
    levels: Mapping[str, Tensors]
    fingerprint: str = ""
    """Of the network's weights, where that is known: see `StyleNetwork.fingerprint`."""
    valid: set[str] = field(default_factory=set, compare=False, repr=False)
    """Levels that are known to hold what the method keeps; nothing is known of what comes from a file."""

    def expect(self, level: str, kept: Tensors) -> None:
        """WeightsError unless a level holds tensors like those that the method keeps of any other style there.

        Batches may differ, and how many values quantiles are made of.
        """
        own = self.levels[level]
        counted = {"values", "weights"} & own.keys()
        like = own.keys() == kept.keys() and all(
            value.is_floating_point() == kept[name].is_floating_point()
            and value.dim() == kept[name].dim() > 0
            and min(value.shape) > 0
            and value.shape[1 : -1 if name in counted else None]
            == kept[name].shape[1 : -1 if name in counted else None]
            and bool((value.abs() < LARGEST).all())  # not where there is NaN
            for name, value in own.items()
        )
        pairs = like and len({(len(v), *([v.shape[-1]] if n in counted else ())) for n, v in own.items()}) == 1
        least = [own[name] for name in ("count", "weights") if pairs and name in own]
        if pairs and "scatter" in own:
            least.append(own["scatter"].diagonal(0, -2, -1) if own["scatter"].dim() == 3 else own["scatter"])
        if not pairs or any((each < 0).any() for each in least):
            raise WeightsError(
                f"this style of {self.method} does not hold what the method keeps at {level}: learn the style again."
            )
        self.valid.add(level)

    def save(self, path: Path) -> None:
        """Write a safetensors file."""
        from safetensors.torch import save_file

        named = {f"{level}.{name}": value for level, tensors in self.levels.items() for name, value in tensors.items()}
        about = {"method": self.method, "network": self.network, "fingerprint": self.fingerprint}
        save_file({name: value.detach().cpu().contiguous() for name, value in named.items()}, path, about)

    @staticmethod
    def load(path: Path) -> Learnt:
        """Read what `save` wrote; WeightsError with the remedy for any other file."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                about, levels = file.metadata() or {}, dict[str, dict[str, Tensor]]()
                for key in file.keys():  # noqa: SIM118 - it is no dict
                    level, _, name = key.partition(".")
                    levels.setdefault(level, {})[name] = file.get_tensor(key)
            if not all(about[name].isprintable() and len(about[name]) < LONGEST_NAME for name in ("method", "network")):
                raise ValueError("its header has no names")
            return Learnt(about["method"], about["network"], levels, about.get("fingerprint", ""))
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
            raise WeightsError(f"{path} does not hold a learnt style ({reason}): learn the style again.") from error


@dataclass(frozen=True)
class Style:
    """A style, and where it goes."""

    source: Tensor | str | Learnt
    """Pictures [1 or B, 3, h, w] in 0..1, a name, or what was learnt."""
    weight: float = 1.0
    """How much it counts among the styles of its region."""
    region: Tensor | None = None
    """[1 or B, H, W] in 0..1: the part of the content that it is fitted to and laid over; everything if None."""
    mask: Tensor | None = None
    """[1 or B, h, w] in 0..1: the part of the style picture that counts; everything if None."""
