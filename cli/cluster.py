"""`stylize --ray`: painting on the devices of a Ray cluster, or side by side on those of this machine.

This machine reads, writes and keeps the record; over the network goes what files hold, never a path. Whatever kills a
worker costs nothing but time: another one is started in its place, and what it was at is painted again.
"""

from __future__ import annotations

import io
import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from logging.handlers import BufferingHandler
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from ..media.images import eight_bits, encode_picture, load_picture, write_whole
from ..media.video_read import Part
from ..models.weights.manifest import read_manifest
from ..runner.errors import one_line
from ..transfer.temporal import FRAMES
from .contents import file_of
from .order import Stylization
from .painter import Painter
from .progress import Progress, printable
from .record import fingerprint
from .report import Report

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Styles = tuple[str, ...]

log = logging.getLogger(__name__)

LOCAL, AUTO = "local", "auto"
"""In the place of an address: start a cluster on this machine; find the one that runs on it."""
TRIES = 3
"""Workers that a picture may cost, or a device at its start, until it is taken for the cause."""
WAITING = 2
"""Pictures that a worker is given: one is on its way while the other is at work."""
PATIENCE = 30
"""Seconds: to be connected; without a free device, until a line says so."""
CHUNK_PIXELS, FEWEST_PARTS = 1 << 26, 8
"""Of a video's frames that are painted as one piece of work, at most; unless statistics over time make more worth it,
which look at this many times as many as they need."""
PAINTING = ("cli", "media", "methods", "models", "tiling", "transfer")
"""The rooms that make a picture what it is."""


class ClusterError(RuntimeError):
    """Nobody in the cluster can paint, or not this."""


def version() -> str:
    """Of the code and the weights that paint."""
    root = Path(__file__).parents[1]
    files = sorted(file.relative_to(root).as_posix() for room in PAINTING for file in (root / room).rglob("*.py"))
    return fingerprint({"files": files}, [root / name for name in ("weights_manifest.json", *files)])


class Worker:
    """Paints what it is sent on its own device; the network is loaded once."""

    def __init__(self) -> None:
        self.painters: dict[Styles, Painter] = {}

    def do(self, name: str, *arguments: Any) -> tuple[Any, list[str]]:  # noqa: ANN401 - the method's own
        """What a method of this class returns, and what was logged meanwhile."""
        heard = BufferingHandler(1000)
        logging.getLogger().addHandler(heard)
        try:
            return getattr(self, name)(*arguments), [record.getMessage() for record in heard.buffer]
        finally:
            logging.getLogger().removeHandler(heard)

    def prepare(
        self, variants: Sequence[Stylization], files: Mapping[str, bytes], threads: int, gpu: bool, ours: str
    ) -> int:
        """Be ready to paint the `variants` of an order, whose files are given by the names that it has for them; the
        number of steps whose statistics go over time."""
        if ours != version():
            raise ValueError("the cluster has another version of Brushwork: install the same on all its machines")
        if gpu and not torch.cuda.is_available():
            raise ValueError("torch does not see the GPU of a machine in the cluster: install a build for it there")
        torch.set_num_threads(threads)
        with TemporaryDirectory() as folder:
            there: dict[str, str] = {}
            for number, (name, content) in enumerate(files.items()):
                path = Path(folder, str(number), Path(name).name)
                path.parent.mkdir()
                path.write_bytes(content)
                there[name] = str(path)
            try:
                for one in variants:
                    own = replace(
                        one,
                        style=one.style and [there.get(name, name) for name in one.style],
                        mask=one.mask and Path(there.get(str(one.mask), one.mask)),
                        network=one.network and there.get(one.network, one.network),
                    )
                    ready = next(iter(self.painters.values()), None)
                    self.painters[one.styles] = Painter(own, None, ready)
            except Exception as error:
                text = str(error)
                for name, path in there.items():
                    text = text.replace(path, name)
                error.args = (text,)
                raise
        painter = next(iter(self.painters.values()))
        levels = [*painter.strengths] if isinstance(painter.strengths, Mapping) else None
        steps = painter.method.steps(painter.network, levels)
        return sum(step.content is not None for step in steps) if painter.smooths else 0

    def picture(self, styles: Styles, content: bytes, suffix: str) -> bytes:
        """The file that a picture becomes, of that of the picture."""
        painter, file = self.painters[styles], io.BytesIO(content)
        picture = load_picture(file, max_pixels=painter.order.max_pixels, metadata=painter.order.keep_metadata)
        image, alpha = painter.picture(picture, lambda done, total: None, suffix)
        return encode_picture(image, suffix, alpha, picture.metadata)

    def frames(
        self, styles: Styles, before: Sequence[Pixels], own: Sequence[Pixels], seen: Mapping[Any, Any] | None
    ) -> list[tuple[np.ndarray[Any, Any], Any]]:
        """What parts of a video become, each float32 [n, H, W, 3] with its state of statistics over time.

        Those `before` them are painted for these statistics' sake, which begin as `seen`.
        """
        parts = (Part.of([*pixels], [], [], []) for pixels in (*before, *own))
        made = ((painted, state) for _, painted, state in self.painters[styles].video(parts, seen))
        return [
            (painted.movedim(1, -1).contiguous().numpy(), tree_map_only(Tensor, Tensor.cpu, state))
            for painted, state in islice(made, len(before), None)
        ]


@dataclass
class Job:
    """A call of a worker's method."""

    method: str
    arguments: tuple[Any, ...]
    about: Any
    """Who asked for it keeps here what it is for."""
    number: int = 0
    deaths: int = 0
    """Workers that died of it."""


class Workers:
    """The workers of one run, each on a device of its own."""

    def __init__(self, variants: Sequence[Stylization], places: tuple[int, int, bool]) -> None:
        """For the `variants` of an order; `places` as `share` gives them."""
        import ray

        number, threads, gpu = places
        self.steps = 0
        """Of a painter, whose statistics go over time; known when there is the first result."""
        self._kind = ray.remote(Worker).options(num_cpus=threads, num_gpus=int(gpu), max_restarts=0)
        self._first = [ray.put(each) for each in (variants, _files(variants), threads, gpu, version())]
        self._actors: dict[int, Any] = {}
        self._starting: dict[Any, int] = {}
        self._ready: set[int] = set()
        self._deaths: Counter[int] = Counter()
        self._said: set[str] = set()
        for seat in range(number):
            self._start(seat)

    def __len__(self) -> int:
        return len(self._actors)

    def dismiss(self) -> None:
        """End them all."""
        import ray
        from ray.exceptions import RayError

        for actor in self._actors.values():
            with suppress(RayError):
                ray.kill(actor)

    def results(self, jobs: Iterable[Job], at_once: int, in_order: bool = False) -> Iterator[tuple[Job, Any]]:
        """Each job, once, with what it gave, or with the exception that it raised, as they are done or in their order.

        Jobs are taken as workers come free, `at_once` at most that are not yet given back. One whose worker died goes
        to another, TRIES times; ClusterError where no worker is left.
        """
        import ray
        from ray.exceptions import RayError, RayTaskError

        coming, numbers, ended = iter(jobs), count(), False
        again: deque[Job] = deque()
        running: dict[Any, tuple[int, Job]] = {}
        finished: dict[int, tuple[Job, Any]] = {}
        due = 0
        while True:
            load = Counter(seat for seat, _ in running.values())
            free = deque(sorted(seat for seat in self._ready if load[seat] < WAITING))
            while free and (again or (not ended and len(running) + len(finished) < at_once)):
                if again:
                    job = again.popleft()
                elif (job := next(coming, None)) is None:
                    ended = True
                    break
                else:
                    job.number = next(numbers)
                seat = min(free, key=load.__getitem__)
                load[seat] += 1
                if load[seat] == WAITING:
                    free.remove(seat)
                running[self._actors[seat].do.remote(job.method, *job.arguments)] = seat, job
            if ended and not (running or again):
                return
            waiting = [*running, *self._starting]
            if not ray.wait(waiting, timeout=PATIENCE)[0] and not self._ready:
                self._say("No device of the cluster is free yet: the run goes on as soon as one is.")
            for done in ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]:
                if done in self._starting:
                    self._started(done)
                elif done in running:  # not with a worker that died
                    seat, job = running[done]
                    try:
                        result = ray.get(done)
                        del running[done]
                    except RayTaskError as error:
                        result = _cause(error)
                        del running[done]
                    except RayError:
                        lost = [ref for ref, (where, _) in running.items() if where == seat]
                        job, *others = (running.pop(ref)[1] for ref in lost)  # the first was at work
                        again.extend(others)
                        ray.kill(self._actors[seat])  # it may but be out of reach
                        self._ready.discard(seat)
                        self._start(seat)
                        job.deaths += 1
                        if job.deaths < TRIES:
                            again.appendleft(job)
                            continue
                        result = ClusterError(
                            f"{TRIES} workers died of it, one after the other: it may need more memory than they have, "
                            "so shrink it by --max-size"
                        )
                    finished[job.number] = job, result
            while finished and (due in finished if in_order else True):
                number = due if in_order else min(finished)
                due += 1
                yield finished.pop(number)

    def video(self, styles: Styles, parts: Iterable[Part], seen: Any) -> Iterator[tuple[Part, Tensor, Any]]:  # noqa: ANN401
        """As `Painter.video`: the very same, painted in pieces.

        To a piece belong the parts before it that its statistics over time depend on: of each step they see the last
        2 FRAMES frames, which the step before has painted by those that it saw.
        """
        rest = iter(parts)
        for part in rest:
            if part.frames.numel():
                rest = chain([part], rest)
                break
            yield part, part.frames.movedim(-1, 1), seen

        def pieces() -> Iterator[Job]:
            nonlocal rest
            first = next(rest, None)
            if first is None:
                return
            rest = chain([first], rest)
            needed = self.steps * ceil(2 * FRAMES / len(first.times))
            most = max(1, CHUNK_PIXELS // first.frames[..., 0].numel())
            length = max(needed, min(most, max(FEWEST_PARTS, 4 * needed)))
            before: deque[Pixels] = deque(maxlen=needed)
            painted = 0
            while own := list(islice(rest, length)):
                pixels = [_pixels(part) for part in own]
                whole = [replace(part, frames=part.frames[:, :0, :0], alpha=None) for part in own]
                begins = seen if painted <= needed else None
                yield Job("frames", (styles, [*before], pixels, begins), list(zip(pixels, whole, strict=True)))
                before.extend(pixels)
                painted += len(own)

        for job, result in self.results(pieces(), len(self) + 1, in_order=True):
            if isinstance(result, Exception):
                raise result
            for (pixels, part), (painted, state) in zip(job.about, result[0], strict=True):
                yield Part.of([*pixels], part.times, part.durations, part.sound), _tensor(painted), state

    def _start(self, seat: int) -> None:
        self._actors[seat] = self._kind.remote()
        self._starting[self._actors[seat].do.remote("prepare", *self._first)] = seat

    def _started(self, done: Any) -> None:  # noqa: ANN401 - Ray's
        """Take a worker that is ready; one that cannot be is tried again or left out."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        seat = self._starting.pop(done)
        try:
            self.steps, _ = ray.get(done)
        except RayTaskError as error:
            reason = _cause(error)
        except RayError as error:
            self._deaths[seat] += 1
            last = one_line(str(error).strip().splitlines()[-1]).partition(". ")[0]
            if "failed to import" in str(error):
                remedy = "pip install -e '.[cli,ray]' in a clone on all its machines, of the same version"
                reason = ClusterError(f"the cluster has no Brushwork ({last}): {remedy}")
            elif self._deaths[seat] < TRIES:
                self._start(seat)
                return
            else:
                reason = ClusterError(f"a worker died {TRIES} times before it could paint anything: {last}")
        else:
            self._deaths[seat] = 0
            self._ready.add(seat)
            return
        ray.kill(self._actors.pop(seat))
        if not self._actors:
            raise reason
        self._say(f"A device of the cluster is left out: {reason}")

    def _say(self, line: str) -> None:
        """Warn of it once."""
        if line not in self._said:
            log.warning("%s", printable(line))
        self._said.add(line)


@contextmanager
def cluster(order: Stylization, variants: Sequence[Stylization]) -> Iterator[Workers]:
    """Inside the block, the workers that an order asks for; none of them is left behind.

    Where this process has joined a cluster already, that is the one. ValueError or ConnectionError in one sentence
    where there is none, or no room in it.
    """
    # Ray reads them when it is imported. Of a cluster that runs, whoever started it decides.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    joined = ray.is_initialized()
    workers: Workers | None = None
    try:
        if not joined:
            _join(order.ray or LOCAL, order.workers)
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        workers = Workers(variants, share(order.workers, nodes))
        yield workers
    finally:
        if workers:
            workers.dismiss()
        if not joined:
            ray.shutdown()


def _join(address: str, workers: int | None) -> None:
    """Join the cluster at an address, or start one."""
    import ray

    more: dict[str, Any] = {}
    if address == LOCAL:
        more = {"num_cpus": max(workers or 1, torch.get_num_threads()), "include_dashboard": False}
    elif address != AUTO:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if not (host and port.isdecimal()):
            raise ValueError(
                f"'{address}' is no address of a Ray cluster: give HOST:PORT, {AUTO} for the one that runs on this "
                f"machine, or {LOCAL} to use this machine alone"
            )
        try:  # Ray itself would end the process after a minute
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except (OSError, OverflowError) as error:
            raise ConnectionError(
                f"there is no Ray cluster at {address} ({error}): start one by `ray start --head`, or name another"
            ) from error
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(address, log_to_driver=False, configure_logging=False, **more)
    except Exception as error:  # of many kinds
        what = f"the Ray cluster {address} cannot be joined: see whether it runs, with this machine's Python and Ray"
        if address == LOCAL:
            what = "Ray cannot be started here: see whether this machine is too busy for it"
        raise ConnectionError(f"{what} ({one_line(str(error))})") from error


def share(asked: int | None, nodes: Sequence[Mapping[str, float]]) -> tuple[int, int, bool]:
    """How many workers there are, with how many threads each, and whether each has a GPU.

    Unless some number is `asked` for, they are one a GPU, or where no machine has any, one a machine. They have as many
    threads as the CPUs of the `nodes` have room for. ValueError where there are not so many.
    """
    each = [(int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes]
    gpu = any(gpus for _, gpus in each)

    def room(threads: int) -> int:
        return sum(min(cpus // threads, gpus) if gpu else cpus // threads for cpus, gpus in each)

    number = asked or (room(1) if gpu else sum(cpus > 0 for cpus, _ in each))
    most = max((cpus for cpus, _ in each), default=0)
    threads = next((threads for threads in range(most, 0, -1) if room(threads) >= number), 0)
    if not (number and threads):
        raise ValueError(f"the cluster has room for {room(1)} workers, which is fewer than --workers: ask for no more")
    return number, threads, gpu


def paint_pictures(
    orders: Sequence[Stylization],
    workers: Workers,
    report: Report,
    keep: Callable[[Stylization], None],
    progress: Progress,
) -> None:
    """Paint pictures, in any order; each is written and kept as it comes back."""

    def jobs() -> Iterator[Job]:
        for one in orders:
            job = None
            with report.attempt([one]):
                content = file_of(one.contents[0]).read_bytes()
                job = Job("picture", (one.styles, content, one.output.suffix), one)
            if job:
                yield job

    for done, (job, result) in enumerate(workers.results(jobs(), WAITING * len(workers)), 1):
        one = job.about
        with report.attempt([one]):
            if isinstance(result, Exception):
                raise result
            file, lines = result
            for line in lines:
                log.warning("%s", printable(f"{one.contents[0]}: {line}"))
            write_whole(one.output, file)
            keep(one)
            report.tell(one, "painted")
        progress(done, len(orders), printable(Path(one.contents[0]).name))


def _files(variants: Sequence[Stylization]) -> dict[str, bytes]:
    """What the files hold that an order names beside its contents."""
    names = {str(name) for one in variants for name in (*(one.style or ()), *([one.mask] if one.mask else []))}
    network = variants[0].network
    if network and network.partition("/")[0] not in read_manifest().networks:
        names.add(network)
    return {name: Path(name).read_bytes() for name in sorted(names) if Path(name).is_file()}


def _pixels(part: Part) -> Pixels:
    """[n, H, W, 3 or 4], from which `Part.of` makes the very same frames."""
    frames = part.frames if part.alpha is None else torch.cat((part.frames, part.alpha[..., None]), -1)
    return eight_bits(frames).numpy()


def _tensor(painted: np.ndarray[Any, Any]) -> Tensor:
    """[n, 3, H, W]; a copy, for Ray's memory cannot be written."""
    return torch.tensor(painted).movedim(-1, 1)


def _cause(error: Any) -> Exception:  # noqa: ANN401 - Ray's
    """What a worker raised; the traceback there is in its context."""
    cause = error.cause if isinstance(error.cause, Exception) else error
    if cause is not error:
        cause.__context__ = error
    return cause
