"""What is timed paints one picture, whichever way."""

import pytest
import torch

from brushwork.benchmarks.cases import enlivened
from brushwork.benchmarks.measure import counted, interleaved, ratio
from brushwork.benchmarks.painters import ours
from brushwork.benchmarks.plain import plain
from brushwork.benchmarks.scenes import CONTENT, scene
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.tests.laws import picture
from brushwork.tests.models.small import APART, TINY, small_network
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.wct import WHITENING

NETWORKS = {
    "AdaIN, shared encoder": lambda: small_network("shared encoder"),
    "AdaIN, an encoder a level": lambda: small_network("an encoder a level"),
    "MSG-Net": lambda: small_network("MSG-Net"),
    "MSG-Net on a backbone": lambda: enlivened(MsgNet(backbone=TINY)),
    "StyleBank": lambda: small_network("StyleBank"),
    "StyleBank on a backbone": lambda: enlivened(StyleBankNetwork(("waves",), backbone=APART)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_both_ways_paint_one_picture(name: str) -> None:
    network, method = NETWORKS[name](), name.split(" ")[0].lower().replace("-", "").strip(",")
    content, style = picture(43, 38), picture(33, 50, 1)
    fast, slow = (painter.picture(content, style) for painter in (ours(network, method), plain(network, method)))
    assert fast.shape == content.shape
    assert_close(fast, slow.clamp(0, 1))


def test_a_cascade_paints_a_picture_of_the_contents_size() -> None:
    network, content = small_network("shared encoder"), picture(40, 37)
    for way in (ours(network, WHITENING), plain(network, WHITENING)):
        assert way.picture(content, picture(41, 33, 1)).shape == content.shape


def test_operations_are_two_a_product() -> None:
    product, operations = counted(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
    assert operations == 2 * 2 * 3 * 5
    assert_close(product, torch.full((2, 5), 3.0))


def test_turns_run_every_way_as_often() -> None:
    calls: list[str] = []
    ways = {name: lambda name=name: calls.append(name) or torch.zeros(1) for name in "ab"}
    assert {name: len(seconds) for name, seconds in interleaved(ways, 3).items()} == {"a": 3, "b": 3}
    assert calls == ["a", "b"] * 3
    assert ratio([1.0, 2.0, 9.0], [2.0, 4.0, 9.0]) == 0.5


@pytest.mark.parametrize("size", [(64, 64), (30, 90), (500, 20)])
def test_scenes_fill_the_size(size: tuple[int, int]) -> None:
    image = scene(CONTENT, size)
    assert image.shape == (1, 3, *size) and 0 <= image.min() < image.max() <= 1
