"""What painted recipes learn from: crops that come again, styles measured once, and a teacher's pictures on disk."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.base import ADAIN
from brushwork.models.networks.vgg import ADAIN_LEVEL
from brushwork.models.weights.store import BUILTIN
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import tiny_network, tiny_teacher
from brushwork.training import pairs
from brushwork.training.crops import Crops
from brushwork.training.pairs import CropPool, KeptPictures, Pairs, StyleMoments, Teacher, load_teacher
from brushwork.training.pictures import Pictures
from brushwork.transfer.adain import adain
from brushwork.transfer.moments import Moments

SIDE = 8


def crops(zooms: Sequence[float] = (1.0,), side: int = SIDE) -> Crops:
    generator = torch.Generator().manual_seed(2)
    return Crops(Pictures.from_tensors(torch.rand(3, 3, 30, 40, generator=generator), 30), side, zooms)


class Painter:
    """Counts what it paints: each crop darker the lower the number of its style."""

    def __init__(self) -> None:
        self.painted = 0

    def __call__(self, content: Tensor, styles: Sequence[int]) -> Tensor:
        self.painted += len(content)
        return content * (torch.tensor(styles)[:, None, None, None] + 1) / 8


def test_a_pool_gives_the_same_crops_again() -> None:
    pool, again, other = CropPool(crops(), 5, 0), CropPool(crops(), 5, 0), CropPool(crops(), 5, 1)
    torch.rand(7)
    assert len(pool) == 5
    assert torch.equal(pool.cut(range(5)), again.cut(range(5)))
    assert torch.equal(pool.cut([3, 1, 3]), pool.cut(range(5))[[3, 1, 3]])
    assert not torch.equal(pool.cut(range(5)), other.cut(range(5)))


def test_a_share_of_the_crops_has_other_colours() -> None:
    plain, other = CropPool(crops(), 40, 0).cut(range(40)), CropPool(crops(), 40, 0, 0.5)
    cut = other.cut(range(40))
    assert torch.equal(other.cut([7, 3]), cut[[7, 3]]) and cut.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(cut.mean(1), plain.mean(1), atol=1e-6)  # an order or the mean of all three
    kept = sum(torch.equal(*pair) for pair in zip(cut, plain, strict=True))
    grey = sum(bool((each.amax(0) - each.amin(0)).max() < 1e-6) for each in cut)
    assert 10 <= kept <= 30 and 4 <= grey <= 16  # half of the others


def test_zooms_take_turns() -> None:
    zooms = (1.0, 2.0, 3.0)
    pool = CropPool(crops(zooms), 6, 0)
    seen = pool.cut(range(6))
    for index in range(6):
        expected = pool.crops.cut(pool.numbers[index : index + 1], zooms[index % 3])
        assert torch.equal(seen[index : index + 1], expected)


def moments_of(style: int) -> dict[str, Moments]:
    return {"level": Moments.of(torch.full((1, 2, 3, 3), float(style)), full=True)}


def test_a_style_is_measured_once() -> None:
    asked: list[int] = []
    measured = StyleMoments(lambda style: asked.append(style) or moments_of(style))
    for styles in ([3, 1, 3], [1], [2, 3]):
        assert measured.of(styles)["level"].mean[:, 0].tolist() == styles
    assert asked == [3, 1, 2]


def test_where_there_is_no_room_the_oldest_are_forgotten() -> None:
    """But never so many that a batch would not be there."""
    asked: list[int] = []
    measured = StyleMoments(lambda style: asked.append(style) or moments_of(style), limit=0)
    assert measured.of(range(64))["level"].mean[:, 0].tolist() == list(range(64))
    measured.of([64])
    assert list(measured.cached) == list(range(1, 65)) and measured.bytes == 64 * 4 * 4
    measured.of([64, 0])
    assert asked == [*range(65), 0]


def test_without_a_teacher_there_is_no_target() -> None:
    batch = Pairs(crops(), 5).take(4)
    assert batch.target is None and batch.content.shape == (4, 3, SIDE, SIDE)
    assert len(batch.styles) == 4 and set(batch.styles) <= set(range(5))


@pytest.mark.parametrize("kept", [0, 12])
def test_targets_are_the_teachers_of_these_crops(kept: int, tmp_path: Path) -> None:
    painter = Painter()
    drawn = Pairs(crops(), 5, painter, kept=kept, folder=tmp_path)
    for _ in range(10):
        batch = drawn.take(4)
        assert batch.target is not None and batch.target.dtype == torch.float32
        assert (batch.target - Painter()(batch.content, batch.styles)).abs().max() <= (1 / 255 if kept else 0)
    assert painter.painted == 40 if not kept else painter.painted <= kept


@pytest.mark.parametrize("same", [1, 2, 3])
@pytest.mark.parametrize("kept", [0, 12])
def test_runs_of_one_style(same: int, kept: int, tmp_path: Path) -> None:
    drawn = Pairs(crops(), 1000, Painter(), same, kept, tmp_path)
    batch = drawn.take(6)
    runs = [batch.styles[first : first + same] for first in range(0, 6, same)]
    assert all(len(set(run)) == 1 for run in runs) and len({run[0] for run in runs}) > 1
    if kept:
        assert len(drawn.take(5).styles) == 5


def test_each_pair_is_painted_once_whoever_asks(tmp_path: Path) -> None:
    painter = Painter()
    for _ in range(2):
        drawn = Pairs(crops(), 5, painter, kept=7, folder=tmp_path, sources="teacher")
        for _ in range(20):
            drawn.take(4)
    assert painter.painted == 7
    assert len(list(tmp_path.iterdir())) == 1
    fresh = Painter()
    Pairs(crops(), 5, fresh, kept=7, folder=tmp_path, sources="teacher").take(4)
    assert fresh.painted == 0


@pytest.mark.parametrize(
    ("changed", "zooms", "side"),
    [({"sources": "another"}, (1.0,), 8), ({"seed": 1}, (1.0,), 8), ({}, (2.0,), 8), ({}, (1.0,), 7)],
    ids=["teacher", "seed", "zooms", "side"],
)
def test_other_pairs_have_a_file_of_their_own(
    changed: dict, zooms: tuple[float, ...], side: int, tmp_path: Path
) -> None:
    Pairs(crops(), 5, Painter(), kept=4, folder=tmp_path).take(4)
    painter = Painter()
    Pairs(crops(zooms, side), 5, painter, kept=4, folder=tmp_path, **changed).take(4)
    assert painter.painted and len(list(tmp_path.iterdir())) == 2


def test_pictures_come_back_as_bytes(tmp_path: Path) -> None:
    pictures = torch.rand(2, 3, SIDE, SIDE)
    file = KeptPictures(tmp_path / "new" / "file", 4, SIDE)
    file.keep([3, 1], pictures)
    for kept in (file, KeptPictures(tmp_path / "new" / "file", 4, SIDE)):
        assert [kept.has(place) for place in range(4)] == [False, True, False, True]
        assert torch.equal(kept.read([1, 3]), (pictures[[1, 0]] * 255).round() / 255)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"x", lambda content: b""])
def test_a_file_of_another_size_is_written_anew(change: object, tmp_path: Path) -> None:
    KeptPictures(tmp_path / "file", 4, SIDE).keep([0], torch.rand(1, 3, SIDE, SIDE))
    size = (tmp_path / "file").stat().st_size
    (tmp_path / "file").write_bytes(change((tmp_path / "file").read_bytes()))  # pyright: ignore
    again = KeptPictures(tmp_path / "file", 4, SIDE)
    assert not any(again.has(place) for place in range(4))
    assert (tmp_path / "file").stat().st_size == size


def test_what_was_not_written_to_its_end_is_painted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between a picture and its flag."""

    class Stopped(KeptPictures):
        def keep(self, places: Sequence[int], pictures: Tensor) -> None:
            self.pixels[list(places)] = 7
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pairs, "KeptPictures", Stopped)
        Pairs(crops(), 5, Painter(), kept=4, folder=tmp_path).take(4)
    painter = Painter()
    Pairs(crops(), 5, painter, kept=4, folder=tmp_path).take(40)
    assert painter.painted == 4


def test_a_style_that_the_same_batch_pushes_out_is_there() -> None:
    measured = StyleMoments(lambda style: {"relu1_1": Moments.of(torch.full((1, 1, 1, 1), float(style)))}, limit=0)
    for style in range(64):
        measured.of([style])
    assert measured.of([0, 64]).get("relu1_1").mean.flatten().tolist() == [0.0, 64.0]
    assert 0 not in measured.cached


# The teacher: AdaIN by a network that has a decoder for it


def test_it_paints_by_adain() -> None:
    teacher, content, style = tiny_teacher(), torch.rand(2, 3, 24, 32), torch.rand(2, 3, 40, 24)
    network = teacher.network
    features, styles = network.encode(content, ADAIN_LEVEL), network.encode(style, ADAIN_LEVEL)
    operator = adain(Moments.of(features.values), Moments.of(styles.values))
    expected = network.decode(features.with_values(operator(features.values)), ADAIN)
    painted = teacher.paint(content, teacher.learn(style))
    assert_close(painted, expected.clamp(0, 1))
    assert painted.std() > 0.01 and not painted.requires_grad


def test_nothing_learns_from_it() -> None:
    teacher, content = tiny_teacher(), torch.rand(1, 3, 24, 24, requires_grad=True)
    assert not teacher.paint(content, teacher.learn(content)).requires_grad


def test_a_network_without_adains_decoder() -> None:
    with pytest.raises(ValueError) as caught:
        Teacher(tiny_network())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_paints_in_the_type_that_networks_learn_in(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", str(dtype).removeprefix("torch."))
    teacher = tiny_teacher().to_training(torch.device("cpu"))
    assert {weight.dtype for weight in teacher.parameters()} == {dtype}


def test_by_name_or_file() -> None:
    assert load_teacher("compact").name == "compact"
    assert load_teacher(str(BUILTIN / "compact.safetensors")).name == "compact.safetensors"
    with pytest.raises(ValueError, match="^msgnet does not paint by AdaIN: name a network or a file with AdaIN's dec"):
        load_teacher("msgnet")
