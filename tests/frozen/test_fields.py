"""`--set` still takes the fields that recipes had in 0.1.0, and says in one sentence what they are called now."""

import pytest

from brushwork.tests.frozen import entry

FIELDS = entry.frozen("fields")
"""By recipe: each field of 0.1.0, and what it is called now. None: it is gone, or did nothing in that recipe."""

GOES = "the field {} is called {} now; the old name goes with the next version."


def test_old_fields_set_todays(caplog: pytest.LogCaptureFixture) -> None:
    wrong = []
    for recipe, fields in FIELDS.items():
        default = entry.config_of(recipe)
        for old, new in fields.items():
            if new is None:
                continue
            value = str(not default[new]).lower() if isinstance(default[new], bool) else "7"
            caplog.clear()
            changed = entry.config_of(recipe, f"{old}={value}")
            said = caplog.messages == ([] if old == new else [GOES.format(old, new)])
            if not said or changed == default or changed != entry.config_of(recipe, f"{new}={value}"):
                wrong.append((recipe, old, caplog.messages))
    assert wrong == []


@pytest.mark.parametrize(
    ("recipe", "gone"), [(recipe, old) for recipe, fields in FIELDS.items() for old, new in fields.items() if not new]
)
def test_fields_that_are_gone_are_refused(recipe: str, gone: str) -> None:
    with pytest.raises(ValueError, match=f"there is no field '{gone}': choose one of "):
        entry.config_of(recipe, f"{gone}=1")
