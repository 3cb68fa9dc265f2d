"""What a workflow from a stranger may put on a socket, kind by kind, and what must come of it."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from brushwork.nodes import NODES
from brushwork.nodes._base import FEATURES, NETWORK
from brushwork.nodes._host import CachedFeatures, HostedNetwork
from brushwork.runner.errors import user_message
from brushwork.tests.nodes.stand_ins import arguments, bank, call, encoded, msgnet, pictures, tiny
from brushwork.tests.nodes.watch import confined

LONG = 100_000
PATHS = [
    ".",
    "..",
    "../../evil",
    "..\\..\\evil",
    "a/b",
    "/etc/passwd",
    "C:\\evil",
    "~/evil",
    "$HOME",
    "file:///evil",
    "/",
]
TEXTS = [
    "",
    " ",
    "a\0b",
    "a\nb",
    "\x1b[31m",
    "\ud800",
    "\u202egnp.exe",
    "%s%n{0}",
    "é",
    "名" * 60,
    "𠀀" * 60,
    "é" * 200,
]
CHOICES = ["NUL", "con", "none", "None", "stylebank/../../evil", "compact/evil", "compact/", "a", "magic"]
NAMES = [*PATHS, *TEXTS, *CHOICES, "x" * LONG, "../" * LONG]
NO_VALUES = [None, "7", "nan", b"x", [], {}, (), object(), 1j, True, float("nan")]
NUMBERS = [float("nan"), float("inf"), float("-inf"), 1e30, -1e30, 1e-30, -1, -0.0, 0.5, 2**63, -(2**64), 10**400]
FILLS = [0.0, 1.0, 0.5, -1.0, 255.0, 1e30, -1e30, 3.4e38, float("nan"), float("inf"), float("-inf")]
PICTURES = [(1, 1, 1, 3), (2, 17, 22, 3), (3, 17, 22, 3), (1, 17, 22, 4), (1, 17, 22, 1), (2, 9, 9, 3), (1, 1, 60, 3)]
OTHERS = [(1, 17, 22, 2), (17, 22, 3), (1, 3, 17, 22), (1, 1, 17, 22, 3), (), (3,), (0, 17, 22, 3), (1, 17, 0, 3)]
MASKS = [(1, 17, 22), (17, 22), (1, 1, 1), (2, 9, 9), (3, 17, 22), (1, 1, 90), (1, 17, 22, 1), (), (5,), (0, 4, 4)]
LATENTS = [(1, 4, 3, 3), (2, 4, 3, 3), (1, 4, 1, 1), (1, 16, 2, 2), (1, 4, 2, 3, 3), (4, 3, 3), (), (0, 4, 3, 3)]
EACH: dict[str, list[Any]] = {"INT": NUMBERS, "FLOAT": NUMBERS, "STRING": NAMES, "COMBO": NAMES}
FLOATS = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
DTYPES = [*FLOATS, torch.float32, torch.float32, torch.uint8, torch.int64, torch.bool, torch.complex64]
NETWORKS: dict[str, tuple[Callable[[], HostedNetwork], tuple[str, ...]]] = {
    "tiny": (tiny, ("relu1_1", "relu2_1", "relu5_1")),
    "foreign": (lambda: tiny("foreign"), ("relu2_1",)),
    "one decoder": (lambda: tiny(decoders=("relu1_1",)), ("relu1_1",)),
    "msgnet": (msgnet, ("comatch",)),
    "bank": (bank, ("bank",)),
}


@lru_cache
def network(name: str) -> HostedNetwork:
    return NETWORKS[name][0]()


@lru_cache
def map_of(place: tuple[str, str], batch: int, size: tuple[int, int]) -> CachedFeatures:
    name, level = place
    return encoded(network(name), pictures(batch, size), level)


def filled(shape: tuple[int, ...], fill: float, dtype: torch.dtype, everywhere: bool) -> Tensor:
    """A tensor of one value, or of noise with that value in it once."""
    values = torch.full(shape, fill) if everywhere else torch.rand(shape, generator=torch.Generator().manual_seed(0))
    if not everywhere and values.numel():
        values.view(-1)[values.numel() // 2] = fill
    return values.to(dtype)


def tensors(shapes: list[tuple[int, ...]]) -> st.SearchStrategy[Any]:
    made = st.builds(filled, st.sampled_from(shapes), st.sampled_from(FILLS), st.sampled_from(DTYPES), st.booleans())
    return st.one_of(made, made, made, st.sampled_from([*NO_VALUES, np.zeros((1, 4, 4, 3)), [torch.zeros(1, 4, 4, 3)]]))


words = st.one_of(st.sampled_from([*NAMES, *NO_VALUES]), st.text(max_size=80))
maps = st.sampled_from([(name, level) for name, (_, levels) in NETWORKS.items() for level in levels])
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "IMAGE": tensors([*PICTURES, *OTHERS]),
    "MASK": tensors(MASKS),
    NETWORK: st.one_of(st.sampled_from(list(NETWORKS)).map(network), st.sampled_from([*NO_VALUES, nn.Identity()])),
    FEATURES: st.one_of(
        st.builds(map_of, maps, st.sampled_from([1, 2, 3]), st.sampled_from([(17, 22), (1, 1)])),
        st.sampled_from([*NO_VALUES, torch.zeros(1, 6, 8, 11)]),
    ),
    "LATENT": st.one_of(
        tensors(LATENTS).map(lambda samples: {"samples": samples}), st.sampled_from([*NO_VALUES, {"samples": None}])
    ),
    "INT": st.sampled_from([*NUMBERS, *NO_VALUES]),
    "FLOAT": st.sampled_from([*NUMBERS, *NO_VALUES]),
    "STRING": words,
    "COMBO": words,
}
anything = st.sampled_from([*NO_VALUES, *NAMES, *NUMBERS, torch.zeros(1, 4, 4, 3)])


def kinds_of(node: str) -> dict[str, str]:
    """All inputs of a node, hidden ones too, and their types."""
    given = NODES[node].INPUT_TYPES()
    inputs = {**given["required"], **given.get("optional", {}), **given.get("hidden", {})}
    return {name: kind if isinstance(kind, str) else "COMBO" for name, (kind, _) in inputs.items()}


@lru_cache
def usual_inputs(node: str) -> dict[str, Any]:
    """What a node takes: the widgets as the page starts with them, and `arguments` of the tests."""
    required = NODES[node].INPUT_TYPES()["required"]
    widgets = {name: options["default"] for name, (_, options) in required.items() if "default" in options}
    return widgets | arguments(node, pictures())


@st.composite
def hostile_inputs(draw: st.DrawFn, node: str) -> dict[str, Any]:
    """Inputs that a node takes with one to three of them replaced; rare types as often as common ones."""
    kinds = kinds_of(node)
    chosen = draw(st.lists(st.sampled_from(sorted(set(kinds.values()))), min_size=1, max_size=3, unique=True))
    names = [draw(st.sampled_from([name for name in kinds if kinds[name] == kind])) for kind in chosen]
    return usual_inputs(node) | {name: draw(KINDS.get(kinds[name], anything)) for name in names}


def withstands(node: str, inputs: dict[str, Any], *folders: Path) -> None:
    """The node gives sound results, or one sentence with a remedy, and writes into `folders` alone."""
    try:
        with confined(*folders):
            results = call(node, **inputs)
    except Exception as error:
        if user_message(error) is None:
            raise
        assert_sentence(str(error))
    else:
        for result in results if isinstance(results, tuple) else [results]:
            assert_sound(result)


def assert_sentence(message: str) -> None:
    fault, _, remedy = message.partition(": ")
    assert fault and remedy.endswith("."), message
    assert "\n" not in message and len(message) < 600, message
    assert not re.search(r"[.!?]\s", message), f"more than one sentence: {message}"


def assert_sound(result: object) -> None:
    if isinstance(result, CachedFeatures):
        assert result.features.values.isfinite().all()
    elif isinstance(result, Tensor):
        assert result.dim() == 4 and result.shape[-1] == 3 and result.numel() and result.dtype == torch.float32
        assert result.min() >= 0 and result.max() <= 1  # false for NaN
    elif isinstance(result, dict):
        assert result["samples"].isfinite().all()
    elif isinstance(result, float):
        assert np.isfinite(result)
