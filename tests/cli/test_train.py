"""`brushwork train` from outside, on tiny networks: every recipe runs, goes on, and ends an interruption in a line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors import safe_open

from brushwork.cli import train as train_command
from brushwork.cli.app import main
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.runner.run import Progress
from brushwork.tests.models.small import enlivened
from brushwork.tests.training.tiny import folder_of_pictures, tiny_network, tiny_teacher, tiny_teachers
from brushwork.training import trainer, wct

SMALL = ("--set", "batch=2", "--set", "side=24", "--set", "photo=28")
STYLES = ("style_side=24", "style_sizes=24,30", "style_crops=4")
SHAPE = "stylebank is no network of VGG's shape: choose compact, small16x or vgg19."
BANK = "x is no StyleBank: choose stylebank, or another that `weights list` shows."
BOTH = "from scratch there is no network to train on: leave --network or --from-scratch out."
CROPS = ("photos=1", "paintings=1", "side=32", "shorter=36")


def stage(before: str, steps: int, *settings: str) -> list[str]:
    """Settings of one stage."""
    return [part for setting in (f"steps={steps}", *settings) for part in ("--set", before + setting)]


RECIPES = {
    "adain": [*SMALL, *stage("", 2, *STYLES)],
    "wct": stage("", 2, *CROPS),
    "compact": [
        *stage("encoder.", 2, *CROPS),
        *stage("decoders.", 2, *CROPS),
        *stage("deepest.", 2, *CROPS),
        *stage("adain.", 2, "batch=1", "side=24", "photo=28", *STYLES),
    ],
    "stylebank": [*SMALL, *stage("", 3, "style_size=30")],
    "msgnet": [*SMALL, *stage("", 2, *STYLES)],
    "stylebank-style": [*SMALL, *stage("", 2, "style_size=30")],
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tiny networks under all names, and no weight folders but one of the test."""

    def load(name: str, *others: object) -> object:
        return enlivened(StyleBankNetwork(("a", "b"), backbone=None)) if name == "stylebank" else tiny_network()

    for module in ("networks", "new_style"):
        monkeypatch.setattr(f"brushwork.training.{module}.load_network", load)
    monkeypatch.setattr("brushwork.training.recipes.load_loss_network", lambda name: tiny_teachers())
    monkeypatch.setattr("brushwork.training.recipes.load_teacher", lambda name: tiny_teacher())
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "float32")
    monkeypatch.setattr(wct, "SOLVED_CROPS", 6)
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., int]:
    """The exit code of a command line with photographs and paintings."""
    folder = folder_of_pictures(tmp_path / "pictures")

    def call(recipe: str, *arguments: str, styles: str = "") -> int:
        places = ("--photos", str(folder), "--styles", str(folder / styles), "--out", str(tmp_path / "out"))
        try:
            return main(["train", recipe, *places, *arguments])
        except SystemExit as leave:
            return int(leave.code or 0)

    return call


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_and_names_its_files(
    recipe: str, train: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    styles = "picture_0.png" if recipe == "stylebank-style" else ""
    assert train(recipe, *RECIPES[recipe], styles=styles) == 0, capsys.readouterr().err
    files = capsys.readouterr().out.splitlines()
    assert len(files) == (5 if recipe == "wct" else 1)
    for file in files:
        with safe_open(file, "pt") as weights:
            assert weights.keys()


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("adain", ("--teacher", "x", "--set", "kept=4")),
        ("stylebank", ("--from-scratch", "--teacher", "x")),
        ("msgnet", ("--from-scratch", "--set", "width=4", "--teacher", "x")),
        ("wct", ("--loss-network", "x", "--set", "levels=relu2_1")),
        ("adain", ("--minutes", "0.02", "--set", "steps=1000000")),
    ],
)
def test_options(recipe: str, options: tuple[str, ...], train: Callable[..., int], tmp_path: Path) -> None:
    settings = [*RECIPES[recipe], *options]
    assert train(recipe, *settings) == 0
    (file,) = (tmp_path / "out").glob("*.pt")
    before = file.read_bytes()
    assert train(recipe, *settings) == 0
    assert file.read_bytes() == before  # it is finished


def test_weights_of_another_run_are_a_start(
    train: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("adain", *RECIPES["adain"]) == 0
    (tmp_path / "out").rename(tmp_path / "first")
    start = ("--start", str(tmp_path / "first" / "adain.safetensors"))
    assert train("adain", *RECIPES["adain"], *start) == 0
    capsys.readouterr()
    assert train("msgnet", *RECIPES["msgnet"], *start) == 1
    assert "holds the weights of another network: start from a file of the same recipe" in capsys.readouterr().err


def test_an_interruption_ends_in_a_line(
    train: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = [1, 5]

    @contextmanager
    def impatient() -> Iterator[Progress]:
        stop = stops.pop(0)

        def progress(done: int, total: int, text: str) -> None:
            assert (total, text[:8]) == (6, "content ")
            if done == stop:
                raise KeyboardInterrupt

        yield progress

    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0)
    arguments = ("adain", *SMALL, *stage("", 6, *STYLES))
    with monkeypatch.context() as patch:
        patch.setattr(train_command, "shown_progress", impatient)
        assert train(*arguments) == 130
        expected = f"brushwork: stopped; the same command goes on from {tmp_path / 'out' / 'adain.pt'}\n"
        assert capsys.readouterr() == ("", expected)
        assert train(*arguments) == 130
        assert capsys.readouterr() == ("", expected)
    assert train(*arguments) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'adain.safetensors'}\n"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("compact", "--network", "vgg19"), "compact takes no --network: leave it out."),
        (("wct", "--teacher", "vgg19"), "wct takes no --teacher: leave it out."),
        (("adain", "--from-scratch"), "adain takes no --from-scratch: leave it out."),
        (("msgnet", "--network", "vgg19", "--from-scratch"), BOTH),
        (("adain", "--minutes", "0"), "--minutes is a length of more than 0, not 0.0."),
        (("adain", "--set", "steps=x"), "'steps' is a whole number from 0, not 'x'."),
        (
            ("stylebank-style", "--set", "style_size=30"),
            "one style is learnt at a time, not 3: name one picture as --styles.",
        ),
        (("wct", "--network", "stylebank"), SHAPE),
        (("stylebank-style", "--network", "x"), BANK),
    ],
)
def test_errors_are_a_line(
    arguments: tuple[str, ...],
    expected: str,
    train: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(*arguments) == 1
    assert capsys.readouterr() == ("", f"brushwork: {expected}\n")
    assert not (tmp_path / "out").exists()


def test_photographs_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "wct", "--styles", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "brushwork: wct needs photographs: name a folder of them as --photos.\n"


def test_names_of_the_first_version_still_work_and_say_what_they_are_called(
    train: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    """The fields one by one: tests/frozen/test_fields.py."""
    small = [*RECIPES["msgnet"], "--set", "taste.style=0.5", "--eye", "compact", "--network", "paper"]
    assert train("msgnet", *small) == 0
    goes = "; the old name goes with the next version."
    assert [message for message in caplog.messages if " is called " in message] == [
        f"--eye is called --loss-network now{goes}",
        f"--network paper is called --from-scratch now{goes}",
        f"the field taste.style is called loss_weights.style now{goes}",
    ]
