"""`brushwork sheet`: one picture in every style of a bank, or by every method, side by side."""

from pathlib import Path
from typing import Annotated

from torch import Tensor
from typer import Argument, Option

from ..media.images import check_folder, check_suffix, load_picture, on_paper, write_picture
from ..media.sheet import PAPER, contact_sheet
from ..methods import METHODS
from ..methods.stylebank import bank_of
from ..transfer.resize import to_longer_side
from .contents import file_of
from .order import Stylization
from .painter import Painter
from .progress import shown_progress

BANK = "stylebank"


def sheet(
    content: Annotated[str, Argument(help="The picture to stylize, or a sample's name.")],
    output: Annotated[Path, Option("--output", "-o", help="The sheet to write.")],
    style: Annotated[
        str | None,
        Option("--style", "-s", help="A style picture or a sample's name: paint by every method; else in every style."),
    ] = None,
    style_name: Annotated[
        str | None, Option(help="The bank's style that goes beside --style; its first unless given.")
    ] = None,
    network: Annotated[str, Option(help="A StyleBank that `weights list` shows.")] = METHODS[BANK].network,
    side: Annotated[int, Option(help="The longer side of each picture on the sheet.", min=32, max=2048)] = 320,
    columns: Annotated[int, Option(help="Pictures in a row; 0: about square.", min=0)] = 0,
    max_size: Annotated[int, Option(help="Shrink the content to this longer side before it is painted.", min=1)] = 512,
) -> list[Path]:
    """Show a picture in all styles of a StyleBank, or in the style of --style by all methods, on a labelled sheet."""
    check_suffix(output.suffix)
    check_folder(output.parent)
    if output.resolve() in {file_of(each).resolve() for each in (content, style) if each}:
        raise ValueError(f"the output {output} would replace a picture that it is made from: choose another name")
    picture = load_picture(file_of(content))
    shown = {"content": _seen(picture.image[0], None if picture.alpha is None else picture.alpha[0], side)}
    if style is not None:
        own = load_picture(file_of(style))
        shown["style"] = _seen(own.image[0], None if own.alpha is None else own.alpha[0], side)

    def painter(method: str, ready: Painter | None = None, name: str | None = None) -> Painter:
        bank, names = method == BANK, [name] if name else None
        return Painter(
            Stylization(
                content=content,
                output=output,
                method=method,
                network=network if bank else None,
                style=None if bank or style is None else [style],
                style_name=names if bank else None,
                max_size=max_size,
            ),
            ready=ready,
        )

    with shown_progress() as progress:
        bank = painter(BANK, name=style_name)
        names = bank_of(bank.network).styles
        if style is None:
            painters = {name: painter(BANK, bank, name) for name in ([style_name] if style_name else names)}
        else:
            painters = {method: painter(method) for method in METHODS if method != BANK}
            painters[f"{BANK}: {style_name or names[0]}"] = bank
        for number, (label, each) in enumerate(painters.items()):

            def tell(done: int, total: int, number: int = number, label: str = label) -> None:
                progress(number + done / max(total, 1), len(painters), label)

            shown[label] = _seen(*each.picture(picture, tell), side)
    whole = contact_sheet([*shown.values()], [*shown], columns, side)
    write_picture(output, whole[0].movedim(0, -1))
    return [output]


def _seen(image: Tensor, alpha: Tensor | None, side: int) -> Tensor:
    """[3, h, w] for an image [H, W, 3]: on the sheet's paper, and no larger than there."""
    return to_longer_side(on_paper(image, alpha, PAPER).movedim(-1, 0)[None], side, shrink=True)[0]
