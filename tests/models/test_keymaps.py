"""Published checkpoints: a file written in the published layout gives the published network's pictures."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import LEVELS, VggDecoder, VggEncoder
from brushwork.models.weights.keymaps import KEYMAPS
from brushwork.models.weights.store import read_tensors
from brushwork.tests.laws import picture
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close

WIDTHS = (4, 6, 8, 8, 8)
DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions of the blocks of the whole published encoder, which goes on to relu5_4."""


def filled(module: nn.Module, keymap: str, path: Path) -> nn.Module:
    """`module` with the tensors of a published file, as the registry fills it."""
    module.load_state_dict(KEYMAPS[keymap](read_tensors(path, "torch"), module))
    return module.eval()


def saved(content: object, folder: Path) -> Path:
    torch.save(content, folder / "published.pth")
    return folder / "published.pth"


def conv(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]


def first() -> nn.Conv2d:
    """RGB in 0..1 to BGR in 0..255 less the means."""
    layer = nn.Conv2d(3, 3, 1)
    layer.weight.data = torch.eye(3).flip(0)[:, :, None, None] * 255
    layer.bias.data = -torch.tensor([103.939, 116.779, 123.68])
    return layer


def published_encoder(with_first: bool) -> tuple[nn.Sequential, dict[str, int]]:
    """The whole sequence, and how many of its modules lead to each level."""
    layers: list[nn.Module] = [first()] if with_first else []
    channels, ends = 3, {}
    for level, width, depth in zip(LEVELS, WIDTHS, DEPTHS, strict=True):
        layers += [nn.MaxPool2d(2, 2, ceil_mode=True)] if channels != 3 else []
        for index in range(depth):
            layers += conv(channels, width)
            channels = width
            if index == 0:
                ends[level] = len(layers)
    network = enlivened(nn.Sequential(*layers))
    if with_first:
        network[0] = first()
        network[2].weight.data /= 255
    return network, ends


def published_decoder(level: str) -> nn.Sequential:
    blocks = LEVELS.index(level) + 1
    layers: list[nn.Module] = []
    for block in range(blocks, 0, -1):
        below = WIDTHS[block - 2] if block > 1 else 3
        if block < blocks:
            layers += [nn.Upsample(scale_factor=2, mode="nearest")]
            for _ in range(DEPTHS[block - 1] - 1):
                layers += conv(WIDTHS[block - 1], WIDTHS[block - 1])
        layers += conv(WIDTHS[block - 1], below)
    return enlivened(nn.Sequential(*layers[:-1]))


@pytest.mark.parametrize("with_first", [False, True])
@pytest.mark.parametrize("level", LEVELS)
@torch.no_grad()
def test_sequential_encoder(level: str, with_first: bool, tmp_path: Path) -> None:
    """A file of the whole encoder fills ours to any level; the first convolution is folded into the next."""
    theirs, ends = published_encoder(with_first)
    number = LEVELS.index(level) + 1
    ours = filled(VggEncoder(WIDTHS[:number]), "sequential", saved(theirs.state_dict(), tmp_path))
    image = picture(35, 41, batch=2)
    maps = ours(image, LEVELS[:number])
    for tapped in LEVELS[:number]:
        assert_close(maps[tapped], theirs[: ends[tapped]](image))
        assert maps[tapped].std() > 0.01


def test_tensors_of_the_first_31_modules_are_where_the_papers_say() -> None:
    theirs, ends = published_encoder(with_first=True)
    assert list(ends.values()) == [4, 11, 18, 31, 44]
    assert [index for index, layer in enumerate(published_decoder("relu4_1")) if isinstance(layer, nn.Conv2d)] == [
        *(1, 5, 8, 11, 14, 18, 21, 25, 28)
    ]
    assert len(theirs) == 53


@pytest.mark.parametrize("level", LEVELS)
@torch.no_grad()
def test_sequential_decoder(level: str, tmp_path: Path) -> None:
    theirs, number = published_decoder(level), LEVELS.index(level) + 1
    ours = filled(VggDecoder(WIDTHS[:number]), "sequential", saved(theirs.state_dict(), tmp_path))
    values = torch.rand(2, WIDTHS[number - 1], 3, 4)
    assert_close(ours(values), theirs(values))


class Distilled(nn.Module):
    """The encoder or decoder of Collaborative-Distillation at one level, with heads that only served training."""

    def __init__(self, level: str, decoder: bool) -> None:
        super().__init__()
        self.decoder, blocks = decoder, LEVELS.index(level) + 1
        names = [f"{b}{i}" for b in range(1, blocks + 1) for i in range(1, 2 if b == blocks else DEPTHS[b - 1] + 1)]
        self.order = names[::-1] if decoder else names
        for name in names:
            width, below = WIDTHS[int(name[0]) - 1], (3, *WIDTHS)[int(name[0]) - 1]
            inputs, outputs = (below if name[1] == "1" else width), width
            self.add_module(f"conv{name}", nn.Conv2d(*((outputs, inputs) if decoder else (inputs, outputs)), 3))
            if not decoder and name[1] == "1":
                self.add_module(f"conv{name}_aux", nn.Conv2d(width, 64, 1))
        enlivened(self)
        if not decoder:
            self.conv0 = nn.Conv2d(3, 3, 1)

    def forward(self, values: Tensor) -> Tensor:
        values = values if self.decoder else self.conv0(values)
        for position, name in enumerate(self.order):
            if not self.decoder and name[1] == "1" and position:
                values = F.max_pool2d(values, 2)
            if self.decoder and position and name[0] != self.order[position - 1][0]:
                values = F.interpolate(values, scale_factor=2, mode="nearest")
            values = self.get_submodule(f"conv{name}")(F.pad(values, (1,) * 4, mode="reflect")).relu()
        return values


@pytest.mark.parametrize("level", LEVELS)
@torch.no_grad()
def test_collaborative_distillation(level: str, tmp_path: Path) -> None:
    """A checkpoint with the tensors under 'model'; projections dropped, decoders that end in a ReLU."""
    number = LEVELS.index(level) + 1
    theirs, image = Distilled(level, decoder=False), picture(32, 48)
    path = saved({"epoch": 20, "model": OrderedDict(theirs.state_dict())}, tmp_path)
    ours = filled(VggEncoder(WIDTHS[:number]), "collaborative-distillation", path)
    assert any(name.endswith("_aux.weight") for name in theirs.state_dict())
    assert_close(ours(image, (level,))[level], theirs(image))
    assert theirs(image).std() > 0.01

    theirs, values = Distilled(level, decoder=True), torch.rand(1, WIDTHS[number - 1], 3, 4)
    path = saved({"epoch": 20, "model": OrderedDict(theirs.state_dict())}, tmp_path)
    ours = filled(VggDecoder(WIDTHS[:number], final_relu=True), "collaborative-distillation", path)
    assert_close(ours(values), theirs(values))


def msgnet_file(network: MsgNet) -> dict[str, Tensor]:
    """What the authors' code writes: encoder and CoMatch under two names each, and old torch's running statistics."""
    tensors: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        tensors |= dict.fromkeys(msgnet_names(name), value[None] if name == "comatch" else value)
    for name in ("model1.1", "model1.3.conv_block.0", "model.0.1", "model.10", "model.2.conv_block.3"):
        tensors |= {f"{name}.running_mean": torch.zeros(4), f"{name}.running_var": torch.ones(4)}
    return tensors


def msgnet_names(name: str) -> Iterator[str]:
    if name == "comatch":
        return iter(("ins.weight", "model.1.weight"))
    room, position, *rest = name.split(".")
    start = {"encoder": 0, "body": 2, "decoder": 8}[room]
    up = room == "decoder"
    layer = {"branch": "conv_block", "shortcut": "residual_layer"}.get(rest[0], "")
    if layer == "conv_block":  # only the middle one of three brings its own padding
        place = f"{layer}.{rest[1]}.conv2d" if rest[1] == "5" else f"{layer}.{rest[1]}"
    else:
        place = f"{layer}.conv2d" if layer and up else layer or "conv2d"
    path = f"{start + int(position)}.{place}.{name.split('.')[-1]}"
    return iter((f"model1.{path}", f"model.0.{path}") if room == "encoder" else (f"model.{path}",))


@torch.no_grad()
def test_msgnet(tmp_path: Path) -> None:
    original, image = enlivened(MsgNet(4)).eval(), picture(21, 26)
    tensors = msgnet_file(original)
    assert {"model1.0.conv2d.weight", "model.8.residual_layer.conv2d.bias", "model.12.conv2d.weight"} <= set(tensors)
    loaded = filled(MsgNet(4), "msgnet", saved(tensors, tmp_path))
    assert isinstance(loaded, MsgNet)
    assert torch.equal(loaded.comatch, original.comatch)
    features = original.encode(image, "comatch")
    assert torch.equal(loaded.encode(image, "comatch").values, features.values)
    assert torch.equal(loaded.decode(features), original.decode(features))


@torch.no_grad()
def test_stylebank(tmp_path: Path) -> None:
    """Encoder, decoder and each style's kernel in a file of their own."""
    original, loaded = (StyleBankNetwork(("waves", "leaves"), (4, 6, 8)).eval() for _ in range(2))
    for part in ("encoder", "decoder"):
        state = original.get_submodule(part).state_dict()
        tensors = {key.replace(".", ".conv2d."): value for key, value in state.items()}
        assert "6.conv2d.weight" in tensors
        filled(loaded.get_submodule(part), "stylebank-ichunyeh", saved(tensors, tmp_path))
    for number, style in enumerate(original.styles):
        weight, bias = original.kernel(style)
        path = saved({"0.conv2d.weight": weight, "0.conv2d.bias": bias}, tmp_path)
        filled(loaded.get_submodule(f"bank.{number}"), "stylebank-ichunyeh", path)
        assert all(torch.equal(*pair) for pair in zip(loaded.kernel(style), (weight, bias), strict=True))
    features = original.encode(picture(21, 26), "bank")
    assert torch.equal(loaded.encode(picture(21, 26), "bank").values, features.values)
    assert torch.equal(loaded.decode(features), original.decode(features))


def test_our_own_files(tmp_path: Path) -> None:
    original, loaded = MsgNet(4), MsgNet(4)
    filled(loaded, "brushwork", saved(original.state_dict(), tmp_path))
    assert all(torch.equal(*pair) for pair in zip(original.parameters(), loaded.parameters(), strict=True))
