"""Latents through the nodes, and through ComfyUI's own ways of using an operation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.tests.laws import features
from brushwork.tests.nodes.stand_ins import call
from brushwork.tests.nodes.test_bad_input import refused
from brushwork.tests.tolerances import assert_close
from brushwork.methods.latents import LatentTransfer
from brushwork.nodes._inputs import MATCHING

Latent = dict[str, Any]
either = pytest.mark.parametrize("node", ["BrushworkLatentAdaIN", "BrushworkLatentWCT"])
METHODS = {"BrushworkLatentAdaIN": "adain", "BrushworkLatentWCT": "whitening-colouring"}
SD_15, FLUX = (0.18215, 0.0), (0.3611, 0.1159)
"""Scale and shift between the VAE's latents and those that two well-known models sample."""


class Model:
    """What a MODEL socket brings, as far as an operation needs it."""

    def __init__(self, scale: float, shift: float) -> None:
        self._scale, self._shift = scale, shift

    def get_model_object(self, name: str) -> Callable[[Tensor], Tensor]:
        assert name == "process_latent_in"
        return lambda latent: (latent - self._shift) * self._scale


def latent(batch: int = 1, channels: int = 4, seed: int = 0, **other: object) -> Latent:
    return {"samples": features((batch, channels, 8, 8), seed), **other}


@either
@pytest.mark.parametrize("channels", [4, 16, 128])
def test_a_node_aligns_as_the_mathematics_does(node: str, channels: int) -> None:
    content, style = latent(2, channels), latent(1, channels, 5)
    mask = torch.rand(1, 8, 8)
    result = call(node, content=content, style=style, strength=0.6, content_mask=mask, style_mask=1 - mask)
    expected = LatentTransfer(MATCHING[METHODS[node]], 0.6)(content["samples"], style["samples"], mask, 1 - mask)
    assert_close(result["samples"], expected)


@either
def test_everything_else_stays_with_the_content(node: str) -> None:
    kept = {"noise_mask": torch.rand(1, 1, 64, 64), "batch_index": [4, 7], "type": "anything"}
    content, style = latent(2, **kept), latent(seed=5, noise_mask=torch.zeros(1, 1, 8, 8))
    before = dict(content)
    result = call(node, content=content, style=style)
    assert {key: result[key] for key in kept} == kept
    assert set(result) == set(content)
    assert content == before and result is not content


@either
def test_a_mask_is_the_pictures(node: str) -> None:
    """Eight times the size of the latent, as pictures are."""
    mask = torch.zeros(64, 64)
    mask[:, :32] = 1
    content = latent()
    result = call(node, content=content, style=latent(seed=5), content_mask=mask)["samples"]
    assert torch.equal(result[..., 5:], content["samples"][..., 5:])
    assert not torch.isclose(result[..., :3], content["samples"][..., :3]).any()


@either
@pytest.mark.parametrize("statistics", ["per image", "whole batch", "smoothed over time"])
def test_a_video_keeps_its_shape(node: str, statistics: str) -> None:
    content = {"samples": features((2, 16 * 3, 8, 8)).unflatten(1, (16, 3))}
    result = call(node, content=content, style=latent(1, 16, 5), statistics=statistics)
    assert result["samples"].shape == (2, 16, 3, 8, 8)
    assert result["samples"].isfinite().all()


@pytest.mark.parametrize("method", ["adain", "whitening-colouring", "optimal transport"])
def test_an_operation_does_what_the_nodes_do(method: str) -> None:
    """As LatentApplyOperation calls it."""
    content, style = latent(2), latent(seed=5)
    operation = call("BrushworkStyleLatentOperation", style=style, method=method, strength=0.6)
    expected = LatentTransfer(MATCHING[method], 0.6)(content["samples"], style["samples"])
    assert_close(operation(latent=content["samples"]), expected)
    assert_close(operation(latent=content["samples"], step=3), expected)


@pytest.mark.parametrize(("scale", "shift"), [SD_15, FLUX])
def test_while_sampling_the_style_has_the_models_scale(scale: float, shift: float) -> None:
    """Aligned as the model samples, then scaled back, is aligned as the VAE has it."""
    content, style = latent(2), latent(seed=5)
    how: dict[str, Any] = {"method": "optimal transport", "strength": 0.6}  # AdaIN's small constant is not scaled
    operation = call("BrushworkStyleLatentOperation", style=style, model=Model(scale, shift), **how)
    sampled = operation(latent=(content["samples"] - shift) * scale)
    transfer = LatentTransfer(MATCHING[how["method"]], how["strength"])
    assert_close(sampled / scale + shift, transfer(content["samples"], style["samples"]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_an_operation_takes_the_samplers_type(dtype: torch.dtype) -> None:
    operation = call("BrushworkStyleLatentOperation", style=latent(seed=5), method="optimal transport")
    result = operation(latent=latent()["samples"].to(dtype))
    assert result.dtype == dtype and result.isfinite().all()


def test_an_operation_is_as_good_the_second_time() -> None:
    """Steps of sampling may differ in size, as where a picture is sampled twice."""
    operation = call("BrushworkStyleLatentOperation", style=latent(seed=5))
    first = operation(latent=latent()["samples"])
    operation(latent=features((2, 4, 5, 3), 9))
    assert torch.equal(operation(latent=latent()["samples"]), first)


@either
def test_latents_of_other_kinds(node: str) -> None:
    with refused("4 channels and the style's 16", "with the VAE of one model"):
        call(node, content=latent(), style=latent(1, 16))
    with refused("shape [1, 64, 128]", "connect one of"):
        call(node, content={"samples": torch.zeros(1, 64, 128)}, style=latent())
    with refused("3 content images cannot be paired with 2 style images"):
        call(node, content=latent(3), style=latent(2))


@either
@pytest.mark.parametrize("name", ["content", "style"])
def test_latents_that_hold_nothing_or_no_numbers(node: str, name: str) -> None:
    inputs = {"content": latent(), "style": latent(seed=5)}
    with refused(f"'{name}' holds no values"):
        call(node, **{**inputs, name: {"samples": torch.zeros(0, 4, 8, 8)}})
    broken = inputs[name]["samples"].clone()
    broken[0, 1, 2, 3] = torch.nan
    with refused(f"'{name}' holds NaN or infinite values"):
        call(node, **{**inputs, name: {"samples": broken}})


@pytest.mark.parametrize("node", ["BrushworkLatentAdaIN", "BrushworkStyleLatentOperation"])
@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), 1e30])
def test_strength_out_of_range(node: str, strength: float) -> None:
    inputs = {"content": latent()} if node == "BrushworkLatentAdaIN" else {}
    with refused(f"'strength' is {strength}", "use a number from 0.0 to 1.0"):
        call(node, style=latent(), strength=strength, **inputs)
