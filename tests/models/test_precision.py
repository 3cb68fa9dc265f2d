"""Which number type a device computes in."""

import pytest
import torch

from brushwork.models.networks.base import exact_float32
from brushwork.models.networks.precision import AUTOMATIC, FULL, compute_dtype

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
QUESTIONS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


@pytest.fixture(params=[(False, False), (True, False), (False, True), (True, True)])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A CPU with or without fast bfloat16, of either kind; whether it has it."""
    for question, answer in zip(QUESTIONS, request.param, strict=True):
        monkeypatch.setattr(torch.cpu, question, lambda answer=answer: answer, raising=False)
    return any(request.param)


def test_the_processor_decides(processor: bool) -> None:
    assert compute_dtype(AUTOMATIC, CPU) == (torch.bfloat16 if processor else torch.float32)
    assert compute_dtype(AUTOMATIC, MPS) == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"), [((6, 1), torch.float32), ((7, 0), torch.float16), ((9, 0), torch.float16)]
)
def test_the_graphics_card_decides(
    capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert compute_dtype(AUTOMATIC, CUDA) == expected


@pytest.mark.parametrize("device", [CPU, CUDA, MPS])
def test_float32_on_request(device: torch.device, processor: bool) -> None:
    assert compute_dtype(FULL, device) == torch.float32


def test_a_torch_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for question in QUESTIONS:
        monkeypatch.delattr(torch.cpu, question, raising=False)
    assert compute_dtype(AUTOMATIC, CPU) == torch.float32


def test_unknown_precision() -> None:
    with pytest.raises(ValueError, match="unknown precision 'float8': use one of automatic, float32"):
        compute_dtype("float8", CPU)


@pytest.mark.parametrize(
    ("dtype", "device", "coarse"),
    [(torch.float32, CUDA, False), (torch.float16, CUDA, True), (torch.float32, CPU, True)],
)
def test_float32_is_not_tf32(dtype: torch.dtype, device: torch.device, coarse: bool) -> None:
    assert torch.backends.cudnn.allow_tf32  # torch's own choice
    with exact_float32(dtype, device):
        assert torch.backends.cudnn.allow_tf32 is coarse
    assert torch.backends.cudnn.allow_tf32
