"""The goldens, and how close to them is close enough."""

import json
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from brushwork.tests.golden.formulas import fixed_weights

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FEATURES = 1e-4
PICTURE = 1 / 255


def golden(name: str) -> dict[str, Tensor]:
    """The tensors of one golden file."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (the file is no mapping)


def published_weights(name: str) -> dict[str, Tensor]:
    """The state dict that the published network wrote for its golden, twins and old buffers included."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        return fixed_weights(json.loads(file.metadata()["shapes"]))


def distance(actual: Tensor, expected: Tensor) -> float:
    """|a - b| / |b|, in float64."""
    assert actual.shape == expected.shape
    return float((actual.double() - expected.double()).norm() / expected.double().norm())


def assert_features(actual: Tensor, expected: Tensor) -> None:
    assert distance(actual, expected) < FEATURES


def assert_picture(actual: Tensor, expected: Tensor, features: float = FEATURES) -> None:
    """The picture's own measure, and by default the stricter one of features, for pictures that span little of 0..1."""
    assert distance(actual, expected) < features
    assert float((actual - expected).abs().max()) < PICTURE
