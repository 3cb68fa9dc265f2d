"""The typed face of weights_manifest.json: every weight file, and the networks made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from json import loads
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

MANIFEST = Path(__file__).parents[2] / "weights_manifest.json"

Entry = TypeVar("Entry")


class WeightsError(RuntimeError):
    """Weights are missing, damaged, unreadable or unknown; the message is one sentence with the remedy."""


@dataclass(frozen=True)
class WeightFile:
    """One published file. Which hash it has decides what may be done with it: see `fetchable`."""

    id: str
    filename: str
    """Where it lies under a weights folder, with forward slashes."""
    format: str
    """`safetensors` or `torch`."""
    keymap: str
    """The name in `keymaps.KEYMAPS` that turns its keys into the network's."""
    urls: tuple[str, ...] = ()
    bytes: int | None = None
    about_megabytes: int | float | None = None
    """For show, where the exact size is not published."""
    sha256: str | None = None
    git_blob: str | None = None
    """sha1 of `blob <length>\\0` and the content: git's name for a file."""
    aliases: tuple[str, ...] = ()
    """Other names that it may have under a weights folder; a file is taken by such a name only if it is valid."""
    note: str = ""

    @property
    def checked(self) -> bool:
        """Whether there is a hash to hold a file against."""
        return bool(self.sha256 or self.git_blob)

    @property
    def fetchable(self) -> bool:
        """Only what can be verified is downloaded; a file without a hash is for a person to put in place."""
        return self.checked and bool(self.urls)

    @property
    def megabytes(self) -> float:
        """Size in units of 10^6 bytes, for show."""
        return self.bytes / 1e6 if self.bytes else self.about_megabytes or 0.0


@dataclass(frozen=True)
class NetworkEntry:
    """One network: a kind of architecture and the files that fill it."""

    name: str
    kind: str
    title: str
    parts: Mapping[str, str]
    """Role (`encoder`, `encoder.relu1_1`, `decoder.relu1_1`, `adain`, `network`, `bank.0`, ...) to file id."""
    levels: tuple[str, ...]
    licence: str
    citation: str
    preprocessing: str
    styles: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Manifest:
    files: Mapping[str, WeightFile]
    networks: Mapping[str, NetworkEntry]

    def network(self, name: str) -> NetworkEntry:
        """The network of that name; unknown names raise `WeightsError` with the known ones."""
        if name not in self.networks:
            raise WeightsError(f"there is no network {name!r}: choose one of {', '.join(self.networks)}.")
        return self.networks[name]

    def network_files(self, name: str) -> dict[str, WeightFile]:
        """The files of one network by role."""
        return {role: self.files[file] for role, file in self.network(name).parts.items()}


@cache
def read_manifest(path: Path = MANIFEST) -> Manifest:
    """Read a manifest, once a process; a mistake in it raises `WeightsError` that names the entry."""
    try:
        data = loads(path.read_text(encoding="utf-8"))
        files = {name: _entry(WeightFile, raw, id=name) for name, raw in data["files"].items()}
        networks = {name: _entry(NetworkEntry, raw, name=name) for name, raw in data["networks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path.name} is not a manifest of weights ({error!r}): install Brushwork again.") from error
    for network in networks.values():
        unknown = [file for file in network.parts.values() if file not in files]
        if unknown:
            raise WeightsError(
                f"the manifest's entry {network.name!r} names files that it lacks: {', '.join(unknown)}."
            )
    return Manifest(files, networks)


def _entry(kind: type[Entry], raw: object, **name: str) -> Entry:
    """Build a dataclass from JSON: lists become tuples, and every value must be of the type annotated."""
    given = {**raw, **name} if isinstance(raw, dict) else name
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    hints = get_type_hints(kind)
    wrong = [key for key, value in values.items() if key not in hints or not _fits(value, hints[key])]
    missing = [key for key in hints if key not in values and not hasattr(kind, key)]  # a default is an attribute
    if wrong or missing:
        raise WeightsError(f"the manifest's entry {[*name.values()][0]!r} has wrong or missing {wrong + missing}.")
    return kind(**values)


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401, type forms have no type of their own
    if hint == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if hint == Mapping[str, str]:
        return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, hint)
