"""`python -m brushwork.benchmarks.published`: our methods beside the results that their authors published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ..media.images import write_picture
from ..media.sheet import PAPER, contact_sheet
from ..models.weights.manifest import WeightsError
from ..training.loss_network import EXACT, LossNetwork, load_loss_network
from .held_out.measures import Beside, Figures
from .held_out.painters import NETWORKS, TITLES, Painter, Sources, optimised, painter
from .held_out.pairs import GREY, SETS, Task, lanczos, pairs_in, tasks
from .held_out.scene import watched

PUBLISHED, LIMIT = "published", "the limit"
COLUMNS = ("pairs", "painter", "style", "content", "colour", "rainbow", "grid, dB", "chroma")
SHOWN_WITH = 3
"""Columns of the sheet before the painters': content, style, published."""
SHOWN = 256
"""Pixels of a picture's longer side on the sheet."""
WIDTH = 120
"""Characters of a line in a file."""


@dataclass(frozen=True)
class Outcome:
    """One picture of a task, small, and what is measured of it; neither where a painter does not know the style."""

    task: Task
    title: str
    picture: Tensor | None = None
    """[3, h, w]"""
    figures: Figures | None = None


def main(
    published: Annotated[Path, typer.Option(help="A folder of a_content.jpg, a_style.jpg, a_result.jpg, ...")],
    weights: Annotated[
        Path | None, typer.Option(help="A folder of weights, beside those in BRUSHWORK_WEIGHTS.")
    ] = None,
    size: Annotated[int, typer.Option(min=64, help="Pixels of the shorter side of content and style.")] = 384,
    sheet: Annotated[Path | None, typer.Option(help="The picture file to show everything in.")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Methods, of {', '.join(TITLES)}; else all.")] = None,
    file: Annotated[
        list[str] | None, typer.Option(help=f"METHOD=PATH: trained weights for one of {', '.join(NETWORKS)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Steps of optimisation to show the limit by; 0 for none.")] = 0,
) -> None:
    """Paint the published pairs by our methods, and print how far all results are from content and style."""
    console = Console(stderr=True)
    try:
        names, sources = _chosen(only or []), Sources([weights] if weights else [], _files(file or []))
        pairs, broken = pairs_in(published)
        loss_network = load_loss_network(EXACT, sources.folders)
        painters, absent = _painters(names, sources)
    except (OSError, ValueError, WeightsError) as error:
        raise typer.BadParameter(str(error)) from error
    for line in (*broken, *absent):
        console.print(f"left out: {line}", markup=False)
    if limit:
        painters[LIMIT] = optimised(loss_network, limit)
    outcomes = list(measured(list(tasks(pairs, size)), painters, loss_network))
    _print(outcomes, len(pairs), size)
    if sheet:
        blank = torch.full((3, 1, 1), PAPER)
        pictures = [blank if each.picture is None else each.picture for each in outcomes]
        shown = contact_sheet(pictures, [*map(_label, outcomes)], columns=SHOWN_WITH + len(painters), side=SHOWN)
        write_picture(sheet, shown[0].movedim(0, -1))


@torch.no_grad()
def measured(tasks: Sequence[Task], painters: Mapping[str, Painter], loss_network: LossNetwork) -> Iterator[Outcome]:
    """Of each task its content, its style, the published result and everyone's, in this order."""
    for task in watched(tasks, "pairs"):
        beside = Beside(loss_network, task.content, task.style)
        yield Outcome(task, task.name, _small(task.content))
        yield Outcome(task, "style", _small(task.style))
        results = {PUBLISHED: task.published, **{title: paint(task) for title, paint in painters.items()}}
        for title, result in results.items():
            if result is None:
                yield Outcome(task, title)
            else:
                result = lanczos(result, task.content.shape[-2:])
                yield Outcome(task, title, _small(result), beside.figures(result))


def _small(image: Tensor) -> Tensor:
    """A picture [1, 3, H, W] as the sheet shows it [3, h, w]."""
    scale = SHOWN / max(image.shape[-2:])
    return lanczos(image, [max(1, round(length * scale)) for length in image.shape[-2:]])[0]


def _label(outcome: Outcome) -> str:
    """Style and content distance beside a painter's name."""
    if outcome.figures:
        return f"{outcome.title} {outcome.figures.style:.2f} / {outcome.figures.content:.2f}"
    return "" if outcome.picture is None else outcome.title


def _chosen(only: Sequence[str]) -> list[str]:
    """Names of painters, one a word or with commas; all where none is given. ValueError for others."""
    names = [name.strip() for text in only for name in text.split(",")] or list(TITLES)
    if unknown := [name for name in names if name not in TITLES]:
        raise ValueError(f"there is no method {', '.join(unknown)}: choose of {', '.join(TITLES)}")
    return names


def _files(given: Sequence[str]) -> dict[str, Path]:
    """METHOD=PATH by method. ValueError where that is not what is given."""
    split = [text.partition("=") for text in given]
    if wrong := ["".join(parts) for parts in split if parts[0] not in NETWORKS or not parts[2]]:
        raise ValueError(f"{wrong[0]} is no METHOD=PATH: give one of {', '.join(NETWORKS)}, and a file")
    return {method: Path(path) for method, _, path in split}


def _painters(names: Sequence[str], sources: Sources) -> tuple[dict[str, Painter], list[str]]:
    """Painters by title, and a line for each that is not there. WeightsError where a file that was given is no good."""
    painters, absent = {}, []
    for name in names:
        try:
            given = f", {sources.files[name].stem}" if name in sources.files else ""
            painters[TITLES[name] + given] = painter(name, sources)
        except ModuleNotFoundError as error:
            absent.append(f"{TITLES[name]}, which needs {error.name}: pip install {error.name}")
        except WeightsError as error:
            if name in sources.files:
                raise
            absent.append(f"{TITLES[name]}, as {error}")
    return painters, absent


def _print(outcomes: Sequence[Outcome], pairs: int, size: int) -> None:
    table = Table(*COLUMNS, title=f"{pairs} pairs at {size} pixels, means", title_justify="left")
    titles = dict.fromkeys(each.title for each in outcomes)
    for of_set in SETS:
        here = [each for each in outcomes if each.task.of_set == of_set]
        count = len({each.task.name for each in here})
        first = f"{of_set} ({count})"
        for title in titles:
            figures = [each.figures for each in here if each.title == title and each.figures]
            if figures:
                few = f" ({len(figures)})" if len(figures) < count else ""
                means = [fmean(values) for values in zip(*map(astuple, figures), strict=True)]
                shown = [f"{value:.{digits}f}" for value, digits in zip(means, (3, 2, 3, 3, 1, 3), strict=True)]
                if of_set != GREY:  # elsewhere chroma says nothing
                    shown[-1] = ""
                table.add_row(first, title + few, *shown)
                first = ""
        table.add_section()
    console = Console()
    Console(width=None if console.is_terminal else WIDTH).print(table)


if __name__ == "__main__":
    typer.run(main)
