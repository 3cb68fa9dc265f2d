"""Bad input gets one clear sentence with the remedy, whichever node it reaches."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from brushwork.models.weights.manifest import WeightsError
from brushwork.models.weights.store import BUILTIN
from brushwork.nodes import NODES
from brushwork.nodes._base import FEATURES, NETWORK
from brushwork.nodes.networks import LoadStyleNetwork
from brushwork.tests.nodes.stand_ins import arguments, bank, call, encoded, msgnet, network_for, pictures, sockets, tiny


@contextmanager
def refused(*words: str, error: type[Exception] = ValueError) -> Iterator[None]:
    """The block ends in an error whose text is one sentence with a remedy and has `words` in it."""
    with pytest.raises(error) as caught:
        yield
    message = str(caught.value)
    for word in words:
        assert word in message
    fault, _, remedy = message.partition(": ")
    assert fault and remedy.endswith(".") and "\n" not in message
    assert not re.search(r"[.!?]\s", message), f"more than one sentence: {message}"


def pairs(kind: str) -> list[tuple[str, str]]:
    return [(node, name) for node in NODES for name in sockets(node, kind)]


def broken(node: str, contents: int = 1, **changed: Any) -> None:  # noqa: ANN401
    call(node, **{**arguments(node, pictures(contents)), **changed})


images = pytest.mark.parametrize(("node", "name"), pairs("IMAGE"))
masks = pytest.mark.parametrize(("node", "name"), pairs("MASK"))
SEVERAL = [(node, name) for node, name in pairs(FEATURES) if len(sockets(node, FEATURES)) > 1]
several_features = pytest.mark.parametrize(("node", "name"), SEVERAL)
several_levels = pytest.mark.parametrize(("node", "name"), [pair for pair in SEVERAL if pair[0] != "BrushworkCoMatch"])


@images
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_pixel_that_is_no_number(node: str, name: str, value: float) -> None:
    image = arguments(node, pictures())[name].clone()
    image[0, 3, 4, 1] = value
    with refused(f"'{name}' holds NaN or infinite values", "the node that made it"):
        broken(node, **{name: image})


@images
@pytest.mark.parametrize("shape", [(1, 8, 8, 2), (1, 8, 8, 5), (8, 8, 3), (1, 1, 8, 8, 3)])
def test_a_picture_of_another_layout(node: str, name: str, shape: tuple[int, ...]) -> None:
    with refused(f"'{name}' has the shape {list(shape)}", "[batch, height, width, 3]", "connect an IMAGE"):
        broken(node, **{name: torch.zeros(shape)})


@images
def test_a_picture_without_pixels(node: str, name: str) -> None:
    with refused(f"'{name}' holds no pixels", "1 x 1"):
        broken(node, **{name: torch.zeros(1, 0, 8, 3)})


@masks
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_mask_that_is_no_number(node: str, name: str, value: float) -> None:
    mask = torch.ones(1, 17, 22)
    mask[0, 5, 5] = value
    with refused(f"'{name}' holds NaN or infinite values"):
        broken(node, **{name: mask})


@masks
def test_masks_that_do_not_pair(node: str, name: str) -> None:
    with refused(f"'{name}' holds 3 masks for", "give one mask, or as many as images"):
        broken(node, contents=2, **{name: torch.ones(3, 17, 22)})


@masks
@pytest.mark.parametrize("shape", [(17,), (1, 17, 22, 3), (0, 17, 22)])
def test_a_mask_of_another_layout(node: str, name: str, shape: tuple[int, ...]) -> None:
    with refused(f"'{name}' has the shape {list(shape)}", "connect a MASK"):
        broken(node, **{name: torch.ones(shape)})


@pytest.mark.parametrize("node", [node for node in NODES if "style_mask" in sockets(node, "MASK")])
def test_a_style_mask_that_selects_nothing(node: str) -> None:
    with refused("'style_mask' selects nothing of the style", "in white, or disconnect it"):
        broken(node, style_mask=torch.zeros(64, 64))


@pytest.mark.parametrize("node", ["BrushworkAdaIN", "BrushworkWCT"])
def test_one_empty_style_mask_among_several(node: str) -> None:
    style = encoded(tiny(), pictures(2))
    with refused("'style_mask' selects nothing"):
        broken(node, contents=2, style=style, style_mask=torch.stack([torch.ones(9, 9), torch.zeros(9, 9)]))


@pytest.mark.parametrize(("node", "name"), [*pairs("FLOAT"), *pairs("INT")])
def test_a_number_over_a_link_that_no_widget_would_take(node: str, name: str) -> None:
    inputs = NODES[node].INPUT_TYPES()
    kind, options = {**inputs["required"], **inputs.get("optional", {})}[name]
    words = "use a number from" if kind == "FLOAT" else "use a whole number from"
    for value in (math.nan, math.inf, -math.inf, 1e30, options["min"] - 0.01, options["max"] + 1):
        with refused(f"'{name}' is {value}", f"{words} {options['min']} to {options['max']}"):
            broken(node, **{name: value})


def test_half_a_step() -> None:
    with refused("'columns' is 1.5", "a whole number from 0 to 12"):
        broken("BrushworkContactSheet", columns=1.5)


@pytest.mark.parametrize(("node", "name"), [*pairs("IMAGE"), *pairs("MASK"), *pairs(NETWORK), *pairs(FEATURES)])
def test_a_thing_of_another_kind(node: str, name: str) -> None:
    with refused(f"'{name}' holds 'seven' and takes", "look at the node that made it"):
        broken(node, **{name: "seven"})


def test_what_is_optional_may_hold_nothing() -> None:
    masks = dict.fromkeys(sockets("BrushworkAdaIN", "MASK"))
    assert call("BrushworkAdaIN", **{**arguments("BrushworkAdaIN", pictures()), **masks, "statistics": None})
    with refused("'content' holds a NoneType and takes BRUSHWORK_FEATURES"):
        broken("BrushworkAdaIN", content=None)


def test_an_input_that_no_longer_exists() -> None:
    given = arguments("BrushworkAdaIN", pictures())
    assert call("BrushworkAdaIN", **given, past="x")


def test_weights_that_cannot_be_mixed() -> None:
    with refused("cannot be mixed", "each must be 0 or more, and one of them above 0"):
        features = encoded(tiny(), pictures())
        call("BrushworkMixStyles", features_1=features, weight_1=0.0, features_2=features, weight_2=0.0)
    with refused("cannot be mixed"):
        broken("BrushworkStyleBankMix", weight_1=0.0, weight_2=0.0)
    with refused("cannot be mixed"):
        masks = {"mask_1": None, "mask_2": None, "style_3": None, "style_4": None}
        broken("BrushworkStylizeLarge", weight_1=0.0, weight_2=0.0, **masks)


def test_no_level_is_left() -> None:
    with refused("every alpha is 0", "raise one"):
        broken("BrushworkStylizeLarge", alpha_relu3_1=0.0)


def test_a_large_picture_is_not_begun_in_vain() -> None:
    """A network without the decoder, or the level, says so before anything is encoded."""
    network = tiny(decoders=("relu2_1",))
    for level, words in (("relu1_1", "no reconstruction decoder at relu1_1"), ("relu5_1", "no level 'relu5_1'")):
        alphas = {"alpha_relu3_1": 0.0, f"alpha_{level}": 1.0}
        with refused(words):
            broken("BrushworkStylizeLarge", network=network, **alphas)


@pytest.mark.parametrize(
    "node", ["BrushworkAdaIN", "BrushworkWCT", "BrushworkCoMatch", "BrushworkWCTLevel", "BrushworkStylizeLarge"]
)
def test_styles_that_do_not_pair(node: str) -> None:
    network, level = network_for(node)
    style = pictures(2) if sockets(node, "IMAGE") else encoded(network, pictures(2), level)
    name = "style_1" if node == "BrushworkStylizeLarge" else "style"
    with refused("3 content images cannot be paired with 2 style images", "give one style, or as many as contents"):
        broken(node, contents=3, **{name: style})


@several_features
def test_features_of_another_network(node: str, name: str) -> None:
    _, level = network_for(node)
    other = tiny("foreign")
    remedy = "disconnect it, since features know theirs" if (node, name) == ("BrushworkCoMatch", "content") else level
    with refused("foreign relu2_1", remedy):
        broken(node, **{name: encoded(other, pictures())})


@several_levels
def test_features_of_another_level(node: str, name: str) -> None:
    with refused("tiny relu2_1", "tiny relu3_1", "the same network and level"):
        broken(node, **{name: encoded(tiny(), pictures(), "relu3_1")})


@pytest.mark.parametrize("node", ["BrushworkBlendByAlpha", "BrushworkMixStyles", "BrushworkRegionMask"])
def test_features_of_pictures_of_different_sizes(node: str) -> None:
    other = encoded(tiny(), pictures(size=(18, 22)))
    with refused("17", "18", "encode pictures of one size"):
        broken(node, **{sockets(node, FEATURES)[1]: other})


@pytest.mark.parametrize("node", ["BrushworkBlendByAlpha", "BrushworkMixStyles", "BrushworkRegionMask"])
def test_features_of_batches_that_do_not_pair(node: str) -> None:
    other = encoded(tiny(), pictures(2))
    with refused("3", "2", "cannot be paired"):
        broken(node, contents=3, **{sockets(node, FEATURES)[1]: other})


@pytest.mark.parametrize("node", ["BrushworkStyleBankFilter", "BrushworkStyleBankMix"])
def test_features_for_another_bank(node: str) -> None:
    with refused("tiny relu2_1", "'network'", "disconnect it, since features know theirs"):
        broken(node, features=encoded(tiny(), pictures()))


def test_decoder_of_another_network() -> None:
    with refused("foreign relu2_1", "'network'", "disconnect it, since features know theirs"):
        broken("BrushworkStyleDecoder", features=encoded(tiny("foreign"), pictures()))


@pytest.mark.parametrize("node", ["BrushworkStyleBankFilter", "BrushworkStyleBankMix"])
def test_a_network_without_a_bank(node: str) -> None:
    with refused("no bank of styles", "load a StyleBank"):
        broken(node, network=tiny())


def test_a_network_without_comatch() -> None:
    with refused("no CoMatch layer", "load an MSG-Net"):
        broken("BrushworkCoMatch", network=bank())


@pytest.mark.parametrize(
    ("node", "result"), [("BrushworkPreserveColor", "stylised"), ("BrushworkStyleReport", "result")]
)
def test_pictures_of_different_sizes(node: str, result: str) -> None:
    with refused("22 x 18", "22 x 17", "bring both to one size first"):
        broken(node, **{result: pictures(size=(18, 22))})


@pytest.mark.parametrize(
    ("node", "choice", "words"),
    [
        ("BrushworkStyleEncoder", {"level": "relu9_1"}, "no level 'relu9_1': choose one of relu1_1, relu2_1"),
        ("BrushworkStyleEncoder", {"network": msgnet()}, "no level 'relu3_1': choose one of comatch"),
        ("BrushworkWCTLevel", {"level": "bank"}, "no level 'bank': choose one of relu1_1"),
        ("BrushworkWCTLevel", {"method": "magic"}, "'method' is 'magic': choose one of whitening-colouring"),
        ("BrushworkWCT", {"method": "magic"}, "'method' is 'magic': choose one of whitening-colouring"),
        ("BrushworkStyleDecoder", {"trained_for": "adain"}, "no adain decoder at relu2_1: it has reconstruction at"),
        ("BrushworkStyleDecoder", {"trained_for": "magic"}, "'trained_for' is 'magic': choose one of automatic"),
        ("BrushworkStyleBankFilter", {"style": "z"}, "no style 'z': choose one of a, b"),
        ("BrushworkStyleBankMix", {"style_2": "z"}, "no style 'z': choose one of a, b"),
        ("BrushworkStyleBankMix", {"style_1": "none", "style_2": "none"}, "no style is chosen: pick at least one"),
        ("BrushworkSamplePicture", {"name": "z", "image": None}, "no sample picture named 'z': choose one of"),
    ],
)
def test_unknown_names(node: str, choice: dict[str, Any], words: str) -> None:
    with refused(words):
        broken(node, **choice)


@pytest.mark.parametrize(
    ("node", "choice"),
    [
        ("BrushworkPreserveColor", {"how": "magic"}),
        ("BrushworkAdaIN", {"statistics": "magic"}),
        ("BrushworkWCT", {"statistics": "magic"}),
        ("BrushworkWCTLevel", {"statistics": "magic"}),
        ("BrushworkStylizeLarge", {"statistics": "magic"}),
        ("BrushworkStylizeLarge", {"method": "magic"}),
        ("BrushworkLatentAdaIN", {"statistics": "magic"}),
        ("BrushworkLatentWCT", {"method": "magic"}),
        ("BrushworkStyleLatentOperation", {"method": "magic"}),
        ("BrushworkStyleLatentOperation", {"statistics": "magic"}),
    ],
)
def test_unknown_ways(node: str, choice: dict[str, str]) -> None:
    with refused("magic"):
        broken(node, **choice)


def test_unknown_network_and_precision(published: object) -> None:
    with refused("no network 'magic': choose one of compact", error=WeightsError):
        call("BrushworkLoadStyleNetwork", name="magic")
    with refused("unknown precision 'float7': use one of automatic, float32"):
        call("BrushworkLoadStyleNetwork", name="small16x", precision="float7")


def test_a_workflow_opens_no_file_as_a_network() -> None:
    file = str(BUILTIN / "compact.safetensors")
    with pytest.raises(WeightsError, match=r"^there is no network '.*': choose one of compact, "):
        LoadStyleNetwork().run(file)
