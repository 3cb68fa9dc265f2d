"""Which number type a device computes pictures in."""

import torch

AUTOMATIC, FULL = "automatic", "float32"
PRECISIONS = (AUTOMATIC, FULL)


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """float32 on request; else the half type that `device` has fast units for, and float32 where it has none."""
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision '{precision}': use one of {', '.join(PRECISIONS)}.")
    if precision == FULL:
        return torch.float32
    if device.type == "cuda":
        # Tensor cores came with 7.0. float16 resolves eight times finer than bfloat16, and features stay in its range.
        return torch.float16 if torch.cuda.get_device_capability(device) >= (7, 0) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    # torch has no public question for this; a torch without these two answers no.
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, lambda: False)() for question in questions)
