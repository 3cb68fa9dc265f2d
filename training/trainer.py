"""The loop that every recipe runs in: steps, a falling rate, an average of the weights, checkpoints to go on from.

A training can be killed at any moment: the same call goes on from the last checkpoint, and where its length is in steps
it ends as if it had never been stopped. Random numbers depend on seed, step and process alone. Beside a checkpoint lies
the average of the weights over the last steps as a float16 file: it is what a training is for, and enough to go on from
where there is no checkpoint.
"""

from __future__ import annotations

import io
import json
import logging
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ..media.images import to_pillow, write_whole
from . import distributed
from .precision import autocast
from .run_log import RunLog

log = logging.getLogger(__name__)

WARM_UP = 100  # steps over which the rate rises, before it falls to zero: Adam's first ones would undo a warm start
READ_EVERY = 50  # steps between two looks at the losses on a device that would have to wait for each
SAVE_SECONDS = 45.0  # between checkpoints: a run that is killed loses no more, and a step
PREVIEW_SECONDS = 300.0  # between preview pictures
AVERAGE_DECAY = 0.999  # what stays of the average of the weights at each step, once there are that many steps
RESUMED = ("step", "seconds", "closing", "fresh", "seed")  # fields that a checkpoint and the float16 file hold

Module = TypeVar("Module", bound=nn.Module)
Losses = dict[str, Tensor]
OnStep = Callable[[int, dict[str, float]], None]
Preview = Callable[[], Tensor]


class TrainingError(ValueError):
    """A run that cannot go on; the message is one sentence with the remedy."""


@dataclass
class Trainer:
    """A training under way. What a recipe remembers from step to step is a buffer of the learner, which moves to the
    device; what it learns from has to be there as well."""

    learner: nn.Module
    checkpoint: Path  # ends in `.pt`; beside it the run log, the preview and the float16 file
    settings: Mapping[str, Any]  # a recipe's config: where more than `steps` differs a checkpoint is an error, no start
    rate: float  # Adam's, at its highest
    steps: int
    minutes: float | None = None  # the length of the training over all its commands, in place of `steps`
    seed: int = 0
    start: Path | None = None  # a float16 file of another run, to start from
    exported: nn.Module | None = None  # the part of the learner in the float16 file; by default the whole
    rate_factors: Collection[tuple[nn.Parameter, float]] = ()  # weights of other parameter groups, with their factors
    device: torch.device = field(default_factory=distributed.training_device)
    started: float | None = None  # by default now: what is prepared before the first step counts as training
    step: int = 0
    seconds: float = 0.0  # of training so far, over all commands
    closing: float = 0.0  # the most that a look at the losses with preview or checkpoint took: what the end will take
    fresh: int = 0  # the step that the optimiser started at
    taken_at: float = 0.0  # the rate of the last step

    def __post_init__(self) -> None:
        self.began = time.monotonic() if self.started is None else self.started
        self.settings = {name: value for name, value in self.settings.items() if name != "steps"}
        self.learner.to(self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        distributed.share(self.learner.state_dict().values())
        self.part = self.exported or self.learner
        self.weights = [weight for weight in self.learner.parameters() if weight.requires_grad]
        self.average = [weight.detach().clone() for weight in self.weights]
        factors = {id(weight): factor for weight, factor in self.rate_factors}
        groups: dict[float, list[nn.Parameter]] = {}
        for weight in self.weights:
            groups.setdefault(factors.get(id(weight), 1.0), []).append(weight)
        parameter_groups = [{"params": weights, "factor": factor} for factor, weights in groups.items()]
        self.optimiser = torch.optim.Adam(parameter_groups, self.rate, fused=True)
        if state := distributed.from_first(self._read):
            self._restore(state)
        self.saved, self.before = self.step, self.seconds

    def run(
        self, losses: Callable[[], Losses], preview: Preview | None = None
    ) -> Iterator[tuple[int, dict[str, float]]]:
        """Take the remaining steps down the sum of `losses()`; yields (steps done, losses since the last time).

        On a CPU after each step, else every `READ_EVERY` steps. In a group of processes `losses` has the same names in
        each of them, and what is yielded is their mean. `preview` gives a picture [1, 3, H, W] in 0..1 of the averaged
        weights. TrainingError where a loss is no number any more, or the disk or the device is full.
        """
        first = distributed.rank() == 0
        every = 1 if self.device.type == "cpu" else READ_EVERY
        table, taken = self.checkpoint.with_suffix(".csv"), list[Losses]()
        with self._explained(), closing(RunLog(table, self.step)) if first else nullcontext() as run_log:
            if first and not self.checkpoint.is_file():
                self._save()  # what was prepared for the first step may have taken long
            saved = shown = looked = time.monotonic()
            while self._progress() < 1:
                taken.append(self._take_step(losses))
                self.step += 1
                if self.step % every and self.step != self.steps:
                    continue
                values = self._read_losses(taken)
                taken = []
                now, last = time.monotonic(), self._progress() >= 1
                if run_log:
                    run_log.write(self.step, values, self.taken_at, self.seconds)
                    if preview and (last or now - shown >= PREVIEW_SECONDS):
                        self._show(preview, run_log)
                        shown = time.monotonic()
                        self.closing = max(self.closing, shown - looked)
                    if last or now - saved >= SAVE_SECONDS:
                        self._save()
                        saved = time.monotonic()
                        self.closing = max(self.closing, saved - looked)
                looked = time.monotonic()
                yield self.step, values

    def train(
        self, losses: Callable[[], Losses], preview: Preview | None = None, on_step: OnStep | None = None
    ) -> None:
        """`run` to its end; `on_step(steps done, losses)` may raise to stop."""
        for step, parts in self.run(losses, preview):
            if on_step:
                on_step(step, parts)

    def finished(self, module: Module) -> Module:
        """`module`, the learner or a part of it, with the averaged weights, frozen."""
        _copy(self.weights, self.average)
        return module.eval().requires_grad_(False)

    def _progress(self) -> float:
        """The share of the training that is done."""
        if self.minutes is None:
            return self.step / self.steps
        return self.seconds / max(1.0, 60 * self.minutes - self.closing)

    def _take_step(self, losses: Callable[[], Losses]) -> Losses:
        """One step; nothing here waits for the device."""
        import numpy as np

        warm_up = (self.step - self.fresh + 1) / WARM_UP
        self.taken_at = self.rate * max(0.0, min(warm_up, 1 - self._progress()))
        for group in self.optimiser.param_groups:
            group["lr"] = self.taken_at * group["factor"]
        # Random numbers follow from seed, step and process; torch's own generators are left as they were.
        entropy = np.random.SeedSequence([self.seed, self.step, distributed.rank()])
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices), autocast(self.device):
            torch.manual_seed(int(entropy.generate_state(1)[0]))
            parts = losses()
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        distributed.average_gradients(self.weights)
        slope = nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        kept = min(AVERAGE_DECAY, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self.weights], 1 - kept)  # pyright: ignore[reportPrivateImportUsage]
        return {name: part.detach().float() for name, part in parts.items()} | {"the gradient": slope.float()}

    def _read_losses(self, taken: list[Losses]) -> dict[str, float]:
        """The mean of each loss over the steps taken, in one read, and with it the time, which all processes share.

        TrainingError where one is no number: before a checkpoint is written, so that the last one is good.
        """
        names = list(dict.fromkeys(name for parts in taken for name in parts))
        means = [torch.stack([parts[name] for parts in taken if name in parts]).mean() for name in names]
        clocks = torch.tensor([self.before + time.monotonic() - self.began, self.closing], device=self.device)
        *values, self.seconds, self.closing = distributed.mean(torch.cat([torch.stack(means), clocks])).tolist()
        found = dict(zip(names, values, strict=True))
        bad = next((name for name, value in found.items() if not math.isfinite(value)), None)
        if bad:
            raise TrainingError(
                f"{bad} became {found[bad]} in step {self.step}: {self._remains()}; the same command goes on from "
                "there, and if this happens again, train with a smaller rate into another folder."
            )
        del found["the gradient"]
        return found

    def _remains(self) -> str:
        """What there is to go on from, as the end of a message."""
        last = f"the last good checkpoint, of step {self.saved}, is {self.checkpoint}"
        return last if self.checkpoint.is_file() else "there is no checkpoint yet"

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Inside, the learner has the averaged weights."""
        current = [weight.detach().clone() for weight in self.weights]
        _copy(self.weights, self.average)
        try:
            with torch.no_grad():
                yield
        finally:
            _copy(self.weights, current)

    def _show(self, preview: Preview, run_log: RunLog) -> None:
        with self._averaged():
            sheet = preview()
        file = io.BytesIO()
        to_pillow(sheet[0].movedim(0, -1)).save(file, "PNG", compress_level=1)  # a fifth of the time, a quarter larger
        _write(self.checkpoint.with_name(f"{self.checkpoint.stem}-preview.png"), file.getvalue())
        run_log.show(self.step, sheet)

    def _save(self) -> None:
        """The checkpoint, then the float16 file, each whole or not at all."""
        resumed = {name: getattr(self, name) for name in RESUMED}
        states = {"weights": self.learner.state_dict(), "optimiser": self.optimiser.state_dict()}
        state = {**states, "average": self.average, "settings": self.settings, **resumed}
        file = io.BytesIO()
        torch.save(tree_map(lambda value: value.cpu() if isinstance(value, Tensor) else value, state), file)
        _write(self.checkpoint, file.getvalue())
        self.saved = self.step
        with self._averaged():
            content = float16_file(self.part, {"training": json.dumps(resumed)})
        _write(self.checkpoint.with_suffix(".safetensors"), content)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """A full disk or device is one sentence."""
        try:
            yield
        except OSError as error:
            raise TrainingError(f"{error}: make room and give the same command again; {self._remains()}.") from error
        except torch.OutOfMemoryError as error:
            fault = f"{self.device} has no room for a step: train with a smaller batch or side"
            raise TrainingError(f"{fault}; {self._remains()}.") from error

    def _read(self) -> dict[str, Any] | None:
        """The checkpoint; else what the float16 file says, which may have been carried here without one."""
        own = self.checkpoint.with_suffix(".safetensors")
        if self.checkpoint.is_file():
            try:
                return torch.load(self.checkpoint, weights_only=True, map_location="cpu")
            except (OSError, MemoryError):  # which say nothing of what is in the file
                raise
            except Exception as error:  # of many kinds, of which ComfyUI's registry forbids to import one's module
                fault = f"{self.checkpoint} is no checkpoint, or a damaged one"
                raise ValueError(f"{fault}: delete it, and the run goes on from the weights beside it.") from error
        if not (self.start or own.is_file()):
            return None
        from safetensors import SafetensorError, safe_open

        path, metadata = own if own.is_file() else self.start, {}
        try:
            with safe_open(path, "pt") as file:
                if path != self.start:  # a run of its own, which goes on where it was
                    metadata = json.loads((file.metadata() or {}).get("training", "{}"))
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path} holds no weights ({error}): name a .safetensors file of a run.") from error
        resumed = {name: metadata.get(name, getattr(self, name)) for name in RESUMED}
        return {**resumed, "exported": tensors, "fresh": resumed["step"], "file": str(path)}

    def _restore(self, state: dict[str, Any]) -> None:
        if "exported" in state:
            try:
                self.part.load_state_dict(state["exported"])
            except RuntimeError as error:
                fault = f"{state['file']} holds the weights of another network"
                raise ValueError(f"{fault}: start from a file of the same recipe, widths included.") from error
            _copy(self.average, self.weights)
        else:
            if state["settings"] != self.settings:
                raise ValueError(f"{self.checkpoint} was trained otherwise: name another folder, or the same settings.")
            self.learner.load_state_dict(state["weights"])
            _copy(self.average, state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        for name in RESUMED:
            setattr(self, name, state[name])
        log.info("going on from step %d of %s", self.step, state.get("file", self.checkpoint))


def float16_file(module: nn.Module, metadata: Mapping[str, str] | None = None) -> bytes:
    """The weights of `module` under their own names, as float16 safetensors: the key map `brushwork` reads them."""
    from safetensors.torch import save

    weights = {name: value.half().cpu().contiguous() for name, value in module.state_dict().items()}
    return save(weights, dict(metadata or {}))


def save_weights(module: nn.Module, path: Path) -> Path:
    """Write `float16_file`; of the processes of a group the first one does. OSError where it cannot be written."""
    if distributed.rank() == 0:
        _write(path, float16_file(module))
    return path


def later(on_step: OnStep | None, steps: int) -> OnStep | None:
    """`on_step` counting on from `steps`: for a recipe's later stages."""
    return on_step and (lambda step, losses: on_step(steps + step, losses))


@torch.no_grad()
def _copy(to: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for one, value in zip(to, values, strict=True):
        one.copy_(value)


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content, path.with_name(f"{path.name}.part"))
