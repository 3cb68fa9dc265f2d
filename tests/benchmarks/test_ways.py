"""What is timed paints one picture, whichever way."""

import os
from dataclasses import replace

import pytest
import torch

from brushwork.benchmarks.cases import CONTENT, enlivened, ours, scene
from brushwork.benchmarks.measure import counted, decibels, in_fresh_process, interleaved, ratio
from brushwork.benchmarks.plain import plain
from brushwork.methods import METHODS
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import ADAIN_LEVEL, VggNetwork
from brushwork.tests.laws import picture
from brushwork.tests.models.small import APART, TINY, small_network
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.wct import WHITENING

NETWORKS = {
    "AdaIN, shared encoder": ("adain", lambda: small_network("shared encoder")),
    "AdaIN, a projection beside its own channels": (
        "adain",
        lambda: enlivened(VggNetwork(replace(TINY, widths=TINY.widths[:4], appended=6), (), ADAIN_LEVEL)),
    ),
    "AdaIN, an encoder a level": ("adain", lambda: small_network("an encoder a level")),
    "WCT, five levels": (WHITENING, lambda: small_network("shared encoder")),
    "MSG-Net": ("msgnet", lambda: small_network("MSG-Net")),
    "MSG-Net on a backbone": ("msgnet", lambda: enlivened(MsgNet(backbone=TINY))),
    "StyleBank": ("stylebank", lambda: small_network("StyleBank")),
    "StyleBank on a backbone": ("stylebank", lambda: enlivened(StyleBankNetwork(("waves",), backbone=APART))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_both_ways_paint_one_picture(name: str) -> None:
    method, build = NETWORKS[name]
    network = build()
    content, style = picture(43, 38), picture(33, 50, 1)
    fast, slow = (learn(style)(content) for learn in (ours(network, METHODS[method]), plain(network, method)))
    assert fast.shape == content.shape
    assert_close(fast, slow.clamp(0, 1))


def test_decibels_see_pictures_as_a_person_gets_them() -> None:
    grey = torch.full((1, 3, 4, 4), 0.5)
    assert abs(decibels(grey + 0.1, grey) - 20) < 1e-3
    assert decibels(grey + 1, grey + 2) == float("inf")


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


def test_a_fresh_process_is_another_one() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()


@pytest.mark.parametrize("size", [(64, 64), (30, 90), (500, 20)])
def test_scenes_fill_the_size(size: tuple[int, int]) -> None:
    image = scene(CONTENT, size)
    assert image.shape == (1, 3, *size) and 0 <= image.min() < image.max() <= 1
