"""`python -m brushwork.benchmarks.quality`: how good the built-in networks are on photos kept from training."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..media.images import pictures_in
from ..models.networks.msgnet import MsgNet
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import VggNetwork
from ..models.registry import load_network
from ..models.weights.manifest import WeightsError
from ..training.loss_network import load_loss_network
from .held_out.figures import Line, bank_lines, msgnet_lines, vgg_lines
from .held_out.scene import Scene, named_paintings
from .held_out.sheets import write_sheets

NETWORKS = ("compact", "stylebank", "msgnet")
YARDSTICK = "small16x"
COLUMNS = ("network", "figure", "value", YARDSTICK, "asked", "")
WIDTH = 120
"""Characters of a line in a file."""


def main(
    photos: Annotated[Path, typer.Option(help="A folder of photographs; the last by name are looked at.")],
    styles: Annotated[Path, typer.Option(help="The paintings trained with: `starry_night.jpg` for `starry night`.")],
    unseen: Annotated[Path | None, typer.Option(help="Paintings not trained with, for msgnet.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Photos to look at.")] = 100,
    bank_photos: Annotated[int, typer.Option(min=1, help="Photos of these for every style of bank and msgnet.")] = 25,
    size: Annotated[int, typer.Option(min=16, help="Pixels of a photo's shorter side.")] = 256,
    painting_size: Annotated[int, typer.Option(min=16, help="Pixels of a painting's shorter side.")] = 512,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Networks of the manifest; else {', '.join(NETWORKS)}.")
    ] = None,
    loss_network: Annotated[str, typer.Option(help="The one that looks: teachers, compact, a file ...")] = "teachers",
    sheets: Annotated[Path | None, typer.Option(help="A folder for contact sheets.")] = None,
) -> None:
    """Measure networks on held-out photos, and print what is asked beside what they reach."""
    try:
        paintings, others = named_paintings(styles), named_paintings(unseen) if unseen else {}
        held_out = pictures_in(photos)[-count:]
        scene = Scene(load_loss_network(loss_network), held_out, paintings, others, size, painting_size, bank_photos)
    except (OSError, ValueError, WeightsError) as error:
        raise typer.BadParameter(str(error)) from error
    few = min(scene.few, len(scene.photos))
    title = (
        f"{len(scene.photos)} photos at {scene.size} pixels ({few} of them for every style of bank and msgnet), "
        f"{len(scene.everything)} paintings at {scene.painting_size}, seen by {loss_network}"
    )
    table = Table(*COLUMNS, title=title)
    for name in only or NETWORKS:
        for line in measured(name, scene, sheets):
            table.add_row(*map(escape, line.cells))
        table.add_section()
    console = Console()
    Console(width=None if console.is_terminal else WIDTH).print(table)


@torch.inference_mode()
def measured(name: str, scene: Scene, sheets: Path | None) -> list[Line]:
    """The table's lines of one network, and its sheets where they are wanted."""
    lines: Iterable[Line] = ()
    try:
        network = load_network(name)
        if isinstance(network, VggNetwork):
            yardstick = network if name == YARDSTICK else load_network(YARDSTICK)
            assert isinstance(yardstick, VggNetwork)  # the manifest says so
            lines = vgg_lines(name, network, yardstick, scene)
        elif isinstance(network, StyleBankNetwork):
            lines = bank_lines(name, network, scene)
        elif isinstance(network, MsgNet):
            lines = msgnet_lines(name, network, scene)
    except WeightsError as error:
        return [Line(name, f"is not measured: {error}")]
    lines = list(lines)
    if sheets:
        write_sheets(sheets, name, network, scene)
    return lines


if __name__ == "__main__":
    typer.run(main)
