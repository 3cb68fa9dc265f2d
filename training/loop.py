"""The loop that every recipe runs in: steps, a falling rate, checkpoints that hold all there is to go on from."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

WARM = 100
"""Steps over which the rate rises, before it falls to zero: the first ones of Adam would undo a warm start."""

SAVE_EVERY = 100
"""Steps between checkpoints."""

Losses = dict[str, Tensor]
OnStep = Callable[[int, dict[str, float]], None]


@dataclass
class Run:
    """A training under way. `checkpoint` is rewritten every `SAVE_EVERY` steps; the same call goes on from it.

    The configuration is saved too: a checkpoint of another one is an error, not a start.
    """

    learner: nn.Module
    generator: torch.Generator
    configuration: dict[str, Any]
    steps: int
    rate: float
    checkpoint: Path
    step: int = 0

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.Adam([p for p in self.learner.parameters() if p.requires_grad], self.rate)
        if self.checkpoint.is_file():
            self._load()

    def go(self, losses: Callable[[], Losses]) -> Iterator[tuple[int, dict[str, float]]]:
        """Take the remaining steps down the sum of `losses()`; yields (steps done, losses) after each."""
        while self.step < self.steps:
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * min((self.step + 1) / WARM, 1 - self.step / self.steps)
            parts = losses()
            self.optimiser.zero_grad(set_to_none=True)
            torch.stack(list(parts.values())).sum().backward()
            nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
            self.optimiser.step()
            self.step += 1
            if self.step % SAVE_EVERY == 0 or self.step == self.steps:
                self._save()
            yield self.step, {name: part.item() for name, part in parts.items()}

    def _save(self) -> None:
        """To a temporary name first: whenever this is killed, a whole checkpoint is there."""
        state = {
            "weights": self.learner.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.generator.get_state(),
            "step": self.step,
            "configuration": self.configuration,
        }
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = self.checkpoint.with_name(f"{self.checkpoint.name}.part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        if state["configuration"] != self.configuration:
            raise ValueError(f"{self.checkpoint} was trained otherwise: name another folder, or the same settings.")
        self.learner.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["random"])
        self.step = state["step"]
        log.info("going on from step %d of %s", self.step, self.checkpoint)
