"""StyleBank's recipe: turns of painting and reconstruction, a frozen encoder, the balance of the two gradients."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.models.stylebank import StyleBankNetwork
from brushwork.tests.tolerances import COVARIANCE, assert_close
from brushwork.tests.training.tiny import Course, OnStep, folder_of_pictures, tiny_eye, tiny_network
from brushwork.training.paintings import paintings_in
from brushwork.training.stylebank import BankRecipe, balanced, first_bank, start_kernels, train_bank
from brushwork.transfer.bank import KernelMap
from brushwork.transfer.moments import Moments

NAMES = ["picture 0", "picture 1", "picture 2"]


def train(
    folder: Path,
    out: Path,
    steps: int,
    on_step: OnStep | None = None,
    trunk: bool = True,
    rate: float = 1e-2,
    painted: int = 2,
) -> StyleBankNetwork:
    recipe = BankRecipe(steps=steps, painted=painted, batch=2, side=24, photo=28, painting=30, rate=rate)
    return train_bank(
        tiny_network() if trunk else None, tiny_eye(), paintings_in([folder]), [folder], out, recipe, on_step
    )


@pytest.mark.parametrize(("kind", "painted"), [("style", 2), ("plain", 0)])
def test_both_kinds_of_losses_fall(kind: str, painted: int, tmp_path: Path) -> None:
    course = Course(kind)
    train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 90, course, rate=3e-2, painted=painted)
    assert course.fell()


def test_two_steps_paint_and_one_reconstructs(tmp_path: Path) -> None:
    kinds: list[bool] = []
    train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 7, lambda _, losses: kinds.append("plain" in losses))
    assert kinds == [False, False, True, False, False, True, False]


def test_the_encoder_stays_and_all_else_learns(tmp_path: Path) -> None:
    trunk = tiny_network()
    network = train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 12)
    encoder = trunk.encoder.state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in network.encoder.state_dict().items())
    first = first_bank(NAMES, trunk, 0).state_dict()
    for name, value in network.state_dict().items():
        assert name.startswith("encoder.") or not torch.equal(value, first[name])
    assert network.styles == tuple(NAMES)


def test_the_saved_network_is_the_trained_one(tmp_path: Path) -> None:
    network = train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 3)
    saved = load_file(tmp_path / "stylebank.safetensors")
    assert all(torch.equal(saved[name], value.half()) for name, value in network.state_dict().items())


def test_the_papers_layout_learns_from_nothing(tmp_path: Path) -> None:
    network = train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 2, trunk=False)
    assert network.spaces["bank"].channels == 128
    assert all(weight.requires_grad for weight in network.parameters())


def test_at_first_the_bank_reconstructs_as_its_trunk_does() -> None:
    trunk, image = tiny_network(), torch.rand(1, 3, 18, 20)
    network = first_bank(NAMES, trunk, 0)
    assert_close(network.decode(network.encode(image, "bank")), trunk.decode(trunk.encode(image, "relu3_1")))


def test_reconstruction_is_scaled_to_pull_as_painting_does() -> None:
    network = first_bank(NAMES, tiny_network(), 0)
    total = torch.stack([weight.sum() for weight in network.decoder.parameters()]).sum()
    scaled = balanced(network, {"plain": 2 * total}, {"style": 6 * total}, share=0.5)["plain"]
    (gradient,) = torch.autograd.grad(scaled, [network.decoder.get_parameter("conv1_1.weight")])
    assert_close(gradient, torch.full_like(gradient, 3.0))


def test_with_the_balance_it_trains_too(tmp_path: Path) -> None:
    folder = folder_of_pictures(tmp_path / "pictures")
    recipe = BankRecipe(steps=3, batch=1, side=24, photo=28, painting=30, balance=1.0)
    seen: list[float] = []
    train_bank(
        tiny_network(),
        tiny_eye(),
        paintings_in([folder]),
        [folder],
        tmp_path,
        recipe,
        lambda _, losses: seen.append(sum(losses.values())),
    )
    assert len(seen) == 3


def test_kernels_start_with_the_colours_of_their_paintings() -> None:
    network, photo = first_bank(NAMES[:1], tiny_network(), 0), torch.rand(1, 3, 40, 40)
    painting = torch.rand(1, 3, 36, 44) * 0.7
    start_kernels(network, photo, [painting])
    values = network.for_kernels(network.encode(photo, "bank").values)
    inner = KernelMap(*(value.detach() for value in network.kernel(NAMES[0])))(values)
    reached, wanted = (Moments.of(v, full=True) for v in (inner, network.encode(painting, "bank").values))
    assert_close(reached.mean, wanted.mean)
    assert (reached.covariance - wanted.covariance).norm() < COVARIANCE * wanted.covariance.norm()


def test_a_bank_learns_on_and_only_one_of_the_same_styles_does() -> None:
    bank = first_bank(NAMES, tiny_network(), 0).eval().requires_grad_(False)
    again = first_bank(NAMES[::-1], bank, 0)
    assert again is bank and again.training
    learning = {name.split(".")[0] for name, weight in again.named_parameters() if weight.requires_grad}
    assert learning == {"bank", "decoder"}
    with pytest.raises(ValueError, match=r"^the bank to start from has the styles .*: name a folder of those\.$"):
        first_bank(("another",), bank, 0)
