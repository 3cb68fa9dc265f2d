"""`brushwork demo`: the sample photographs in the style of sample paintings by the four systems, and a sheet of all."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from torch import Tensor
from typer import Argument

from ..media.images import load_picture, write_picture
from ..media.sheet import contact_sheet
from ..samples import sample_path
from .order import Stylization
from .painter import Painter
from .progress import shown_progress

SYSTEMS = {"adain": "AdaIN", "wct": "WCT", "msgnet": "MSG-Net", "stylebank": "StyleBank"}
"""Method and name of each."""
PAIRS = {
    "astronaut": "van_gogh_self_portrait",
    "chelsea": "kandinsky_small_worlds",
    "coffee": "klimt_adele_bloch_bauer",
    "rocket": "hokusai_red_fuji",
}
"""Photographs, each with a painting, which the bank knows by the same name."""
SHEET, SIDE = "contact_sheet.png", 256


def demo(output: Annotated[Path, Argument(help="The folder for the pictures.")]) -> list[Path]:
    """Paint the sample photographs with AdaIN, WCT, MSG-Net and StyleBank; name the pictures, a sheet of all first."""
    painted: list[Path] = []
    ready: dict[str, Painter] = {}
    shown: list[Tensor] = []
    with shown_progress() as progress:
        for photo, style in PAIRS.items():
            content = load_picture(sample_path(photo))
            row = [content.image[0], load_picture(sample_path(style)).image[0]]
            for method, system in SYSTEMS.items():
                progress(len(painted), len(PAIRS) * len(SYSTEMS), f"{photo} by {system}")
                file = output / f"{photo}_{method}.png"
                order = Stylization(content=photo, output=file, method=method, style=[style])
                if method == "stylebank":
                    order = replace(order, style=None, style_name=[style.replace("_", " ")])
                ready[method] = Painter(order, ready=ready.get(method))
                image, _ = ready[method].picture(content, lambda done, total: None)
                write_picture(file, image)
                painted.append(file)
                row.append(image)
            for image in row:
                side = min(image.shape[:2])
                top, left = ((length - side) // 2 for length in image.shape[:2])
                shown.append(image[top : top + side, left : left + side].movedim(-1, 0))
    labels = ["photograph", "painting", *SYSTEMS.values()] * len(PAIRS)
    sheet = contact_sheet(shown, labels, 2 + len(SYSTEMS), SIDE)
    write_picture(output / SHEET, sheet[0].movedim(0, -1))
    return [output / SHEET, *painted]
