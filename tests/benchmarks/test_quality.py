"""Quality: distances and spectra of known cases, verdicts, and whole tables of tiny networks without training."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.benchmarks.cases import ours
from brushwork.benchmarks.held_out.figures import (
    AT_LEAST,
    AT_MOST,
    UNDER,
    Line,
    Trial,
    bank_lines,
    centroids,
    msgnet_lines,
    trial,
    vgg_lines,
    vgg_methods,
)
from brushwork.benchmarks.held_out.measures import Look, content_error, gram_error, spectral_centroid, style_error
from brushwork.benchmarks.held_out.scene import Scene, named_paintings, scaled, some
from brushwork.benchmarks.held_out.sheets import brushes, painted
from brushwork.benchmarks.quality import measured
from brushwork.media.images import write_picture
from brushwork.methods import METHODS
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggLayout, VggNetwork
from brushwork.tests.tolerances import assert_close
from brushwork.training.loss_network import LossNetwork
from brushwork.transfer.moments import Moments

TINY = VggLayout("tiny", (4, 4, 4, 4, 4))


def network() -> VggNetwork:
    return VggNetwork(TINY, adain="relu4_1").eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def measuring() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Three photos and two paintings of noise, each about another colour."""
    for folder, names in {"photos": "abc", "paintings": ("red_sea", "blue_hill"), "unseen": ("grey",)}.items():
        for name in names:
            write_picture(tmp_path / folder / f"{name}.png", 0.5 * torch.rand(3) + 0.5 * torch.rand(24, 32, 3))
    photos = sorted((tmp_path / "photos").iterdir())
    paintings, unseen = named_paintings(tmp_path / "paintings"), named_paintings(tmp_path / "unseen")
    return Scene(
        LossNetwork(network()), photos, paintings, unseen, size=32, painting_size=32, brushes=(16, 32, 48), few=2
    )


def grating(cycles: int, side: int = 96) -> Tensor:
    wave = 0.5 + 0.4 * torch.sin(2 * math.pi * cycles * torch.arange(side) / side)
    return wave.expand(1, 3, side, side)


def test_finer_gratings_lie_higher() -> None:
    heights = [spectral_centroid(grating(cycles)) for cycles in (4, 8, 16, 32)]
    assert heights == sorted(heights) and heights[0] < heights[-1]


@pytest.mark.parametrize("cycles", [16, 24, 32])
def test_a_grating_lies_at_its_own_frequency(cycles: int) -> None:
    assert abs(spectral_centroid(grating(cycles)) - cycles / 96) < 1 / 96  # a ring of the spectrum


def test_the_centroid_knows_neither_contrast_nor_brightness_nor_direction() -> None:
    image = torch.rand(1, 3, 40, 56)
    centroid = torch.tensor(spectral_centroid(image))
    for other in (0.3 + 0.5 * image, image.flip(2), image.flip(3), image.mT):
        assert_close(torch.tensor(spectral_centroid(other)), centroid)


def test_a_flat_picture_has_no_detail() -> None:
    assert_close(torch.tensor(spectral_centroid(torch.full((1, 3, 32, 32), 0.5))), torch.tensor(0.0))


def test_a_picture_is_at_no_distance_from_itself() -> None:
    look = Look.at(LossNetwork(network()), torch.rand(1, 3, 32, 40))
    assert style_error(look.grams, look.grams) == gram_error(look.grams, look.grams) == content_error(look, look) == 0


def test_distances_of_known_grams() -> None:
    """Grams twice and three times the painting's: relative distances 1 and 2."""
    values = torch.randn(1, 3, 5, 5)
    painting = {"a": Moments.of(values, full=True), "b": Moments.of(values, full=True)}
    own = {"a": Moments.of(2**0.5 * values, full=True), "b": Moments.of(3**0.5 * values, full=True)}
    assert_close(torch.tensor([style_error(own, painting), gram_error(own, painting)]), torch.tensor([1.5, 5.0]))


@pytest.mark.parametrize(
    ("value", "asked", "verdict"),
    [
        (1.0, (AT_LEAST, 1.0), "holds"),
        (0.9, (AT_LEAST, 1.0), "misses"),
        (1.0, (AT_MOST, 1.0), "holds"),
        (1.0, (UNDER, 1.0), "misses"),
        (math.nan, (AT_MOST, 1.0), "misses"),
        (math.nan, (AT_LEAST, 1.0), "misses"),
        (1.0, None, ""),
        (None, None, "skipped"),
        (None, (AT_MOST, 1.0), "skipped"),
    ],
)
def test_verdicts(value: float | None, asked: tuple[str, float] | None, verdict: str) -> None:
    line = Line("n", "f", value, asked, unit=" dB")
    assert line.verdict == verdict and line.cells[-1] == verdict


def test_a_trial_tells_what_is_left_and_whose_it_is() -> None:
    before = torch.tensor([[4.0, 2.0], [8.0, 2.0], [1.0, 1.0]])
    after = torch.tensor([[[1.0, 3.0], [1.0, 1.0]], [[1.0, 3.0], [0.1, 2.0]], [[1.0, 3.0], [0.1, 0.5]]])
    tried = Trial(("a", "b"), ("a", "b"), before, after, 0.0)
    assert tried.left("a") == 0.25 and tried.left("b") == 0.5
    assert tried.nearest("a") == tried.nearest("b") == "a"


def test_who_changes_nothing_leaves_all(scene: Scene) -> None:
    tried = trial({style: lambda photo: photo for style in scene.paintings}, scene, "nobody")
    assert [tried.left(style) for style in tried.styles] == [1, 1] and tried.content == 0
    assert tried.before.shape == (2, 3) and tried.after.shape == (2, 2, 3)


def test_who_paints_the_painting_leaves_nothing(scene: Scene) -> None:
    tried = trial({style: lambda _, style=style: scene.painting(style) for style in scene.paintings}, scene, "forger")
    assert all(tried.left(style) == 0 and tried.nearest(style) == style for style in tried.styles)


def test_the_scene(scene: Scene, tmp_path: Path) -> None:
    assert list(scene.paintings) == ["blue hill", "red sea"] and list(scene.grams) == ["blue hill", "red sea", "grey"]
    assert [(path.stem, name) for path, name in scene.pairs()] == [
        ("a", "blue hill"),
        ("b", "red sea"),
        ("c", "blue hill"),
    ]
    write_picture(tmp_path / "tall.png", torch.rand(50, 30, 3))
    assert scaled(tmp_path / "tall.png", 15).shape == (1, 3, 25, 15)
    assert some("abcdef", 3) == ["a", "c", "e"] and some("ab", 3) == ["a", "b"]


def test_a_network_beside_itself(scene: Scene) -> None:
    """Every figure is there, equals the yardstick's, and holds where it is held against the yardstick."""
    own = network()
    lines = list(vgg_lines("tiny", own, own, scene))
    assert len(lines) == 5 + 2 * 2 + 1
    assert all(line.value == line.beside for line in lines)
    assert all(line.verdict == "holds" for line in lines[:-1])


def test_a_network_without_decoders_for_a_method(scene: Scene) -> None:
    few = VggNetwork(TINY, ("relu1_1", "relu4_1"))
    assert list(vgg_methods(few)) == ["AdaIN, reconstruction decoder"]
    assert [line.figure for line in vgg_lines("few", few, few, scene)] == [
        "reconstruction of relu1_1",
        "reconstruction of relu4_1",
    ]


def test_a_bank(scene: Scene) -> None:
    bank = StyleBankNetwork(("red sea", "green moon"), (4, 4, 4))
    lines = {line.figure: line for line in bank_lines("bank", bank, scene)}
    assert lines["auto-encoder"].asked == (AT_LEAST, 22.5)
    assert lines["green moon: there is no painting of that name"].verdict == "skipped"
    assert lines["Gram distance left, red sea"].asked == (AT_MOST, 0.15)
    assert lines["styles nearest to their own painting"].cells[2:5:2] == ("1 of 1", ">= 1 of 1")
    assert len(lines) == 5


def test_a_kernel_that_changes_nothing_reconstructs() -> None:
    bank = StyleBankNetwork(("red sea",), (4, 4, 4))
    weight, bias = bank.kernel("red sea")
    torch.nn.init.dirac_(weight), torch.nn.init.zeros_(bias)
    photo = torch.rand(1, 3, 16, 20)
    reconstruction = bank.decode(bank.encode(photo, "bank")).clamp(0, 1)
    assert_close(ours(bank, METHODS["stylebank"])("red sea")(photo), reconstruction)


def test_an_msgnet(scene: Scene) -> None:
    lines = list(msgnet_lines("msgnet", MsgNet(backbone=TINY), scene))
    asked = {line.figure: line.asked for line in lines}
    assert asked["Gram distance left, red sea"] == (AT_MOST, 0.35)
    assert asked["Gram distance left, grey, not trained with"] is None
    first, *wider = [line for line in lines if "centroid, style at" in line.figure]
    assert first.asked is None and [line.asked for line in wider] == [(UNDER, first.value), (UNDER, wider[0].value)]
    assert lines[-1].cells[2].endswith("of 4")


def test_sheets(scene: Scene) -> None:
    sheet = painted({style: lambda photo: 1 - photo for style in scene.paintings}, scene)
    assert sheet.shape[3] // 320 == 1 + 2 and sheet.shape[2] > 3 * 240 and sheet.isfinite().all()
    assert brushes(MsgNet(backbone=TINY), scene).shape[3] // 320 == 2 + len(scene.brushes)
    assert centroids(MsgNet(backbone=TINY), scene, "msgnet").shape == (2 * 2, len(scene.brushes))


def test_a_network_that_is_not_there_is_never_a_pass(scene: Scene) -> None:
    (line,) = measured("no such network", scene, None)
    assert line.verdict == "skipped" and "no such network" in line.figure
