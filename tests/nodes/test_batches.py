"""Every node on batches, odd sizes and other layouts: each picture as if it were alone, and exactly its size."""

import pytest
import torch
from torch import Tensor

from brushwork.nodes import NODES
from brushwork.nodes._base import FEATURES
from brushwork.nodes._host import CachedFeatures
from brushwork.tests.nodes.stand_ins import (
    SOURCES,
    STAGES,
    SUMMARIES,
    arguments,
    bank,
    call,
    encoded,
    msgnet,
    network_for,
    pictures,
    sockets,
    tiny,
    values,
)
from brushwork.tests.tolerances import assert_close

FORMS = ("IMAGE", FEATURES, "LATENT")
each_stage = pytest.mark.parametrize("node", STAGES)
takes_pictures = [node for node in STAGES if sockets(node, "IMAGE")]
takes_styles = [node for node in STAGES if any("style" in sockets(node, kind)[1:] for kind in FORMS)]
keeps_size = [node for node in takes_pictures if node not in ("BrushworkBrushSize", "BrushworkStyleEncoder")]
takes_masks = [(node, name) for node in NODES for name in sockets(node, "MASK")]
NETWORKS = {"relu3_1": tiny, "comatch": msgnet, "bank": bank}


def run(node: str, content: Tensor, style: Tensor | None = None, **changed: object) -> Tensor:
    return values(call(node, **{**arguments(node, content, style), **changed}))


def test_every_node_is_in_one_of_the_groups() -> None:
    assert sorted((*SOURCES, *SUMMARIES, *STAGES)) == sorted(NODES)


@each_stage
def test_batch_of_two_is_the_two_one_by_one(node: str) -> None:
    both = pictures(2)
    together = run(node, both)
    assert not torch.equal(together[0], together[1])
    assert_close(together, torch.cat([run(node, both[:1]), run(node, both[1:])]))


@pytest.mark.parametrize("node", takes_styles)
def test_a_style_each(node: str) -> None:
    contents, styles = pictures(2), pictures(2, (9, 12), seed=7)
    single = [run(node, contents[item : item + 1], styles[item : item + 1]) for item in range(2)]
    assert_close(run(node, contents, styles), torch.cat(single))


@each_stage
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (33, 18)])
def test_any_size_goes_through(node: str, size: tuple[int, int]) -> None:
    for result in (run(node, pictures(2, size)), run(node, pictures(1, size), pictures(1, (1, 1)))):
        assert torch.isfinite(result).all()


@pytest.mark.parametrize("level", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (33, 18), (64, 64)])
def test_decoder_gives_the_encoded_size_back(level: str, size: tuple[int, int]) -> None:
    network = NETWORKS[level]()
    image = call("BrushworkStyleDecoder", network=network, features=encoded(network, pictures(2, size), level))
    assert image.shape == (2, *size, 3)
    assert image.dtype == torch.float32 and image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize("node", keeps_size)
def test_pictures_out_have_the_size_of_pictures_in(node: str) -> None:
    image = run(node, 2 * pictures(2) - 0.5)
    assert image.shape == (2, 17, 22, 3)
    assert image.dtype == torch.float32 and image.min() >= 0 and image.max() <= 1


@each_stage
def test_inputs_are_left_alone(node: str) -> None:
    inputs = arguments(node, pictures(2))
    before = {name: values(given).clone() for name, given in inputs.items() if _holds_tensor(given)}
    weights = [weight.clone() for weight in network_for(node)[0].network.parameters()]
    call(node, **inputs)
    assert all(torch.equal(values(inputs[name]), kept) for name, kept in before.items())
    if "network" in inputs:
        assert all(map(torch.equal, inputs["network"].network.parameters(), weights))


@pytest.mark.parametrize("node", takes_pictures)
def test_grey_is_the_same_as_three_equal_channels(node: str) -> None:
    grey = pictures(2).mean(-1, keepdim=True)
    style = pictures(1, seed=5).mean(-1, keepdim=True)
    assert_close(run(node, grey, style), run(node, grey.expand(-1, -1, -1, 3), style.expand(-1, -1, -1, 3)))


@pytest.mark.parametrize("node", takes_pictures)
def test_transparency_is_dropped(node: str) -> None:
    content, style = pictures(2), pictures(1, seed=5)
    assert_close(run(node, _with_alpha(content), _with_alpha(style)), run(node, content, style))


@pytest.mark.parametrize(("node", "name"), takes_masks)
def test_masks_of_other_layouts(node: str, name: str) -> None:
    flat = arguments(node, pictures(1))[name]
    one = run(node, pictures(2), **{name: flat})
    assert_close(run(node, pictures(2), **{name: flat[None]}), one)
    styles = pictures(seed=5).expand(2, -1, -1, -1)
    assert_close(run(node, pictures(2), styles, **{name: flat.expand(2, -1, -1)}), one)


@pytest.mark.parametrize(("node", "name"), takes_masks)
def test_a_mask_an_image(node: str, name: str) -> None:
    contents, styles = pictures(2), pictures(2, seed=5)
    masks = pictures(2, seed=3)[..., 0]
    single = [run(node, contents[i : i + 1], styles[i : i + 1], **{name: masks[i]}) for i in range(2)]
    assert_close(run(node, contents, styles, **{name: masks}), torch.cat(single))


@pytest.mark.parametrize(("node", "name"), takes_masks)
@pytest.mark.parametrize("size", [(64, 64), (2, 2), (1, 1)])
def test_masks_of_other_sizes_are_resized(node: str, name: str, size: tuple[int, int]) -> None:
    """A half-strength mask is half strength everywhere, whatever its size."""
    own, other = (run(node, pictures(), **{name: torch.full(shape, 0.5)}) for shape in ((17, 22), size))
    assert_close(own, other)


def test_encoder_remembers_where_features_live() -> None:
    features = encoded(tiny(), pictures(3, (9, 5)), "relu3_1").features
    assert (len(features.values), features.image_size, str(features.space)) == (3, (9, 5), "tiny relu3_1")


def _holds_tensor(given: object) -> bool:
    return isinstance(given, Tensor | dict | CachedFeatures)


def _with_alpha(image: Tensor) -> Tensor:
    return torch.cat([image, torch.rand(*image.shape[:3], 1)], -1)
