"""What each process of a group does in test_distributed.py: runs that leave their gradients and weights behind.

in_group.py CHECKOUT OUT
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any

CROPS, STEPS = 4, 5
"""Crops in all: as many a process as there are processes."""


def import_checkout(root: Path) -> None:
    """As tests/conftest.py does, in a process that pytest does not run."""
    spec = importlib.util.spec_from_file_location("brushwork", root / "__init__.py")
    assert spec is not None and spec.loader is not None
    sys.modules["brushwork"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def learn(out: Path, rank: int = 0, world: int = 1, stop: int = STEPS) -> dict[str, Any]:
    """A bank of kernels, of which every crop meets one, and a layer that all share; ends after `stop` steps."""
    import torch
    from torch import nn

    from brushwork.training.trainer import Losses, Trainer

    torch.manual_seed(7 + rank)  # the first process's weights are to count
    bank = nn.ModuleDict({str(index): nn.Conv2d(3, 3, 3) for index in range(CROPS + 1)})
    learner = nn.ModuleDict({"bank": bank, "shared": nn.Conv2d(3, 3, 1)})
    mine = range(rank * CROPS // world, (rank + 1) * CROPS // world)
    images = torch.rand(CROPS, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    file, drawn = out / str(rank) / "run.pt", []
    trainer = Trainer(learner, file, {}, 0.01, STEPS, seed=5, device=torch.device("cpu"))

    def losses() -> Losses:
        drawn.append(torch.rand(2))
        painted = torch.cat([bank[str(index)](learner["shared"](images[index : index + 1])) for index in mine])
        return {"near": (painted - 0.5).square().mean(), "small": learner["shared"].weight.square().mean()}

    seen = []
    for step, parts in trainer.run(losses):
        seen.append(parts["near"])
        if step == stop:
            break
    gradients = {name: weight.grad for name, weight in learner.named_parameters()}
    return {"gradients": gradients, "weights": learner.state_dict(), "drawn": torch.stack(drawn), "seen": seen}


def learn_together(out: Path) -> None:
    """A run at one go, and the same in two."""
    import torch

    from brushwork.training import distributed, trainer

    with distributed.joined():
        rank, world = distributed.rank(), torch.distributed.get_world_size()
        torch.save(learn(out / "whole", rank, world), out / f"whole{rank}")
        trainer.SAVE_SECONDS = 0
        learn(out / "parts", rank, world, stop=3)
        torch.save(learn(out / "parts", rank, world), out / f"parts{rank}")


if __name__ == "__main__":
    import_checkout(Path(sys.argv[1]))
    learn_together(Path(sys.argv[2]))
