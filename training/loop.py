"""The loop that every recipe runs in: steps, a falling rate, checkpoints that hold all there is to go on from.

A training can be killed at any moment: the same call goes on from the last checkpoint and ends as if it had never been.
Random numbers are a matter of seed, step and process, and of nothing else, so that no generator's state has to be kept.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..pictures.files import write_whole
from . import parallel
from .journal import Journal
from .precision import learning, scaler
from .preview import write_preview

log = logging.getLogger(__name__)

WARM = 100
"""Steps over which the rate rises, before it falls to zero: the first ones of Adam would undo a warm start."""

SAVE_EVERY = 100
"""Steps between checkpoints."""

PREVIEW_EVERY = 250
"""Steps between preview sheets."""

Losses = dict[str, Tensor]
OnStep = Callable[[int, dict[str, float]], None]
Preview = Callable[[], Tensor]


def later(on_step: OnStep | None, steps: int) -> OnStep | None:
    """`on_step` counting on from `steps`: for a recipe's later stages."""
    return on_step and (lambda step, losses: on_step(steps + step, losses))


class TrainingError(ValueError):
    """A run that cannot go on; the message is one sentence with the remedy."""


@dataclass
class Run:
    """A training under way. `checkpoint` is rewritten every `SAVE_EVERY` steps; the same call goes on from it.

    The configuration is saved too: a checkpoint of another one is an error, not a start. The learner moves to the
    device; what it learns from has to be there as well. What a recipe remembers from step to step is a buffer of it.
    """

    learner: nn.Module
    generator: torch.Generator
    configuration: dict[str, Any]
    steps: int
    rate: float
    checkpoint: Path
    step: int = 0
    device: torch.device = field(default_factory=parallel.training_device)
    rare: Collection[nn.Parameter] = ()
    """Weights that only some steps meet, and that learn at `rare_rate` times the rate to keep up with the others."""
    rare_rate: float = 1.0

    def __post_init__(self) -> None:
        self.learner.to(self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        rare = {id(weight) for weight in self.rare}
        learnt = [weight for weight in self.learner.parameters() if weight.requires_grad]
        groups = [
            {"params": [weight for weight in learnt if id(weight) not in rare], "share": 1.0},
            {"params": [weight for weight in learnt if id(weight) in rare], "share": self.rare_rate},
        ]
        self.optimiser = torch.optim.Adam([group for group in groups if group["params"]], self.rate)
        self.scaler = scaler(self.device)
        self.seed = self.generator.initial_seed()
        state = parallel.from_first(self._read)
        if state is not None:
            self._restore(state)
        self.saved = self.step

    def go(
        self, losses: Callable[[], Losses], preview: Preview | None = None
    ) -> Iterator[tuple[int, dict[str, float]]]:
        """Take the remaining steps down the sum of `losses()`; yields (steps done, losses) after each.

        In a group of processes `losses` has the same names in each of them, and what is yielded is their mean.
        `preview` gives a picture [1, 3, H, W] in 0..1. TrainingError where a loss is no number any more, or the disk is
        full.
        """
        losses = parallel.differentiated(self.learner, losses)
        with self._disk():
            journal = Journal(self.checkpoint.with_suffix(".csv"), self.step) if parallel.rank() == 0 else None
        try:
            while self.step < self.steps:
                rate = self._set_rate()
                parts = self._take_step(losses)
                self.step += 1
                if journal:
                    with self._disk():
                        self._record(journal, parts, rate, preview)
                yield self.step, parts
        finally:
            if journal:
                journal.close()

    def _set_rate(self) -> float:
        rate = self.rate * min((self.step + 1) / WARM, 1 - self.step / self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        return rate

    def _take_step(self, losses: Callable[[], Losses]) -> dict[str, float]:
        with self._randomness(), learning(self.device):
            parts = losses()
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(torch.stack(list(parts.values())).sum()).backward()
        self.scaler.unscale_(self.optimiser)
        slope = nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        values = parallel.mean(torch.stack([*(part.detach().float() for part in parts.values()), slope])).tolist()
        self._check(dict(zip([*parts, "the gradient"], values, strict=True)))
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return dict(zip(parts, values, strict=False))

    def _check(self, values: dict[str, float]) -> None:
        """TrainingError where one is no number, before the weights have taken the step."""
        bad = next((name for name, value in values.items() if not math.isfinite(value)), None)
        if bad is None or (bad == "the gradient" and self.scaler.get_scale() > 1):
            return  # too steep for float16 only: the scaler leaves this step out, and scales less from now on
        raise TrainingError(
            f"{bad} became {values[bad]} in step {self.step + 1}: {self._remains()}; the same command goes on from "
            "there, and if this happens again, train with a smaller rate into another folder."
        )

    def _remains(self) -> str:
        """What there is to go on from."""
        if self.checkpoint.is_file() and self.saved:
            return f"the last good checkpoint, of step {self.saved}, is {self.checkpoint}"
        return "there is no checkpoint yet"

    @contextmanager
    def _randomness(self) -> Iterator[None]:
        """Inside, random numbers follow from seed, step and process; torch's own generators are left as they were."""
        import numpy as np

        seed = int(np.random.SeedSequence([self.seed, self.step, parallel.rank()]).generate_state(1)[0])
        self.generator.manual_seed(seed)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def _record(self, journal: Journal, parts: dict[str, float], rate: float, preview: Preview | None) -> None:
        """The journal first: what it has beyond the checkpoint is cut when the run goes on."""
        journal.write(self.step, parts, rate)
        last = self.step == self.steps
        if preview and (self.step % PREVIEW_EVERY == 0 or last):
            with torch.no_grad():
                sheet = preview()
            write_preview(self.checkpoint.with_name(f"{self.checkpoint.stem}-preview.png"), sheet)
            journal.show(self.step, sheet)
        if self.step % SAVE_EVERY == 0 or last:
            self._save()

    def _save(self) -> None:
        """To a temporary name first: whenever this is killed, a whole checkpoint is there."""
        state = {
            "weights": self.learner.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "seed": self.seed,
            "step": self.step,
            "configuration": self.configuration,
        }
        file = io.BytesIO()
        torch.save(state, file)
        write_whole(self.checkpoint, file.getvalue(), self.checkpoint.with_name(f"{self.checkpoint.name}.part"))
        self.saved = self.step

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainingError(f"{error}: make room and give the same command again; {self._remains()}.") from error

    def _read(self) -> dict[str, Any] | None:
        if not self.checkpoint.is_file():
            return None
        return torch.load(self.checkpoint, weights_only=True, map_location="cpu")

    def _restore(self, state: dict[str, Any]) -> None:
        if state["configuration"] != self.configuration:
            raise ValueError(f"{self.checkpoint} was trained otherwise: name another folder, or the same settings.")
        self.learner.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state.get("scaler") or self.scaler.state_dict())
        self.seed = state.get("seed", self.seed)
        self.step = state["step"]
        log.info("going on from step %d of %s", self.step, self.checkpoint)
