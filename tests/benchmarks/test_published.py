"""Beside published results: every measure in closed form on small pictures, and what is said where something lacks."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from typer import BadParameter

from brushwork.benchmarks.cases import ours
from brushwork.benchmarks.held_out.measures import (
    EXACT_LEVELS,
    Beside,
    chroma,
    fringes,
    grid,
    luminance,
    normalised,
    quantiles,
    style_error,
)
from brushwork.benchmarks.held_out.painters import Painter, Sources, network_of_file, optimised, painter
from brushwork.benchmarks.held_out.pairs import KNOWN, REST, Task, lanczos, pairs_in, shorter_side
from brushwork.benchmarks.published import main, measured
from brushwork.media.images import write_picture
from brushwork.methods import METHODS
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import COMPACT, VggDecoder, VggNetwork
from brushwork.models.registry import load_network
from brushwork.models.weights.manifest import WeightsError, read_manifest
from brushwork.tests.laws import features, picture
from brushwork.tests.models.small import TINY
from brushwork.tests.tolerances import assert_close
from brushwork.training.loss_network import LossNetwork
from brushwork.transfer.moments import Moments


@pytest.fixture
def loss_network() -> LossNetwork:
    return LossNetwork(VggNetwork(TINY, EXACT_LEVELS).eval().requires_grad_(False))


def test_a_result_that_is_content_and_style_is_at_no_distance(loss_network: LossNetwork) -> None:
    image = picture(64, 72)
    figures = Beside(loss_network, image, image).figures(image)
    assert figures.style == figures.content == figures.colour == figures.rainbow == 0


def test_features_twice_as_large_have_grams_four_times_as_large() -> None:
    values = features((1, 4, 6, 7))
    once, twice = (Moments.of(each, full=True) for each in (values, 2 * values))
    assert_close(torch.tensor(style_error({"a": twice, "b": once}, {"a": once, "b": once})), torch.tensor(1.5))


def test_the_content_distance_knows_neither_scale_nor_mean_and_is_2_for_unrelated_features() -> None:
    values, other = torch.randn(2, 1, 8, 60, 60, generator=torch.Generator().manual_seed(0))
    deviations = values.std((2, 3), keepdim=True)
    assert_close((2 * normalised(3 * values + 1)).square(), (2 * normalised(values)).square(), torch.float16)
    assert_close(normalised(values).std((2, 3), keepdim=True), deviations / (deviations + 1e-3))
    assert abs(float((normalised(values) - normalised(other)).square().mean()) - 2) < 0.05


def test_a_constant_shift_is_the_colour_distance_of_its_projections() -> None:
    image, shift = picture(20, 30), torch.tensor([0.1, -0.2, 0.05])
    other = quantiles(image + shift[:, None, None])
    moved = quantiles(shift.view(1, 3, 1, 1))[:, :1]
    assert_close(other, quantiles(image) + moved)
    assert 0.2 * 0.3 < float((other - quantiles(image)).abs().mean()) < float(shift.norm())


def test_colours_know_no_place() -> None:
    assert_close(quantiles(picture(20, 30).flip(3)), quantiles(picture(20, 30)))


def test_a_grey_picture_has_no_fringes_and_no_chroma() -> None:
    grey = luminance(picture(64, 64)).expand(1, 3, 64, 64)
    assert fringes(grey) < 1e-4 and chroma(grey) < 1e-5


def test_two_colours_with_an_edge_between_them_have_no_fringes_but_a_line_of_a_third_on_it_has() -> None:
    step = torch.zeros(1, 3, 40, 40)
    step[..., :20], step[..., 20:] = (torch.tensor(each).view(3, 1, 1) for each in ([0.8, 0.3, 0.2], [0.1, 0.2, 0.4]))
    fringed = step.clone()
    fringed[..., 19:21] = torch.tensor([0.2, 0.9, 0.2]).view(3, 1, 1)
    assert fringes(step) < 1e-6 < 0.1 < fringes(fringed)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_stands_out_of_noise(period: int) -> None:
    noise = 0.5 + 0.1 * (picture(96, 128) - 0.5)
    lines = noise.clone()
    lines[..., ::period] += 0.1
    assert grid(noise) < 1.5 and grid(lines) > grid(noise) + 1


def test_a_grid_of_another_period_and_a_flat_picture_are_none() -> None:
    noise = 0.5 + 0.1 * (picture(96, 120) - 0.5)
    noise[..., ::5] += 0.1
    assert grid(noise) < 1.5 and grid(torch.full((1, 3, 64, 64), 0.5)) == 0


def test_chroma_is_the_largest_channel_less_the_smallest() -> None:
    assert_close(torch.tensor(chroma(torch.tensor([0.7, 0.1, 0.4]).view(1, 3, 1, 1))), torch.tensor(0.6))


def folder_of(place: Path, *names: str) -> Path:
    for name in names:
        write_picture(place / f"{name}.png", picture(70, 80)[0].movedim(0, -1))
    return place


def test_pairs_are_found_by_name_and_what_is_not_whole_is_a_line(tmp_path: Path) -> None:
    whole = [f"{name}_{part}" for name in ("msgnet_udnie", "x_y") for part in ("content", "style", "result")]
    pairs, lines = pairs_in(folder_of(tmp_path, *whole, "wct_1_content", "readme"))
    assert [(pair.name, pair.of_set) for pair in pairs] == [("msgnet_udnie", KNOWN), ("x_y", REST)]
    assert lines[0] == "wct_1, which has no style and no result"
    assert lines[1:] == ["AdaIN's pairs, as none is there", "WCT's pairs, as none is there"]


@pytest.mark.parametrize("place", ["nowhere", "empty", "bare"])
def test_a_missing_folder_is_one_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    folder_of(tmp_path / "bare", "a")
    with pytest.raises(BadParameter, match=place) as caught:
        main(published=tmp_path / place)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("options", "said"),
    [({"only": ["adain,adam"]}, "no method adam"), ({"file": ["adam=x"]}, "METHOD=PATH"), ({"file": ["wct"]}, "wct")],
)
def test_wrong_options_are_one_sentence(tmp_path: Path, options: dict[str, list[str]], said: str) -> None:
    folder_of(tmp_path, "a_content", "a_style", "a_result")
    with pytest.raises(BadParameter, match=said):
        main(published=tmp_path, **options)


def test_pictures_are_scaled_by_their_shorter_side_and_stay_where_they_have_the_size() -> None:
    image = picture(30, 45)
    assert shorter_side(image, 60).shape == (1, 3, 60, 90)
    assert lanczos(image, (30, 45)) is image
    assert_close(lanczos(torch.full((1, 3, 8, 8), 0.2), (5, 9)), torch.full((1, 3, 5, 9), 0.2))


def test_everyone_paints_every_task_in_the_contents_size(loss_network: LossNetwork) -> None:
    content, style = picture(64, 80), picture(70, 64, seed=1)
    task = Task("adain_a", KNOWN, content, style, style[..., :64, :64])
    painters: dict[str, Painter] = {"squeeze": lambda task: task.style, "nobody": lambda task: None}
    outcomes = list(
        measured([Task(task.name, KNOWN, content, style, content), task.without_colour()], painters, loss_network)
    )
    assert [each.title for each in outcomes[:5]] == ["adain_a", "style", "published", "squeeze", "nobody"]
    assert outcomes[2].figures and outcomes[2].figures.content == 0
    assert outcomes[4].figures is None and outcomes[4].picture is None and outcomes[7].picture is None
    assert outcomes[8].figures and outcomes[8].figures.chroma < 0.01  # the squeezed style is grey


def test_the_limit_comes_nearer(loss_network: LossNetwork) -> None:
    task = Task("adain_a", KNOWN, picture(64, 64), 0.5 + 0.5 * picture(64, 64, seed=1))
    result = optimised(loss_network, 5)(task)
    assert result is not None
    beside = Beside(loss_network, task.content, task.style)
    assert beside.figures(result).style < beside.figures(task.content).style


def test_files_of_every_layout_are_known_by_their_keys(tmp_path: Path) -> None:
    styles = read_manifest().network("stylebank").styles
    for method, network in (
        ("msgnet", MsgNet(8)),
        ("msgnet", MsgNet(backbone=COMPACT)),
        ("stylebank", StyleBankNetwork(styles, (4, 6, 8))),
        ("stylebank", StyleBankNetwork(styles, backbone=COMPACT)),
        ("adain", load_network("compact")),
    ):
        save_file(
            {key: value.contiguous() for key, value in network.state_dict().items()}, tmp_path / "net.safetensors"
        )
        read = network_of_file(method, tmp_path / "net.safetensors")
        assert {key: value.shape for key, value in read.state_dict().items()} == {
            key: value.shape for key, value in network.state_dict().items()
        }


@pytest.mark.parametrize(("name", "inputs"), [("compact", None), ("compact-adain", 656)])
def test_adains_decoder_alone_replaces_the_built_in_one(tmp_path: Path, name: str, inputs: int | None) -> None:
    decoder = VggDecoder(COMPACT.stage("relu4_1"), inputs=inputs)
    save_file(decoder.state_dict(), tmp_path / "adain.safetensors")
    read = Sources(files={"adain": tmp_path / "adain.safetensors"}).network("adain")
    assert_close(read.state_dict()["adain.conv4_1.weight"], decoder.state_dict()["conv4_1.weight"])
    assert_close(read.state_dict()["encoder.conv1_1.weight"], load_network(name).state_dict()["encoder.conv1_1.weight"])


@pytest.mark.parametrize("method", ["adain", "wct", "msgnet", "stylebank"])
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, method: str) -> None:
    save_file({"nothing": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=f"weights of {method}"):
        network_of_file(method, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="is not there"):
        network_of_file(method, tmp_path / "no.safetensors")


def test_a_bank_paints_the_styles_it_knows_and_no_others() -> None:
    paint, pictures = painter("stylebank", Sources()), (picture(32, 40), picture(8, 8))
    assert paint(Task("adain_sailboat", REST, *pictures)) is None
    painted = paint(Task("msgnet_udnie", KNOWN, *pictures))
    assert painted is not None and painted.shape == (1, 3, 32, 40)


@pytest.mark.parametrize(("method", "strength"), [("wct", 0.8), ("whitening-colouring", 0.6)])
def test_wct_paints_at_its_own_strength(method: str, strength: float) -> None:
    task = Task("a", REST, picture(32, 40), picture(40, 32, 1))
    painted, network = painter(method, Sources())(task), load_network("compact")
    assert painted is not None
    assert_close(painted, ours(network, METHODS[method], strength)(task.style)(task.content))
