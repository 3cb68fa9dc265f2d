"""Trained weights as files that the manifest can name."""

from pathlib import Path

from torch import nn

from ..pictures.files import write_whole
from .parallel import rank


def save_part(module: nn.Module, path: Path) -> Path:
    """The weights of `module` under their own names, float16 safetensors: the key map `brushwork` reads them.

    Of the processes of a group the first one writes. OSError in one sentence where the file cannot be written.
    """
    from safetensors.torch import save

    if rank() == 0:
        weights = {name: value.half().cpu().contiguous() for name, value in module.state_dict().items()}
        write_whole(path, save(weights), path.with_name(f"{path.name}.part"))
    return path
