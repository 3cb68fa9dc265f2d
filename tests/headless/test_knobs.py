"""Knobs from the command line: set by name and type, or refused in a sentence."""

from dataclasses import dataclass, field

import pytest

from brushwork.headless.knobs import listed, with_settings
from brushwork.training.recipes import RecipeName, find_recipe

NAMES: tuple[RecipeName, ...] = ("compact", "wct", "adain", "msgnet", "stylebank", "stylebank-style")


@dataclass(frozen=True)
class Taste:
    style: float = 0.5


@dataclass(frozen=True)
class Knobs:
    steps: int = 10
    sizes: tuple[int, ...] = (1, 2)
    fast: bool = False
    name: str = "a"
    taste: Taste = field(default_factory=Taste)


ALL = "steps=10, sizes=1,2, fast=False, name=a, taste.style=0.5"


def test_every_type() -> None:
    settings = ["steps=3", "sizes=4,5,6", "fast=true", "name=b=c", "taste.style=2e-3"]
    assert with_settings(Knobs(), settings) == Knobs(3, (4, 5, 6), True, "b=c", Taste(0.002))
    assert with_settings(Knobs(), ["steps=3", "steps=4"]).steps == 4
    assert with_settings(Knobs(), []) == Knobs()


@pytest.mark.parametrize(
    "setting, expected",
    [
        ("steps", f"'steps' is no setting: write KNOB=VALUE, the knob one of {ALL}."),
        ("step=3", f"there is no knob 'step': choose one of {ALL}."),
        ("taste=3", f"there is no knob 'taste': choose one of {ALL}."),
        ("taste.x=3", f"there is no knob 'taste.x': choose one of {ALL}."),
        ("steps=1.5", "'steps' is a whole number from 0, not '1.5'."),
        ("steps=-1", "'steps' is a whole number from 0, not '-1'."),
        ("steps=", "'steps' is a whole number from 0, not ''."),
        ("sizes=3,x", "'sizes' is a whole number from 0, not 'x'."),
        ("fast=yes", "'fast' is true or false, not 'yes'."),
        ("taste.style=nan", "'taste.style' is a number from 0, not 'nan'."),
        ("taste.style=inf", "'taste.style' is a number from 0, not 'inf'."),
    ],
)
def test_faults_are_a_sentence(setting: str, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        with_settings(Knobs(), [setting])
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_knob_of_every_recipe_can_be_set(name: RecipeName) -> None:
    recipe = find_recipe(name)
    knobs = recipe.knobs()
    for setting in listed(knobs).replace(", ", "\n").splitlines():
        assert with_settings(knobs, [setting]) == knobs
    assert recipe.length(knobs) > 0
