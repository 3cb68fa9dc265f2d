"""StyleBank's recipe: turns of painting and reconstruction, a frozen encoder, both layouts, and a teacher."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.models.networks.norm import normalised
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggNetwork
from brushwork.tests.tolerances import COVARIANCE, assert_close
from brushwork.tests.training.tiny import (
    LossCurve,
    tiny_job,
    tiny_loss_network,
    tiny_network,
    tiny_teacher,
)
from brushwork.training import stylebank
from brushwork.training.losses import LossWeights, style_target
from brushwork.training.recipes import Job
from brushwork.training.stylebank import StyleBankConfig, first_bank, start_kernels, train_stylebank
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import KernelMap

NAMES = ["picture 0", "picture 1", "picture 2"]
CONFIG = StyleBankConfig(steps=4, batch=2, side=24, photo=28, style_size=30, rate=1e-2)


def train(
    job: Job, config: StyleBankConfig = CONFIG, start: VggNetwork | StyleBankNetwork | None = None
) -> StyleBankNetwork:
    return train_stylebank(start, tiny_loss_network(), job, config)


@pytest.mark.parametrize(("kind", "painted"), [("style", 2), ("reconstruction", 0)])
def test_both_kinds_of_losses_fall(kind: str, painted: int, tmp_path: Path) -> None:
    curve = LossCurve(kind)
    steps = 80 if painted else 40
    train(tiny_job(tmp_path, curve), replace(CONFIG, steps=steps, rate=3e-2, painted=painted), tiny_network())
    assert len(curve.sums) == (54 if painted else 40) and curve.fell()


def test_it_learns_from_a_teacher(tmp_path: Path) -> None:
    curve, names = LossCurve("taught"), set[str]()
    config = replace(CONFIG, steps=84, rate=3e-2, kept=6, loss_weights=LossWeights(0.0, 0.0, 0.0, 1.0))

    def on_step(step: int, losses: dict[str, float]) -> None:
        names.update(losses)
        curve(step, losses)

    train(tiny_job(tmp_path, on_step, teacher=tiny_teacher()), config, tiny_network())
    assert names == {"taught", "reconstruction"} and curve.fell()


def test_steadiness_falls(tmp_path: Path) -> None:
    curve = LossCurve("steady")
    config = replace(CONFIG, steps=60, rate=3e-2, loss_weights=LossWeights(0.0, 0.0, 0.0, steady=1.0))
    train(tiny_job(tmp_path, curve), config, tiny_network())
    assert len(curve.sums) == 40 and curve.fell()


def test_two_steps_paint_and_one_reconstructs(tmp_path: Path) -> None:
    kinds: list[bool] = []
    job = tiny_job(tmp_path, lambda _, losses: kinds.append("reconstruction" in losses))
    train(job, replace(CONFIG, steps=7), tiny_network())
    assert kinds == [False, False, True, False, False, True, False]


def test_the_encoder_stays_and_all_else_learns(tmp_path: Path) -> None:
    backbone = tiny_network()
    network = train(tiny_job(tmp_path), replace(CONFIG, steps=6), backbone)
    encoder = backbone.encoder.state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in network.encoder.state_dict().items())
    first = first_bank(NAMES, backbone, 0).state_dict()
    for name, value in network.state_dict().items():
        assert name.startswith("encoder.") or not torch.equal(value, first[name])
    assert network.styles == tuple(NAMES)


@pytest.mark.parametrize("start", ["a backbone", "a bank"])
def test_an_encoder_learns_along(start: str, tmp_path: Path) -> None:
    """At a quarter of the rate, which is what Adam's first step moves the weights by."""
    backbone = tiny_network()
    before = first_bank(NAMES, backbone, 0).state_dict()  # a copy: what learns is a bank of its own
    network = first_bank(NAMES, backbone, 0) if start == "a bank" else backbone
    after = train(tiny_job(tmp_path), replace(CONFIG, steps=1, encoder=True), network).state_dict()
    encoder, decoder = (
        max(float((after[name] - before[name]).abs().max()) for name in after if name.startswith(part))
        for part in ("encoder.", "decoder.")
    )
    assert encoder == pytest.approx(decoder / 4, rel=0.01)


def test_the_saved_network_is_the_trained_one(tmp_path: Path) -> None:
    network = train(tiny_job(tmp_path), CONFIG, tiny_network())
    saved = load_file(tmp_path / "out" / "stylebank.safetensors")
    assert saved.keys() == network.state_dict().keys()
    assert all(torch.equal(saved[name], value.half()) for name, value in network.state_dict().items())


def test_the_papers_layout_learns_from_nothing(tmp_path: Path) -> None:
    network = train(tiny_job(tmp_path), replace(CONFIG, steps=2))
    assert network.spaces["bank"].channels == 128
    first = first_bank(NAMES, None, 0).state_dict()
    parts = ("encoder", "bank", "decoder")
    moved = {name.split(".")[0] for name, value in network.state_dict().items() if not torch.equal(value, first[name])}
    assert moved == set(parts)


def test_at_first_the_bank_reconstructs_as_its_backbone_does() -> None:
    backbone, image = tiny_network(), torch.rand(1, 3, 18, 20)
    network = first_bank(NAMES, backbone, 0)
    assert_close(network.decode(network.encode(image, "bank")), backbone.decode(backbone.encode(image, "relu3_1")))


def test_kernels_start_with_the_colours_of_their_paintings() -> None:
    network, photo = first_bank(NAMES[:1], tiny_network(), 0), torch.rand(1, 3, 40, 40)
    painting = torch.rand(1, 3, 36, 44) * 0.7
    start_kernels(network, photo, [painting])
    values = normalised(network.encode(photo, "bank").values)
    inner = KernelMap.of(*(value.detach() for value in network.kernel(NAMES[0])))(values)
    reached, wanted = (Moments.of(v, full=True) for v in (inner, network.encode(painting, "bank").values))
    assert_close(reached.mean, wanted.mean)
    assert (reached.covariance - wanted.covariance).norm() < COVARIANCE * wanted.covariance.norm()


def test_a_bank_learns_on_and_only_one_of_the_same_styles_does() -> None:
    bank = first_bank(NAMES, tiny_network(), 0).eval().requires_grad_(False)
    again = first_bank(NAMES[::-1], bank, 0)
    assert again is bank and again.training
    learning = {name.split(".")[0] for name, weight in again.named_parameters() if weight.requires_grad}
    assert learning == {"bank", "body", "decoder"}
    with pytest.raises(ValueError, match=r"^the bank to start from has the styles .*: name a folder of those\.$"):
        first_bank(("another",), bank, 0)


def test_each_style_is_held_against_its_own_painting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order the bank has them."""
    met: set[str] = set()
    job, losses_of = tiny_job(tmp_path), stylebank.style_losses
    paintings = job.paintings(CONFIG.style_size)
    expected = {
        name: style_target(tiny_loss_network(), picture, LossWeights())["relu2_1"].mean[0]
        for name, picture in zip(paintings.names, paintings, strict=True)
    }

    def watched(network, loss_network, image, names, style, *others):
        met.update(names)
        for name, mean in zip(names, style["relu2_1"].mean, strict=True):
            assert_close(mean, expected[name])
        return losses_of(network, loss_network, image, names, style, *others)

    monkeypatch.setattr(stylebank, "style_losses", watched)
    train(job, replace(CONFIG, steps=7), first_bank(NAMES[::-1], tiny_network(), 0))
    assert met == set(NAMES)
