"""What every recipe keeps to: interrupted anywhere it ends the same, in half types it learns; and what none takes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.tests.training.tiny import (
    Killed,
    LossCurve,
    tiny_job,
    tiny_loss_network,
    tiny_network,
    tiny_teacher,
    tiny_teachers,
)
from brushwork.training import trainer, wct
from brushwork.training.adain import AdainConfig, train_adain
from brushwork.training.compact import CompactConfig, train_compact
from brushwork.training.deepest import DeepestConfig, train_deepest
from brushwork.training.encoder import EncoderConfig, train_encoder
from brushwork.training.losses import LossWeights
from brushwork.training.msgnet import MsgNetConfig, train_msgnet
from brushwork.training.recipes import Job, RecipeName, train
from brushwork.training.stylebank import StyleBankConfig, train_stylebank
from brushwork.training.wct import WctConfig, train_wct

ENCODER = EncoderConfig(3, 1, 1, 32, 32)
WCT = WctConfig(1, 1, 1, 32, 36)
DEEPEST = DeepestConfig(3, 1, 1, 32, 36)
ADAIN = AdainConfig(3, 2, 24, 28, 24, (24, 30), 4)
MSGNET = MsgNetConfig(3, 2, 1, 24, 28, 24, (24, 30), 4, width=4)
STYLEBANK = StyleBankConfig(4, batch=2, side=24, photo=28, style_size=30)
COMPACT = CompactConfig(replace(ENCODER, steps=2), WCT, replace(DEEPEST, steps=1), replace(ADAIN, steps=1, batch=1))

RECIPES: dict[str, tuple[Callable[[Job], object], tuple[int, ...]]] = {
    "encoder": (lambda job: train_encoder(tiny_network().layout, tiny_loss_network(), job, ENCODER), (1, 2)),
    "wct": (lambda job: train_wct(tiny_network(), job, replace(WCT, steps=2, levels=WCT.levels[:3])), (3, 4)),
    "deepest": (lambda job: train_deepest(tiny_network(), tiny_teachers(), job, DEEPEST), (1, 3)),
    "adain": (lambda job: train_adain(tiny_network(), job, ADAIN), (1, 3)),
    "adain, taught": (lambda job: train_adain(tiny_network(), taught(job), replace(ADAIN, kept=3)), (2,)),
    "msgnet": (lambda job: train_msgnet(tiny_network(), tiny_loss_network(), job, MSGNET), (2,)),
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
def fewer_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wct, "SOLVED_CROPS", 6)


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


@pytest.mark.parametrize("kind", ["adain", "msgnet"])
def test_losses_fall_in_bfloat16(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_warm_up: None
) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "bfloat16")
    curve = LossCurve("taught")
    job = taught(tiny_job(tmp_path, curve))
    if kind == "adain":
        learnt = train_adain(tiny_network(), job, replace(ADAIN, steps=60, rate=2e-2))
    else:
        weights = LossWeights(0.5, 0.8, 0.05, 1.0)
        learnt = train_msgnet(
            None, tiny_loss_network(), job, replace(MSGNET, steps=32, rate=1e-3, loss_weights=weights)
        )
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
def test_faults_are_a_sentence(recipe: RecipeName, options: dict, expected: str, tmp_path: Path) -> None:
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
