"""What the script that paints the pictures in `painted/` and the test that compares with them share."""

from pathlib import Path

from brushwork.cli.order import Stylization
from brushwork.models.weights.manifest import NetworkEntry, read_manifest
from brushwork.models.weights.store import BUILTIN, network_state

PICTURES = Path(__file__).resolve().parent / "painted"
PAIRS = {"chelsea": "swirling_night", "coffee": "autumn_avenue"}
"""Photograph and style."""
LEVELS = {"msgnet": "comatch", "stylebank": "bank", "adain": "relu4_1", "wct": "relu1_1"}
"""What a network must have to paint by a method."""
SIDE = 144
"""Pixels of a picture's longer side: as PNG, without loss, each takes some 35 KB."""


def orders(folder: Path) -> list[Stylization]:
    """Every photograph by every method of every network that is wholly built in, as pictures in `folder`."""
    networks = [network for name, network in read_manifest().networks.items() if _built_in(name)]
    return [order for network in networks for order in _by_every_method(network, folder)]


def _built_in(name: str) -> bool:
    return all(state.path and state.path.is_relative_to(BUILTIN) for state in network_state(name))


def _by_every_method(network: NetworkEntry, folder: Path) -> list[Stylization]:
    return [
        Stylization(
            content=photo,
            output=folder / f"{network.name}_{method}_{photo}.png",
            method=method,
            network=network.name,
            style=None if method == "stylebank" else [style],
            style_name=[network.styles[-index]] if method == "stylebank" else None,  # the first and the last
            max_size=SIDE,
        )
        for method in LEVELS
        if LEVELS[method] in network.levels
        for index, (photo, style) in enumerate(PAIRS.items())
    ]
