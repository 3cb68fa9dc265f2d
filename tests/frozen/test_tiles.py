"""Pictures in tiles are the whole ones, by the built-in networks; by any network, level and method: tests/tiling."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.tests.frozen.entry import computing_in, in_tiles, node
from brushwork.tests.frozen.make_pictures import NAMES, WHITENING, decoded, encoded, large, loaded, painting, soft_mask
from brushwork.tests.nodes import stand_ins
from brushwork.tests.tolerances import SEAM

SIDE = 32
SIZES = (67, 70), (98, 37)
"""No multiples of any stride; 3 x 3 and 4 x 2 tiles."""


def wct_level(photo: Tensor) -> Tensor:
    common = {"network": loaded("compact"), "content": photo, "style": painting(), "content_mask": soft_mask(photo)}
    return node("WCTLevel", **common, level="relu3_1", alpha=1.0)


def msgnet(network: Any, photo: Tensor) -> Tensor:  # noqa: ANN401 - what a socket carries
    own, other = (encoded(network, image, "comatch") for image in (photo, painting()))
    return decoded(network, node("CoMatch", network=network, content=own, style=other))


def random_msgnet() -> Any:  # noqa: ANN401
    """In the paper's layout, narrow; its pictures are in 0..255 inside."""
    hosted = stand_ins.msgnet()
    *_, last = (layer for layer in hosted.network.modules() if getattr(layer, "out_channels", 0) == 3)
    for weight in last.parameters():
        weight *= 255
    return hosted


def in_float64(hosted: Any) -> Any:  # noqa: ANN401
    hosted.network.double()
    return hosted


def stylebank(network: Any, photo: Tensor, *styles: str) -> Tensor:  # noqa: ANN401
    chosen = {f"style_{number}": style for number, style in enumerate(styles, 1)}
    own = encoded(network, photo, "bank")
    return decoded(network, node("StyleBankMix", network=network, features=own, **chosen))


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "AdaIN": lambda photo: large("adain", photo, mask_1=soft_mask(photo)),
    "WCT, one level": wct_level,
    "WCT, five levels": lambda photo: large(WHITENING, photo, mask_1=soft_mask(photo)),
    "MSG-Net": lambda photo: msgnet(loaded("msgnet"), photo),
    "MSG-Net of the paper": lambda photo: msgnet(in_float64(random_msgnet()), photo),
    "StyleBank": lambda photo: stylebank(loaded("stylebank"), photo, *(name for _, name in NAMES)),
    "StyleBank of the paper": lambda photo: stylebank(in_float64(stand_ins.bank()), photo, "a", "b"),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_tiles_are_the_whole(way: str, size: tuple[int, int]) -> None:
    photo = node("SamplePicture", name="coffee")[:, : 3 * size[0] : 3, : 3 * size[1] : 3]
    with computing_in(torch.float64):
        whole = WAYS[way](photo)
        with in_tiles(SIDE) as tiles:
            tiled = WAYS[way](photo)
    assert len(tiles) > 16
    assert whole.std() > 0.05
    assert (tiled - whole).abs().max() < SEAM
