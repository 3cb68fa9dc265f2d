"""A network out of one file: each layout is known by its keys, and one sentence says what is wrong with a file."""

import gzip
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save, save_file
from torch import Tensor

from brushwork.models.networks.vgg import ADAIN_LEVEL, DEPTHS, LEVELS, VGG19, VggNetwork, space_of
from brushwork.models.registry import load_network
from brushwork.models.weights.manifest import WeightsError
from brushwork.models.weights.store import BUILTIN
from brushwork.models.weights.vgg_files import ADAIN_DECODER, load_vgg_file, mean_activations
from brushwork.tests.laws import picture
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close

Tensors = dict[str, Tensor]
NAMES = [f"conv{block}_{index}" for block, depth in enumerate(DEPTHS, 1) for index in range(1, depth + 1)]
MEANS = (103.939, 116.779, 123.68)


def network_to(level: str) -> VggNetwork:
    return enlivened(VggNetwork(VGG19, (), deepest=level))


def layers_to(level: str) -> Tensors:
    return network_to(level).encoder.state_dict()


def bgr(image: Tensor) -> Tensor:
    """What VGG-19 sees of a picture in 0..1."""
    return image.flip(1) * 255 - torch.tensor(MEANS)[:, None, None]


def features(tensors: Tensors, values: Tensor, names: list[str]) -> Tensor:
    """Behind the ReLU of the last of the convolutions, pooled before each first of a block."""
    for name in names:
        values = F.max_pool2d(values, 2, ceil_mode=True) if name in ("conv2_1", "conv3_1") else values
        values = F.pad(values, (1,) * 4, mode="reflect")
        values = F.conv2d(values, tensors[f"{name}.weight"], tensors[f"{name}.bias"]).relu()
    return values


def in_sequence(tensors: Tensors, first: bool) -> Tensors:
    """Under the keys that published encoders have, with the 1x1 convolution or without."""
    start = {"0.weight": torch.eye(3).flip(0)[:, :, None, None] * 255, "0.bias": -torch.tensor(MEANS)} if first else {}
    names = {key.split(".")[0]: None for key in tensors}
    places = {name: 2 + 3 * number for number, name in enumerate(names)}
    return start | {f"{places[key.split('.')[0]]}.{key.split('.')[1]}": value for key, value in tensors.items()}


def adain_file() -> Tensors:
    network = enlivened(VggNetwork(VGG19, (), ADAIN_LEVEL))
    assert network.adain is not None
    names = zip(ADAIN_DECODER, network.adain, strict=True)
    places = {name: f"decoder.{place}" for place, name in names}
    decoder = {f"{places[k.split('.')[0]]}.{k.split('.')[1]}": v for k, v in network.adain.state_dict().items()}
    return {f"encoder.{key}": value for key, value in network.encoder.state_dict().items()} | decoder


@pytest.mark.parametrize("level", LEVELS[:3])
@torch.no_grad()
def test_vgg19_of_imagenet(level: str, tmp_path: Path) -> None:
    """As deep as the file; its features again where each channel is multiplied by the filter's mean."""
    tensors, image = layers_to(level), picture(21, 26)
    save_file(tensors, tmp_path / "vgg.safetensors")
    network = load_vgg_file(tmp_path / "vgg.safetensors")
    assert list(network.spaces) == list(LEVELS[: LEVELS.index(level) + 1])
    names = NAMES[: NAMES.index(f"conv{level[4]}_1") + 1]
    theirs = features(tensors, bgr(image), names)
    ours = network.encode(image, level).values * mean_activations()[names[-1]][:, None, None]
    assert theirs.std() > 1
    assert_close(ours / theirs.std(), theirs / theirs.std())


def test_convolutions_behind_the_deepest_level_are_left_out(tmp_path: Path) -> None:
    tensors = layers_to("relu3_1")
    more = {"conv3_2.weight": torch.ones(256, 256, 3, 3), "conv3_2.bias": torch.ones(256)}
    save_file(tensors | more, tmp_path / "vgg.safetensors")
    assert list(load_vgg_file(tmp_path / "vgg.safetensors").spaces) == list(LEVELS[:3])


def test_every_filter_has_its_mean() -> None:
    means = mean_activations()
    assert list(means) == sorted(NAMES)
    assert all(len(means[name]) == VGG19.widths[int(name[4]) - 1] for name in NAMES)
    assert all((values > 0.4).all() and (values < 2000).all() for values in means.values())


@torch.no_grad()
def test_adain_in_half_precision(tmp_path: Path) -> None:
    tensors = {key: value.half() for key, value in adain_file().items()}
    save_file(tensors, tmp_path / "adain.safetensors")
    network = load_vgg_file(tmp_path / "adain.safetensors")
    assert network.adain is not None and not network.decoder and network.decoders(ADAIN_LEVEL) == ("adain",)
    assert network.dtype == torch.float32
    for name in NAMES[1:9]:
        assert torch.equal(network.encoder[name].weight, tensors[f"encoder.{name}.weight"].float())
    for place, layer in zip(ADAIN_DECODER, network.adain.values(), strict=True):
        assert torch.equal(layer.weight, tensors[f"decoder.{place}.weight"].float())
        assert torch.equal(layer.bias, tensors[f"decoder.{place}.bias"].float())
    image, whole = picture(9, 12), {key.removeprefix("encoder."): value.float() for key, value in tensors.items()}
    theirs = features(whole, bgr(image), ["conv1_1"])
    assert_close(network.encode(image, "relu1_1").values / theirs.std(), theirs / theirs.std())


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("level", LEVELS[:3])
@torch.no_grad()
def test_published_encoders(level: str, first: bool, tmp_path: Path) -> None:
    tensors, image = layers_to(level), picture(21, 26)
    torch.save(in_sequence(tensors, first), tmp_path / "vgg.pth")
    network = load_vgg_file(tmp_path / "vgg.pth")
    assert list(network.spaces) == list(LEVELS[: LEVELS.index(level) + 1])
    theirs = features(tensors, bgr(image) if first else image, NAMES[: NAMES.index(f"conv{level[4]}_1") + 1])
    assert_close(network.encode(image, level).values / theirs.std(), theirs / theirs.std())


@pytest.mark.parametrize("name", ["compact", "compact-adain"])
@pytest.mark.parametrize("packed", [False, True])
def test_our_own_file(packed: bool, name: str, tmp_path: Path) -> None:
    content = (BUILTIN / f"{name}.safetensors").read_bytes()
    path = tmp_path / f"ours.safetensors{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    ours, theirs = load_vgg_file(path).state_dict(), load_network(name).state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_packed_checkpoint(tmp_path: Path) -> None:
    torch.save(in_sequence(layers_to("relu1_1"), True), tmp_path / "vgg.pth")
    (tmp_path / "packed.pth.gz").write_bytes(gzip.compress((tmp_path / "vgg.pth").read_bytes()))
    ours, theirs = (load_vgg_file(tmp_path / name).state_dict() for name in ("packed.pth.gz", "vgg.pth"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", ["vgg.safetensors", "vgg.model"])
def test_the_loader_of_networks_takes_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a file's ending, or because a file lies there; the manifest's own names come first."""
    tensors = layers_to("relu1_1")
    save_file(tensors, tmp_path / name) if name.endswith("rs") else torch.save(tensors, tmp_path / name)
    (tmp_path / "compact").write_text("no network")
    monkeypatch.chdir(tmp_path)
    with torch.inference_mode():
        network = load_network(name)
    assert list(network.spaces) == ["relu1_1"] and not network.training
    assert not any(p.requires_grad or p.is_inference() for p in network.parameters())
    assert network.space("relu1_1") == space_of(VGG19, "relu1_1")
    assert list(load_network(str(tmp_path / name), dtype=torch.float16).spaces) == ["relu1_1"]
    assert set(load_network("compact").spaces) == set(LEVELS)


def test_an_encoder_alone_decodes_nothing(tmp_path: Path) -> None:
    save_file(layers_to("relu2_1"), tmp_path / "vgg.safetensors")
    network = load_vgg_file(tmp_path / "vgg.safetensors")
    with pytest.raises(ValueError, match="no reconstruction decoder at relu2_1: it only encodes, choose another"):
        network.decode(network.encode(picture(9, 9), "relu2_1"))


def without(tensors: Tensors, *keys: str) -> Tensors:
    return {key: value for key, value in tensors.items() if key not in keys}


def refused(tensors: Tensors, folder: Path, name: str = "file.safetensors") -> str:
    """The one sentence that is said of a file of those tensors."""
    (folder / name).write_bytes(save({key: value.contiguous() for key, value in tensors.items()}))
    with pytest.raises(WeightsError) as error:
        load_network(str(folder / name))
    message = str(error.value)
    assert message.startswith(str(folder / name)) and message.endswith(".") and "\n" not in message
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    for name in ("none.safetensors", "none.pth", "none.safetensors.gz"):
        with pytest.raises(WeightsError, match="is not there: give the path of a file of VGG-19, or the name of a"):
            load_network(str(tmp_path / name))


@pytest.mark.parametrize("name", ["file.safetensors", "file.pth", "file.safetensors.gz", "file.pth.gz"])
def test_a_file_of_something_else(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("404: Not Found")
    with pytest.raises(WeightsError, match="cannot be opened as .* weights .*: delete it and get it anew"):
        load_network(str(tmp_path / name))


def test_no_tensors(tmp_path: Path) -> None:
    assert "holds no named tensors" in refused({}, tmp_path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"ins.weight": torch.ones(3)},
        {"0.weight": torch.ones(3, 64, 3, 3), "0.bias": torch.ones(3)},
        {"0.weight": torch.ones(3), "0.bias": torch.ones(3)},
        {"encoder.0.weight": torch.ones(3)},
    ],
    ids=["another network", "a published decoder", "vectors", "another encoder"],
)
def test_keys_of_no_known_layout(tensors: Tensors, tmp_path: Path) -> None:
    message = refused(tensors, tmp_path)
    for known in ("compact.safetensors", "encoder.conv1_1.weight", "conv1_1.weight and so on", "0.weight, 2.weight"):
        assert known in message


def test_the_first_missing_key_is_named(tmp_path: Path) -> None:
    plain = layers_to("relu2_1")
    assert "but lacks conv1_2.weight: get the whole file" in refused(without(plain, "conv1_2.weight"), tmp_path)
    assert "but lacks conv1_1.bias:" in refused(without(plain, "conv2_1.weight", "conv1_1.bias"), tmp_path)
    assert "but lacks 5.bias:" in refused(without(in_sequence(plain, True), "5.bias"), tmp_path)
    adain = adain_file()
    assert "but lacks encoder.conv3_4.bias:" in refused(without(adain, "encoder.conv3_4.bias"), tmp_path)
    assert "but lacks decoder.5.weight:" in refused(without(adain, "decoder.5.weight", "decoder.28.bias"), tmp_path)
    own = load_network("compact").state_dict()
    assert "but lacks heads.relu2_1.bias:" in refused(without(own, "heads.relu2_1.bias"), tmp_path)


def test_other_shapes(tmp_path: Path) -> None:
    plain = layers_to("relu3_1")
    other = {"conv2_1.weight": torch.ones(128, 32, 3, 3)}
    for tensors in (
        plain | other,
        in_sequence(plain | other, True),
        without(in_sequence(plain, True), "5.weight", "5.bias"),
    ):
        assert "but other shapes: get the published file" in refused(tensors, tmp_path)
    first = {"0.weight": torch.ones(3, 3, 1, 1), "0.bias": torch.ones(3)}
    assert "but other shapes" in refused(first, tmp_path)
    own = load_network("compact").state_dict()
    assert "but other shapes" in refused(own | {"heads.relu2_1.bias": torch.ones(3)}, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number(value: float, tmp_path: Path) -> None:
    tensors = layers_to("relu1_1")
    tensors["conv1_1.weight"][3, 1, 0, 0] = value
    assert "has values in conv1_1.weight that are no numbers: get the file anew" in refused(tensors, tmp_path)
