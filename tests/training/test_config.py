"""Fields from the command line: set by name and type, or refused in a sentence."""

from dataclasses import dataclass, field

import pytest

from brushwork.training.config import listed, with_settings
from brushwork.training.recipes import RecipeName, find_recipe

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
        ("sizes=3,x", "'sizes' is a whole number from 0, not 'x'."),
        ("fast=yes", "'fast' is true or false, not 'yes'."),
        ("loss_weights.style=nan", "'loss_weights.style' is a number from 0, not 'nan'."),
        ("loss_weights.style=inf", "'loss_weights.style' is a number from 0, not 'inf'."),
    ],
)
def test_faults_are_a_sentence(setting: str, expected: str) -> None:
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
