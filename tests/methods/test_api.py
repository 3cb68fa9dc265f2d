"""The pack in Python: every kind of picture comes back as it came, painted as `render` paints it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import brushwork
from brushwork.methods import DEFAULT, METHODS
from brushwork.methods.protocol import Learnt, Style
from brushwork.methods.render import render
from brushwork.models.networks.base import StyleNetwork
from brushwork.samples import load_sample, sample_path
from brushwork.tests.tolerances import assert_close
from brushwork.tools.architecture import ROOT
from brushwork.transfer.resize import to_longer_side

STYLE = to_longer_side(load_sample("hubble"), 40)


@pytest.fixture(scope="module")
def network() -> StyleNetwork:
    return brushwork.load_network("compact")


@pytest.fixture
def content() -> Tensor:
    """[1, 3, H, W] of eight bits, so that every kind can hold it."""
    return (to_longer_side(load_sample("coffee"), 48) * 255).round() / 255


def as_bytes(image: Tensor) -> Any:  # noqa: ANN401 - [H, W, 3]
    return (image[0] * 255).round().to(torch.uint8).movedim(0, -1).numpy()


KINDS: dict[str, Callable[[Tensor], Any]] = {
    "Pillow": lambda image: Image.fromarray(as_bytes(image)),
    "bytes": as_bytes,
    "floats": lambda image: image[0].movedim(0, -1).numpy().copy(),
    "doubles": lambda image: image[0].movedim(0, -1).double().numpy(),
    "arrays": lambda image: image.movedim(1, -1).numpy().repeat(2, axis=0),
    "mirrored": lambda image: image[0].movedim(0, -1).numpy()[::-1],
    "tensor": lambda image: image[0],
    "tensors": lambda image: image.repeat(2, 1, 1, 1),
    "tensor of bytes": lambda image: (image[0] * 255).round().to(torch.uint8),
}


def tensor_of(picture: Any) -> Tensor:  # noqa: ANN401
    """[B, 3, H, W] in 0..1, by other means than the pack's."""
    values = torch.as_tensor(np.array(picture) if isinstance(picture, Image.Image | np.ndarray) else picture)
    values = values.movedim(-1, -3) if not isinstance(picture, Tensor) else values
    values = values / 255 if values.dtype is torch.uint8 else values.float()
    return values if values.ndim == 4 else values[None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_comes_back_as_it_came(kind: str, content: Tensor, network: StyleNetwork) -> None:
    given = KINDS[kind](content)
    painted = brushwork.render(given, STYLE, network=network)
    assert type(painted) is type(given)
    if isinstance(given, Image.Image):
        assert painted.size == given.size and painted.mode == "RGB"
    else:
        assert painted.shape == given.shape
        assert painted.dtype == (given.dtype if kind != "doubles" else np.float32)
    flipped = content.flip(-2) if kind == "mirrored" else content
    expected = render(network, METHODS[DEFAULT], flipped, [Style(STYLE)])
    half_a_step = 0.5 / 255 if kind in ("Pillow", "bytes", "tensor of bytes") else 0
    assert (tensor_of(painted) - expected).abs().max() <= half_a_step + 1e-4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stays_so_and_is_not_seen(mode: str, content: Tensor, network: StyleNetwork) -> None:
    """Neither in the content nor in the style, whatever lies there."""
    alpha = np.zeros(content.shape[-2:], np.uint8)
    alpha[8:24, 10:30] = 255
    cut_outs: list[Image.Image] = []
    for hidden in (0, 255):
        shown = np.where(alpha[..., None] > 0, as_bytes(content), np.uint8(hidden))
        cut_out = Image.fromarray(np.dstack([shown, alpha]))
        cut_outs.append(cut_out.quantize(64) if mode == "P" else cut_out.convert(mode))
    (first, second), style = (brushwork.render(each, STYLE, network=network) for each in cut_outs), cut_outs[0]
    assert first.mode == "RGBA" and np.array_equal(np.array(first)[..., 3], alpha)
    if mode != "P":  # whose colours depend on all that there are
        assert np.array_equal(np.array(first), np.array(second))
        by_each = [brushwork.render(content, style, network=network) for style in cut_outs]
        assert torch.equal(*by_each)
    style.putalpha(0)
    with pytest.raises(ValueError, match="the style is transparent all over: give one that shows something"):
        brushwork.render(content, style, network=network)
    assert not np.array(brushwork.render(style, STYLE, network=network))[..., 3].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_of_every_kind(kind: str, content: Tensor, network: StyleNetwork) -> None:
    style = (STYLE * 255).round() / 255
    given = KINDS[kind](style)
    contents = content.repeat(len(tensor_of(given)), 1, 1, 1)
    expected = render(network, METHODS[DEFAULT], contents, [Style(tensor_of(given))])
    assert_close(brushwork.render(contents, given, network=network), expected)


def test_what_is_not_said_is_the_styles_own(content: Tensor, network: StyleNetwork) -> None:
    by_name = brushwork.render(content, "munch scream")
    assert torch.equal(by_name, brushwork.render(content, "munch scream", method="stylebank", network="stylebank"))
    kept = brushwork.learn(STYLE, method="adain", network=network)
    by_learnt = brushwork.render(content, kept, network=network)
    assert torch.equal(by_learnt, brushwork.render(content, STYLE, method="adain", network=network))
    assert not torch.equal(by_learnt, brushwork.render(content, STYLE, network=network))


def test_a_batch_of_styles_is_learnt(content: Tensor, network: StyleNetwork) -> None:
    both = torch.cat([content, content.flip(-1)])
    kept = brushwork.learn(both, network=network)
    assert_close(brushwork.render(both, kept, network=network), brushwork.render(both, both, network=network))


def test_what_was_learnt_is_kept(content: Tensor, network: StyleNetwork, tmp_path: Path) -> None:
    kept = brushwork.learn(STYLE, network=network, levels=["relu3_1"])
    kept.save(tmp_path / "style.safetensors")
    again = Learnt.load(tmp_path / "style.safetensors")
    expected = brushwork.render(content, STYLE, network=network, levels=["relu3_1"])
    assert torch.equal(brushwork.render(content, again, network=network, levels=["relu3_1"]), expected)
    with pytest.raises(ValueError, match="was not learnt at relu4_1"):
        brushwork.render(content, again, network=network)


def test_one_mask_for_all_styles_and_one_for_each(content: Tensor, network: StyleNetwork) -> None:
    other = STYLE.flip(1)
    mask = np.zeros((10, 10), np.float32)
    mask[:, 5:] = 1
    mixed = brushwork.render(content, [STYLE, other], weights=[1, 3], mask=mask, network=network)
    assert torch.equal(mixed[..., :10], content[..., :10])
    first_only = brushwork.render(content, [STYLE, other], weights=[1, 0], mask=mask, network=network)
    assert_close(first_only, brushwork.render(content, STYLE, mask=mask, network=network))
    each = brushwork.render(content, [STYLE, other], mask=[None, 0 * mask], network=network)
    assert_close(each, brushwork.render(content, STYLE, network=network))
    by_picture = brushwork.render(content, STYLE, mask=Image.fromarray((mask * 255).astype(np.uint8)), network=network)
    assert torch.equal(by_picture, brushwork.render(content, STYLE, mask=torch.from_numpy(mask), network=network))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"method": "gatys"},
            "^there is no method 'gatys': choose one of adain, wct, msgnet, stylebank, efdm, whitening-colouring.$",
        ),
        ({"method": "msgnet", "network": "vgg19"}, "^vgg19 is no network for msgnet: choose one of msgnet"),
        ({"network": "nix"}, "there is no network 'nix'"),
        ({"content": "photo.jpg"}, "^the content is a str: give a picture of Pillow's, an array or a tensor.$"),
        ({"content": np.zeros((4, 4))}, r"^the content has the shape \[4, 4\]: give \[height, width, 3\]"),
        ({"content": torch.zeros(4, 4, 3)}, r"^the content has the shape \[4, 4, 3\]: give \[3, height, width\]"),
        ({"content": np.full((4, 4, 3), 200.0)}, "^the content holds values from 200 to 200: give bytes, or floats"),
        ({"content": np.full((4, 4, 3), 200)}, "^the content holds values from 200 to 200: give bytes, or floats"),
        ({"content": torch.full((3, 4, 4), torch.nan)}, "^the content holds values from nan to nan: give bytes"),
        ({"style": []}, "^there is no style: give at least one.$"),
        ({"style": "hubble", "method": "adain"}, "^adain takes a style picture: give one.$"),
        ({"weights": [1, 2]}, "^there are 1 styles, 2 weights and 1 masks: give one each.$"),
        ({"mask": np.zeros((2, 4, 4, 3))}, "^the mask has the shape"),
        ({"strength": 1.5}, "^the strength is 1.5: give one from 0 to 1.$"),
        ({"levels": ["relu9_1"]}, "^this network has no level 'relu9_1'"),
        ({"levels": []}, "^there is no level to restyle: name at least one.$"),
        ({"levels": [], "method": "msgnet"}, "^there is no level to restyle: name at least one.$"),
        ({"statistics": "smoothed"}, "^there are no statistics 'smoothed': choose one of "),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], message: str, content: Tensor) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message):
        brushwork.render(**{"content": content, "style": STYLE, **change})


def test_a_photograph_comes_back_upright(content: Tensor, network: StyleNetwork) -> None:
    lying = Image.fromarray(as_bytes(content))
    lying.getexif()[0x0112] = 6  # to be turned by a quarter
    assert brushwork.render(lying, STYLE, method="adain", network=network).size == lying.size[::-1]


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "I;16", "F"])
def test_a_mask_of_any_mode(mode: str, content: Tensor, network: StyleNetwork) -> None:
    half = np.zeros(content.shape[2:], np.uint8)
    half[:, : half.shape[1] // 2] = 255
    masks = {
        "L": lambda: Image.fromarray(half),
        "LA": lambda: Image.merge("LA", (Image.new("L", half.shape[::-1], 255), Image.fromarray(half))),
        "RGBA": lambda: Image.merge("RGBA", (*[Image.new("L", half.shape[::-1], 255)] * 3, Image.fromarray(half))),
        "I;16": lambda: Image.fromarray(half.astype(np.uint16) * 257),
        "F": lambda: Image.fromarray(half.astype(np.float32) / 255),
    }
    painted, like = (
        brushwork.render(content[0], STYLE, method="adain", network=network, mask=mask)
        for mask in (masks[mode](), half)
    )
    assert torch.equal(painted, like)


def test_pixels_that_leave_the_range_by_rounding(content: Tensor, network: StyleNetwork) -> None:
    beyond = content[0] * 1.0002 - 1e-4
    painted = brushwork.render(beyond, STYLE, method="adain", network=network)
    assert torch.equal(painted, brushwork.render(beyond.clamp(0, 1), STYLE, method="adain", network=network))


def test_the_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for name, sample in (("photo.jpg", "coffee"), ("painting.jpg", "hubble")):
        with Image.open(sample_path(sample)) as picture:
            picture.resize((60, 40)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    exec(lines, {})  # noqa: S102 - our own
    assert {path.suffix for path in tmp_path.iterdir()} == {".jpg", ".png"}
