"""Trained weights as files that the manifest can name."""

from pathlib import Path

from torch import nn


def save_part(module: nn.Module, path: Path) -> None:
    """The weights of `module` under their own names, float16 safetensors: the key map `brushwork` reads them."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in module.state_dict().items()}, path)
