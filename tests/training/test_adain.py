"""AdaIN's recipe on a tiny network: it learns, by itself or from a teacher, and leaves the network alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.models.networks.base import ADAIN
from brushwork.models.networks.vgg import ADAIN_LEVEL, COMPACT, VggDecoder, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, LossCurve, tiny_job, tiny_network, tiny_teacher
from brushwork.training.adain import AdainConfig, first_decoder, train_adain, with_projections
from brushwork.training.loss_network import loss_network_of
from brushwork.training.losses import LossWeights
from brushwork.training.pairs import Teacher

CONFIG = AdainConfig(steps=4, batch=2, side=24, photo=28, style_side=24, style_sizes=(24, 30), style_crops=4, rate=1e-2)
PROJECTED = VggLayout("projected", TINY.widths, projections=(5, 7, 9, 11))


def network(layout: VggLayout = TINY, decoders: tuple[str, ...] = ("relu4_1",)) -> VggNetwork:
    return enlivened(VggNetwork(layout, decoders, deepest="relu4_1")).eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("teacher", "kept"), [(None, 0), (tiny_teacher(), 0), (tiny_teacher(), 6)], ids=["by itself", "taught", "kept"]
)
def test_losses_fall(teacher: Teacher | None, kept: int, tmp_path: Path, short_warm_up: None) -> None:
    curve = LossCurve("content")
    config = replace(CONFIG, steps=32, rate=2e-2, kept=kept)
    train_adain(network(), tiny_job(tmp_path, curve, teacher=teacher), config)
    assert len(curve.sums) == 32 and curve.fell()
    assert len(list((tmp_path / "out").glob("teacher-*"))) == (kept > 0)


def test_steadiness_falls(tmp_path: Path, short_warm_up: None) -> None:
    curve = LossCurve("steady")
    weights = LossWeights(0.0, 0.0, 0.0, steady=1.0)
    train_adain(network(), tiny_job(tmp_path, curve), replace(CONFIG, steps=24, rate=2e-2, loss_weights=weights))
    assert len(curve.sums) == 24 and curve.fell()


@pytest.mark.parametrize("teacher", [None, tiny_teacher()], ids=["by itself", "taught"])
def test_what_is_asked_for_is_what_is_learnt(teacher: Teacher | None, tmp_path: Path) -> None:
    names: set[str] = set()
    config = replace(CONFIG, steps=1, loss_weights=LossWeights(0.0, 1.0, 0.1, 1.0))
    train_adain(network(), tiny_job(tmp_path, lambda _, losses: names.update(losses), teacher=teacher), config)
    assert names == {"style", "total variation"} | ({"taught"} if teacher else set())


def test_only_the_decoder_learns(tmp_path: Path) -> None:
    own, teacher = network(), tiny_teacher()
    before = {name: value.clone() for name, value in [*own.state_dict().items(), *teacher.state_dict().items()]}
    decoder = train_adain(own, tiny_job(tmp_path, teacher=teacher), CONFIG)
    after = dict([*own.state_dict().items(), *teacher.state_dict().items()])
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    first = first_decoder(own, CONFIG).state_dict()
    assert not any(torch.equal(value, first[name]) for name, value in decoder.state_dict().items())


def test_an_encoder_learns_along(tmp_path: Path, short_warm_up: None) -> None:
    own, curve = (
        enlivened(VggNetwork(replace(TINY, appended=5), (), "relu4_1")).eval().requires_grad_(False),
        LossCurve("style"),
    )
    before = {name: value.clone() for name, value in own.state_dict().items()}
    config = replace(CONFIG, steps=32, rate=1e-2, fine_tune=True, encoder=True)
    with pytest.raises(ValueError, match="^an encoder that learns cannot be its own loss network: name another"):
        train_adain(own, tiny_job(tmp_path), config)
    fixed = loss_network_of(enlivened(VggNetwork(TINY)).eval().requires_grad_(False))
    train_adain(own, tiny_job(tmp_path, curve, fixed, teacher=tiny_teacher()), config)
    assert curve.fell() and not any(torch.equal(value, before[name]) for name, value in own.state_dict().items())
    assert load_file(tmp_path / "out" / "adain.safetensors").keys() == before.keys()


def test_an_encoder_that_other_decoders_need(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^this network's encoder serves its other decoders too: give compact-adain"):
        train_adain(tiny_network("relu4_1"), tiny_job(tmp_path), replace(CONFIG, fine_tune=True, encoder=True))


def test_a_checkpoint_of_another_config_is_no_start(tmp_path: Path) -> None:
    train_adain(network(), tiny_job(tmp_path), replace(CONFIG, steps=1))
    with pytest.raises(ValueError, match="was trained otherwise: name another folder, or the same settings"):
        train_adain(network(), tiny_job(tmp_path), replace(CONFIG, loss_weights=LossWeights(style=2.0)))


def test_the_saved_part_is_the_decoder_in_half_precision(tmp_path: Path) -> None:
    trained = train_adain(network(), tiny_job(tmp_path), CONFIG).state_dict()
    saved = load_file(tmp_path / "out" / "adain.safetensors")
    assert saved.keys() == trained.keys()
    assert all(torch.equal(saved[name], value.half()) for name, value in trained.items())


def test_it_starts_as_the_reconstruction_decoder() -> None:
    own = tiny_network("relu4_1")
    for config, expected in ((CONFIG, own.decoder["relu4_1"]), (replace(CONFIG, fine_tune=True), own.adain)):
        first = first_decoder(own, config)
        assert expected is not None and first is not expected and first.training
        assert all(torch.equal(value, expected.state_dict()[name]) for name, value in first.state_dict().items())
        assert all(weight.requires_grad for weight in first.parameters())
    with pytest.raises(ValueError, match="^this network has no decoder for AdaIN to go on from: leave 'fine_tune' out"):
        first_decoder(network(), replace(CONFIG, fine_tune=True))


def test_a_network_that_ends_too_early() -> None:
    shallow = VggNetwork(TINY, ("relu3_1",))
    with pytest.raises(ValueError, match=r"^this network ends before relu4_1, where AdaIN works: choose compact"):
        first_decoder(shallow, CONFIG)


def test_a_layout_and_projections_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="^there is no layout 'vgg91': choose one of vgg19, small16x, compact"):
        first_decoder(network(), replace(CONFIG, decoder="vgg91"))
    with pytest.raises(ValueError, match="^this network has no projections to VGG-19: leave 'projected' out, or take"):
        first_decoder(network(), replace(CONFIG, projected=True))


def convolutions(decoder: VggDecoder) -> list[tuple[int, int]]:
    """Channels in and out."""
    return [(layer.in_channels, layer.out_channels) for layer in decoder.modules() if hasattr(layer, "in_channels")]


@pytest.mark.parametrize(
    ("own", "changed", "inputs", "widths"),
    [
        (network(), {"decoder": "compact"}, 8, COMPACT.widths[:4]),
        (network(), {"width": 2.0}, 8, (8, 12, 16, 16)),
        (network(PROJECTED), {"projected": True}, 19, TINY.widths[:4]),
        (network(decoders=()), {}, 8, TINY.widths[:4]),
    ],
    ids=["of another layout", "wider", "beside projections", "without a decoder"],
)
def test_decoders_of_other_shapes_train(
    own: VggNetwork, changed: dict, inputs: int, widths: tuple[int, ...], tmp_path: Path
) -> None:
    config = replace(CONFIG, steps=1, **changed)
    first, again = first_decoder(own, config), first_decoder(own, config)
    shapes = convolutions(first)
    assert (shapes[0][0], shapes[-1]) == (inputs, (widths[0], 3))
    assert {outputs for _, outputs in shapes} == {3, *widths[:3]}
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())
    trained = train_adain(own, tiny_job(tmp_path), config)
    assert convolutions(trained) == shapes
    assert not torch.equal(trained.get_parameter("conv1_1.bias"), first.get_parameter("conv1_1.bias"))


def test_with_projections_the_whole_network_is_kept(tmp_path: Path) -> None:
    """`with_projections` paints what was trained: the same features, the same decoder."""
    own, image = network(PROJECTED), torch.rand(1, 3, 24, 32)
    decoder = first_decoder(own, replace(CONFIG, projected=True))
    joined = with_projections(own, decoder)
    features = joined.encode(image, ADAIN_LEVEL)
    values = own.encode(image, ADAIN_LEVEL).values
    assert_close(features.values, torch.cat([values, own.heads[ADAIN_LEVEL](values)], 1))
    assert_close(joined.decode(features, ADAIN), decoder(features.values))
    assert joined.decoders(ADAIN_LEVEL) == (ADAIN,) and joined.state_dict().keys() >= {"appended.weight"}


def test_beside_projections_it_starts_as_the_networks_own_decoder() -> None:
    own = network(PROJECTED)
    values = own.encode(torch.rand(1, 3, 24, 32), ADAIN_LEVEL).values
    first = first_decoder(own, replace(CONFIG, projected=True))
    both = torch.cat([values, own.heads[ADAIN_LEVEL](values)], 1)
    assert_close(first(both), own.decoder[ADAIN_LEVEL](values))
