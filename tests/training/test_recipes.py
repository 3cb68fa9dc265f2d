"""What every recipe keeps to: interrupted anywhere it ends the same, in half types it learns; configs, and refusals."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.models.networks.vgg import VGG19, VggLayout
from brushwork.tests.training.tiny import (
    TINY,
    Killed,
    LossCurve,
    tiny_job,
    tiny_loss_network,
    tiny_network,
    tiny_teacher,
    tiny_teachers,
)
from brushwork.training import compact, trainer, wct
from brushwork.training.adain import AdainConfig, train_adain
from brushwork.training.compact import CompactConfig, train_compact
from brushwork.training.encoder import DeepestConfig, EncoderConfig, train_deepest, train_encoder
from brushwork.training.msgnet import MsgNetConfig, train_msgnet
from brushwork.training.recipes import Job, RecipeName, find_recipe, listed, train, with_settings
from brushwork.training.stylebank import StyleBankConfig, train_stylebank
from brushwork.training.wct import WctConfig, train_wct

ENCODER = EncoderConfig(3, 1, 1, 32, 32)
WCT = WctConfig(1, 1, 1, 32, 36)
DEEPEST = DeepestConfig(3, 1, 1, 32, 36)
ADAIN = AdainConfig(3, 2, 24, 28, 24, (24, 30), 4)
MSGNET = MsgNetConfig(2, 2, 1, 24, 28, 24, (24, 30), 4, width=4)
STYLEBANK = StyleBankConfig(4, batch=2, side=24, photo=28, style_size=30)
COMPACT = CompactConfig(replace(ENCODER, steps=2), WCT, replace(DEEPEST, steps=1), replace(ADAIN, steps=1, batch=1))

NARROW = VggLayout("compact", TINY.widths, projections=VGG19.widths[:4])
"""What the recipe `compact` builds here."""

RECIPES: dict[str, tuple[Callable[[Job], object], tuple[int, ...]]] = {
    "encoder": (lambda job: train_encoder(tiny_network().layout, tiny_loss_network(), job, ENCODER), (1, 2)),
    "wct": (lambda job: train_wct(tiny_network(), job, replace(WCT, steps=2, levels=WCT.levels[:3])), (3, 4)),
    "deepest": (lambda job: train_deepest(tiny_network(), tiny_teachers(), job, DEEPEST), (1, 3)),
    "adain": (lambda job: train_adain(tiny_network(), job, ADAIN), (1, 3)),
    "adain, taught": (lambda job: train_adain(tiny_network(), taught(job), replace(ADAIN, kept=3)), (2,)),
    "msgnet": (lambda job: train_msgnet(tiny_network(), tiny_loss_network(), job, MSGNET), (1,)),
    "msgnet, taught": (
        lambda job: train_msgnet(None, tiny_loss_network(), taught(job), replace(MSGNET, kept=4, same_style=2)),
        (1,),
    ),
    "stylebank": (lambda job: train_stylebank(tiny_network(), tiny_loss_network(), job, STYLEBANK), (1, 3)),
    "stylebank, taught": (
        lambda job: train_stylebank(tiny_network(), tiny_loss_network(), taught(job), replace(STYLEBANK, kept=4)),
        (2,),
    ),
    "compact": (lambda job: train_compact(tiny_teachers(), job, COMPACT), (7,)),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wct, "SOLVED_CROPS", 6)
    monkeypatch.setattr(compact, "COMPACT", NARROW)


def taught(job: Job) -> Job:
    return replace(job, teacher=tiny_teacher())


@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_and_started_again_it_ends_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint at each step: once after each of some steps."""
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0)
    run, stops = RECIPES[name]
    whole = tiny_job(tmp_path, out="whole")
    run(whole)
    for stop in stops:

        def kill(step: int, losses: dict[str, float], stop: int = stop) -> None:
            if step == stop:
                raise Killed

        with pytest.raises(Killed):
            run(tiny_job(tmp_path, kill, out="parts"))
    parts = tiny_job(tmp_path, out="parts")
    run(parts)
    files = sorted(whole.out.glob("*.safetensors"))
    assert files
    for file in files:
        resumed, expected = load_file(parts.out / file.name), load_file(file)
        assert resumed.keys() == expected.keys()
        assert all(torch.equal(value, expected[weight]) for weight, value in resumed.items()), file.name


@pytest.mark.parametrize("name", ["msgnet", "stylebank", "stylebank, taught", "deepest"])
def test_in_bfloat16_recipes_end_with_weights(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its preview, which is painted outside of autocast."""
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "bfloat16")
    job = tiny_job(tmp_path)
    RECIPES[name][0](job)
    for file in job.out.glob("*.safetensors"):
        assert all(value.isfinite().all() for value in load_file(file).values()), file.name
    assert list(job.out.glob("*-preview.png"))


@pytest.mark.parametrize("name", ["adain", "wct"])
def test_a_network_is_not_rounded_where_it_is_its_own_loss_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "bfloat16")
    network, before = tiny_network(), tiny_network().encoder.state_dict()
    if name == "adain":
        train_adain(network, tiny_job(tmp_path), ADAIN)
    else:
        train_wct(network, tiny_job(tmp_path), replace(WCT, levels=("relu2_1",)))
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert all(torch.equal(value, before[key]) for key, value in network.encoder.state_dict().items())


def test_losses_fall_in_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_warm_up: None) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "bfloat16")
    curve = LossCurve("taught")
    learnt = train_adain(tiny_network(), taught(tiny_job(tmp_path, curve)), replace(ADAIN, steps=32, rate=2e-2))
    assert curve.fell()
    assert {weight.dtype for weight in learnt.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("recipe", "options", "expected"),
    [
        ("wct", {"teacher": "x"}, "wct takes no --teacher: leave it out."),
        ("compact", {"network": "vgg19"}, "compact takes no --network: leave it out."),
        ("adain", {"from_scratch": True}, "adain takes no --from-scratch: leave it out."),
        (
            "msgnet",
            {"network": "vgg19", "from_scratch": True},
            "from scratch there is no network to train on: leave --network or --from-scratch out.",
        ),
        ("adain", {"minutes": 0.0}, "--minutes is a length of more than 0, not 0.0."),
        ("adain", {"minutes": -1.0}, "--minutes is a length of more than 0, not -1.0."),
        ("adain", {"minutes": float("nan")}, "--minutes is a length of more than 0, not nan."),
        ("adain", {"photos": []}, "adain needs photographs: name a folder of them as --photos."),
    ],
)
def test_errors_are_a_sentence(recipe: RecipeName, options: dict, expected: str, tmp_path: Path) -> None:
    places = {"photos": [tmp_path], "styles": [tmp_path], "out": tmp_path / "out"}
    with pytest.raises(ValueError) as caught:
        train(recipe, **{**places, **options})
    assert str(caught.value) == expected
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("recipe", ["adain", "msgnet", "stylebank"])
def test_a_loss_network_that_ends_too_early(recipe: str, tmp_path: Path) -> None:
    shallow = tiny_loss_network()
    shallow.levels = shallow.levels[:3]
    job = tiny_job(tmp_path, loss_network=shallow)
    runs = {
        "adain": lambda: train_adain(tiny_network(), job, ADAIN),
        "msgnet": lambda: train_msgnet(tiny_network(), shallow, job, MSGNET),
        "stylebank": lambda: train_stylebank(tiny_network(), shallow, job, STYLEBANK),
    }
    with pytest.raises(ValueError, match="^this loss network ends at relu3_1 and relu4_1 is asked for: choose a deep"):
        runs[recipe]()


# Configs


NAMES: tuple[RecipeName, ...] = ("compact", "wct", "adain", "msgnet", "stylebank", "stylebank-style")


@dataclass(frozen=True)
class Weights:
    style: float = 0.5


@dataclass(frozen=True)
class Settings:
    steps: int = 10
    sizes: tuple[int, ...] = (1, 2)
    fast: bool = False
    name: str = "a"
    loss_weights: Weights = field(default_factory=Weights)


ALL = "steps=10, sizes=1,2, fast=False, name=a, loss_weights.style=0.5"


def test_every_type() -> None:
    settings = ["steps=3", "sizes=4,5,6", "fast=true", "name=b=c", "loss_weights.style=2e-3"]
    assert with_settings(Settings(), settings) == Settings(3, (4, 5, 6), True, "b=c", Weights(0.002))
    assert with_settings(Settings(), ["steps=3", "steps=4"]).steps == 4
    assert with_settings(Settings(), []) == Settings()


@pytest.mark.parametrize(
    "setting, expected",
    [
        ("steps", f"'steps' is no setting: write FIELD=VALUE, the field one of {ALL}."),
        ("step=3", f"there is no field 'step': choose one of {ALL}."),
        ("loss_weights=3", f"there is no field 'loss_weights': choose one of {ALL}."),
        ("loss_weights.x=3", f"there is no field 'loss_weights.x': choose one of {ALL}."),
        ("steps=1.5", "'steps' is a whole number from 0, not '1.5'."),
        ("steps=-1", "'steps' is a whole number from 0, not '-1'."),
        ("steps=", "'steps' is a whole number from 0, not ''."),
        ("sizes=3,x", "'sizes' is a whole number from 1, not 'x'."),
        ("sizes=3,0", "'sizes' is a whole number from 1, not '0'."),
        ("fast=yes", "'fast' is true or false, not 'yes'."),
        ("loss_weights.style=nan", "'loss_weights.style' is a number from 0, not 'nan'."),
        ("loss_weights.style=inf", "'loss_weights.style' is a number from 0, not 'inf'."),
    ],
)
def test_settings_that_are_none_are_a_sentence(setting: str, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        with_settings(Settings(), [setting])
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_every_recipe_can_be_set(name: RecipeName) -> None:
    recipe = find_recipe(name)
    config = recipe.config()
    for setting in listed(config).replace(", ", "\n").splitlines():
        assert with_settings(config, [setting]) == config
    assert recipe.length(config) > 0
