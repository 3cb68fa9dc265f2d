"""Contact sheets: what no figure says."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...media.images import write_picture
from ...media.sheet import PAPER, contact_sheet
from ...methods import METHODS
from ...models.networks.base import StyleNetwork
from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import StyleBankNetwork
from ...models.networks.vgg import VggNetwork
from ..cases import ours
from ..plain import Paint
from .figures import BY_ADAIN, BY_WCT, vgg_methods
from .scene import Scene, some

PHOTOS, STYLES = 4, 8


def write_sheets(folder: Path, name: str, network: StyleNetwork, scene: Scene) -> None:
    """The sheets of one network as PNG files, named after it."""
    for title, sheet in _sheets(network, scene):
        write_picture(folder / f"{name}{title}.png", sheet[0].movedim(0, -1))


def _sheets(network: StyleNetwork, scene: Scene) -> Iterator[tuple[str, Tensor]]:
    """Sheets [1, 3, H, W] and what is added to the network's name."""
    styles = some(list(scene.paintings), STYLES)
    if isinstance(network, VggNetwork):
        methods = vgg_methods(network)
        for title, method in (("-adain", BY_ADAIN), ("-wct", BY_WCT)):
            if method in methods:
                yield title, painted({style: methods[method](scene.painting(style)) for style in styles}, scene)
    elif isinstance(network, StyleBankNetwork):
        learn = ours(network, METHODS["stylebank"])
        known = [style for style in network.styles if style in scene.paintings]
        yield "", painted({style: learn(style) for style in some(known, STYLES)}, scene)
    elif isinstance(network, MsgNet):
        learn = ours(network, METHODS["msgnet"])
        yield "", painted({style: learn(scene.painting(style)) for style in styles}, scene)
        yield "-brush-size", brushes(network, scene)


def painted(painters: Mapping[str, Paint], scene: Scene) -> Tensor:
    """Paintings in the first row, photos in the first column, results between them."""
    cells = [torch.full((3, 1, 1), PAPER), *(scene.painting(style)[0] for style in painters)]
    for path in some(scene.photos, PHOTOS):
        photo = scene.photo(path)
        cells += [photo[0], *(paint(photo)[0] for paint in painters.values())]
    return contact_sheet(cells, ("", *painters), columns=len(painters) + 1)


def brushes(network: MsgNet, scene: Scene) -> Tensor:
    """A photo, a painting, and the results with the painting at every size, row by row."""
    cells, learn = [], ours(network, METHODS["msgnet"])
    for path, style in zip(some(scene.photos, PHOTOS), some(list(scene.paintings), PHOTOS), strict=False):
        photo = scene.photo(path)
        painters = [learn(scene.painting(style, size)) for size in scene.brushes]
        cells += [photo[0], scene.painting(style)[0], *(paint(photo)[0] for paint in painters)]
    labels = ("photo", "painting", *(f"painting at {size}" for size in scene.brushes))
    return contact_sheet(cells, labels, columns=len(labels))
