"""`brushwork weights`: which networks there are, fetch one, verify what is here."""

from collections.abc import Iterator
from typing import Annotated

from typer import Argument

from .progress import shown_progress


def list_weights() -> Iterator[str]:
    """List every network, how much of it is on this machine, the licence of its weights, and what to cite."""
    from ..models.weights.manifest import read_manifest
    from ..models.weights.store import network_state

    networks = read_manifest().networks
    width = max(map(len, networks))
    for name, entry in networks.items():
        states = network_state(name)
        missing = [state for state in states if state.path is None]
        size = sum(state.file.megabytes for state in missing)
        kinds = sorted({str(state) for state in missing or states})
        place = f"{', '.join(kinds)}{f', {size:.0f} MB' if missing else ''}"
        yield f"{name:{width}}  {entry.title}: {place}; licence: {entry.licence}; to cite: {entry.citation}"


def pull(name: Annotated[str, Argument(help="A network's name, as `weights list` shows it.")]) -> Iterator[str]:
    """Download what a network lacks, verify it, and name its files."""
    from ..models.weights.store import ensure_network

    with shown_progress() as progress:
        paths = ensure_network(name, progress=lambda done, total: progress(done, total, f"{name} (bytes)"))
    yield from map(str, paths.values())


def verify() -> Iterator[str]:
    """Compare every weight file on this machine with its published checksum."""
    from ..models.weights.download import verify as verify_file
    from ..models.weights.manifest import WeightsError, read_manifest
    from ..models.weights.store import locate

    mismatches: list[str] = []
    for file in read_manifest().files.values():
        path = locate(file)
        if path is None:
            continue
        try:
            verify_file(path, file)
            yield f"{'valid' if file.checked else 'no checksum is published'}: {path}"
        except WeightsError as error:
            mismatches.append(str(error))
            yield f"damaged: {path}"
    if mismatches:
        raise WeightsError(" ".join(mismatches))
