"""On a Ray cluster of two workers, some of them killed: the very same files as without, nothing lost, nothing twice."""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from brushwork.cli import cluster as cluster_module
from brushwork.cli import stylize as stylize_command
from brushwork.cli.app import main
from brushwork.cli.cluster import ClusterError, Job, Worker, Workers, share, version
from brushwork.cli.order import Stylization
from brushwork.cli.painter import Painter
from brushwork.cli.record import FILE
from brushwork.cli.stylize import stylize
from brushwork.media import video_read
from brushwork.media.images import write_picture
from brushwork.media.video_read import reading
from brushwork.tests.conftest import ROOT
from brushwork.tests.media.clips import moving, write_clip
from brushwork.transfer import temporal

FRAME = 48 * 64


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ray, with two CPUs here, whose workers import this checkout."""
    ray = pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("path")
    (folder / "brushwork").symlink_to(ROOT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # behind all else on a busy machine they would hardly start
        cluster_module._join("local", 2)
        yield ray
        ray.shutdown()


@pytest.fixture
def style(tmp_path: Path) -> str:
    path = tmp_path / "s.png"
    write_picture(path, torch.rand(32, 40, 3, generator=torch.Generator().manual_seed(1)))
    return str(path)


def mortal(folder: Path, deadly: bytes) -> type[Worker]:
    """Workers of which one is killed at a picture, and one at a piece of a video that has others before it.

    A class of no module, which Ray sends as it is.
    """

    class Mortal(Worker):
        def picture(self, styles: tuple[str, ...], content: bytes, suffix: str) -> bytes:
            self.perhaps_die("picture", content == deadly)
            return super().picture(styles, content, suffix)

        def frames(self, styles: Any, before: Any, own: Any, seen: Any) -> Any:
            self.perhaps_die("piece", len(before) > 0)
            return super().frames(styles, before, own, seen)

        def perhaps_die(self, name: str, deadly: bool) -> None:
            if deadly and not (folder / name).exists():
                (folder / name).touch()
                os.kill(os.getpid(), signal.SIGKILL)

    return Mortal


def stops_at(frames: int) -> Callable[..., Any]:
    """A progress that interrupts a video there."""

    def progress(done: float, total: int, name: str) -> None:
        if name == "long.mp4" and done >= frames:
            raise KeyboardInterrupt

    return lambda: nullcontext(progress)


def test_the_same_files_though_workers_are_killed(
    ray: Any, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One worker is killed at a picture, one in the middle of a video, which was begun without Ray."""
    for name in ("CHUNK_PIXELS", "FEWEST_PARTS"):
        monkeypatch.setattr(cluster_module, name, 1)
    monkeypatch.setattr(video_read, "MAX_PART_PIXELS", 2 * FRAME)
    photos, plain, out = tmp_path / "in", tmp_path / "plain", tmp_path / "out"
    for number in range(6):
        write_picture(photos / f"{number}.png", torch.rand(20, 24, 3), torch.rand(20, 24) if number == 3 else None)
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    write_clip(photos / "long.mp4", moving(24))
    write_clip(photos / "short.mp4", moving(20))
    options: dict[str, Any] = {"content": str(photos), "style": [style], "method": "adain", "statistics": "smoothed"}

    def run(folder: Path, **more: Any) -> list[str]:
        with pytest.raises(RuntimeError) as error:
            stylize(Stylization(output=folder, **options, **more))
        return str(error.value).split("; ")

    (bad,) = run(plain)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stylize_command, "shown_progress", stops_at(12))
        stylize(Stylization(output=out, **options))
    for name in ("1.png", "2.png", "3.png", "5.png"):
        (out / name).unlink()
    before = (out / FILE).read_text().splitlines()
    (tmp_path / "deaths").mkdir()
    monkeypatch.setattr(cluster_module, "Worker", mortal(tmp_path / "deaths", (photos / "1.png").read_bytes()))
    capsys.readouterr()
    (failed,) = run(out, ray="local", workers=2, json=True)

    assert {file.name for file in (tmp_path / "deaths").iterdir()} == {"picture", "piece"}
    assert "cut.jpg" in bad and "cut.jpg" in failed
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]  # and none of Ray's
    assert Counter(line["status"] for line in said) == {"skipped": 2, "painted": 6, "failed": 1, "end": 1}
    files = {*(f"{number}.png" for number in range(6)), "long.mp4", "short.mp4"}
    assert files == {file.name for file in plain.iterdir()} - {FILE} == {file.name for file in out.iterdir()} - {FILE}
    assert [name for name in files if (out / name).read_bytes() != (plain / name).read_bytes()] == []
    known, added = (plain / FILE).read_text().splitlines(), (out / FILE).read_text().splitlines()[len(before) :]
    assert sorted(added) == sorted(line for line in known if not any(f'"{n}.png"' in line for n in (0, 4)))


def test_what_kills_workers_costs_no_other(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order and not, with as many jobs taken ahead as was said, and each given back once."""

    class Frail:
        def do(self, name: str, *given: Any) -> Any:
            if given == (5,):
                os.kill(os.getpid(), signal.SIGKILL)
            if given == (7,):
                raise ValueError("seven is too much: take less")
            return 0 if name == "prepare" else given, []

    monkeypatch.setattr(cluster_module, "Worker", Frail)
    monkeypatch.setattr(cluster_module, "TRIES", 2)
    taken, most = [], 0

    def jobs(numbers: Sequence[int]) -> Iterator[Job]:
        for number in numbers:
            taken.append(number)
            yield Job("paint", (number,), number)

    workers, back = Workers([order()], (2, 1, False)), []  # that take four jobs
    try:
        for job, result in workers.results(jobs(range(12)), 3, in_order=True):
            most = max(most, len(taken) - len(back))
            back.append(job.about)
            if job.about == 5:
                assert str(result).startswith("2 workers died of it, one after the other: it may need more memory")
            elif job.about == 7:
                assert isinstance(result, ValueError) and str(result) == "seven is too much: take less"
            else:
                assert result == ((job.about,), [])
        assert back == list(range(12)) and most <= 3
        assert sorted(job.about for job, _ in workers.results(jobs([0, 1, 7, 2]), 4)) == [0, 1, 2, 7]
    finally:
        workers.dismiss()


def test_a_video_begun_with_ray_goes_on_without(
    ray: Any, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "CHUNK_PIXELS", 1)
    monkeypatch.setattr(video_read, "MAX_PART_PIXELS", 2 * FRAME)
    clip = write_clip(tmp_path / "long.mp4", moving(20))
    options: dict[str, Any] = {"content": str(clip), "style": [style]}
    stylize(Stylization(output=tmp_path / "plain.mp4", **options))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stylize_command, "shown_progress", stops_at(14))
        stylize(Stylization(output=tmp_path / "out.mp4", ray="local", workers=2, **options))
    assert list(tmp_path.glob("out.mp4.*")) or list(tmp_path.glob("*out*.state"))
    stylize(Stylization(output=tmp_path / "out.mp4", **options))
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()


def test_a_cluster_without_brushwork(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ModuleType("nowhere_to_be_found")
    exec("class Worker:\n    def do(self, *given): ...", vars(nowhere))  # noqa: S102
    vars(nowhere)["Worker"].__module__ = nowhere.__name__
    monkeypatch.setitem(sys.modules, nowhere.__name__, nowhere)
    monkeypatch.setattr(cluster_module, "Worker", vars(nowhere)["Worker"])
    workers = Workers([order()], (1, 1, False))
    with pytest.raises(ClusterError, match=r"^the cluster has no Brushwork \(.*nowhere_to_be_found.*\): pip install"):
        [*workers.results([Job("picture", (), None)], 1)]


def order(**options: Any) -> Stylization:
    return Stylization(**{"content": "in", "output": Path("out"), "style": ["hubble"], **options})


class Here(Workers):
    """The one worker is this process."""

    def __init__(self, one: Stylization) -> None:
        self.worker = Worker()
        self.steps = self.worker.prepare([one], cluster_module._files([one]), 1, False, version())
        self._actors = {}

    def results(self, jobs: Any, at_once: int, in_order: bool = False) -> Iterator[tuple[Job, Any]]:
        return ((job, self.worker.do(job.method, *job.arguments)) for job in jobs)


@pytest.mark.parametrize(
    ("options", "frames", "steps"),
    [
        ({"method": "adain"}, 1, 1),
        ({"method": "adain"}, 3, 1),
        ({}, 3, 4),
        ({"method": "wct", "levels": "relu2_1,relu1_1"}, 1, 2),
        ({"method": "wct", "levels": "relu2_1,relu1_1"}, 3, 2),
        ({"method": "adain", "preserve_color": "matching"}, 3, 1),
        ({"method": "adain", "max_size": 40}, 3, 1),
        ({"statistics": "per image"}, 1, 0),
        ({"method": "stylebank", "style": None}, 1, 1),
    ],
)
def test_pieces_are_the_whole(
    options: dict[str, Any], frames: int, steps: int, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, with the state of statistics over time; from the start, and from the middle."""
    for module in (temporal, cluster_module):
        monkeypatch.setattr(module, "FRAMES", 1)
    monkeypatch.setattr(video_read, "MAX_PART_PIXELS", frames * FRAME)
    monkeypatch.setattr(cluster_module, "CHUNK_PIXELS", 1)
    monkeypatch.setattr(cluster_module, "FEWEST_PARTS", 1)
    clear = options.get("max_size") is not None
    look: dict[str, Any] = {"pixels": "yuva420p", "alpha": moving(14)[..., 0]} if clear else {}
    clip = write_clip(tmp_path / ("a.webm" if clear else "a.mp4"), moving(14), sound=None, **look)
    one = order(**{"style": [style], **options})
    workers, painter = Here(one), Painter(one)
    assert workers.steps == steps
    with reading(clip) as source:
        parts = list(source.parts(1 if painter.matches_styles else None))
    assert (parts[0].alpha is not None) == clear
    whole = list(painter.video(parts))
    for first in (0, 2):
        passed = [cluster_module.replace(part, frames=part.frames[:, :0, :0]) for part in parts[:first]]
        seen = whole[first - 1][2] if first else None
        made = list(workers.video(one.styles, iter([*passed, *parts[first:]]), seen))
        assert [part.times for part, *_ in made] == [part.times for part in parts]
        assert not any(painted.numel() for _, painted, _ in made[:first])
        for (part, painted, state), (own, expected, expected_state) in zip(made[first:], whole[first:], strict=True):
            assert torch.equal(painted, expected) and torch.equal(part.frames, own.frames)
            assert part.alpha is None or torch.equal(part.alpha, own.alpha)
            assert flat(state) == flat(expected_state)


def flat(state: Mapping[Any, Any]) -> list[Any]:
    return [(key, name, [tensor.tolist() for tensor in tensors]) for key, (name, tensors) in state.items()]


def test_workers_see_no_file_of_this_machine(style: str) -> None:
    content = Path(style).read_bytes()
    one = order(method="adain", style=["gone/s.png"], mask=Path("gone/m.png"))
    worker = Worker()
    assert worker.prepare([one], {"gone/s.png": content, "gone/m.png": content}, 1, False, version()) == 1
    with pytest.raises(ValueError, match=r"^gone/s\.png is not a picture"):
        Worker().prepare([one], {"gone/s.png": b"no picture", "gone/m.png": content}, 1, False, version())
    with pytest.raises(FileNotFoundError, match=r"^there is no picture gone/s\.png; the samples are"):
        Worker().prepare([one], {}, 1, False, version())


def test_what_a_worker_warns_of_comes_back(style: str, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(Path(style).read_bytes()[:-600])
    one, worker = order(), Worker()
    worker.prepare([one], {}, 1, False, version())
    file, (line,) = worker.do("picture", one.styles, (tmp_path / "cut.png").read_bytes(), ".png")
    assert file.startswith(b"\x89PNG") and "is cut off or damaged" in line


def test_other_versions_and_builds_are_refused() -> None:
    with pytest.raises(ValueError, match="^the cluster has another version of Brushwork: install the same"):
        Worker().prepare([order()], {}, 1, False, "other")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="^torch does not see the GPU of a machine"):
            Worker().prepare([order()], {}, 1, True, version())


@pytest.mark.parametrize(
    ("asked", "nodes", "shares"),
    [
        (None, [(8, 0)], (1, 8, False)),
        (2, [(8, 0)], (2, 4, False)),
        (3, [(8, 0)], (3, 2, False)),
        (None, [(16, 0), (4, 0), (0, 0)], (2, 8, False)),
        (8, [(4, 0), (4, 0)], (8, 1, False)),
        (None, [(16, 8)], (8, 2, True)),
        (None, [(16, 2), (4, 0), (64, 4)], (6, 8, True)),
        (1, [(16, 2)], (1, 16, True)),
    ],
)
def test_devices_are_shared(asked: int | None, nodes: Sequence[tuple[int, int]], shares: tuple[int, int, bool]) -> None:
    assert share(asked, [{"CPU": cpus, "GPU": gpus, "memory": 1e9} for cpus, gpus in nodes]) == shares


@pytest.mark.parametrize(("asked", "nodes"), [(9, [(8, 0)]), (3, [(16, 2)]), (None, []), (None, [(0, 0)])])
def test_no_more_workers_than_devices(asked: int | None, nodes: Sequence[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="^the cluster has room for . workers"):
        share(asked, [{"CPU": cpus, "GPU": gpus} for cpus, gpus in nodes])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ray", "photos"], "'photos' is no address of a Ray cluster: give HOST:PORT, auto for the one that runs"),
        (["--ray", "127.0.0.1:9"], "there is no Ray cluster at 127.0.0.1:9 ("),
        (["--workers", "2"], "--workers are those of a Ray cluster: name it, or give --ray local"),
    ],
)
def test_faults(
    options: list[str], message: str, style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    assert main(["stylize", style, "-s", "hubble", "-o", style + ".png", *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"brushwork: {message}") and said.count("\n") == 1


def test_without_ray_one_line_says_what_to_do(
    style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["stylize", style, "-s", "hubble", "-o", style + ".png", "--ray", "local"]) == 1
    assert capsys.readouterr().err == "brushwork: --ray needs ray: pip install ray\n"
