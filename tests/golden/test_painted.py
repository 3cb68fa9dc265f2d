"""The built-in networks paint the pictures that are in the repository, on any processor and in any number type."""

from dataclasses import replace
from pathlib import Path

import pytest

from brushwork.cli.order import Stylization
from brushwork.cli.stylize import stylize
from brushwork.media.images import read_picture
from brushwork.tests.golden.painted import PICTURES, orders
from brushwork.tests.tolerances import SAME_PICTURE

ORDERS = orders(PICTURES)


def test_every_picture_is_there_and_all_are_light() -> None:
    files = list(PICTURES.glob("*.png"))
    assert set(files) == {order.output for order in ORDERS}
    assert sum(file.stat().st_size for file in files) < 400_000


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.output.stem)
def test_a_network_paints_its_picture(order: Stylization, tmp_path: Path) -> None:
    (file,) = stylize(replace(order, output=tmp_path / order.output.name))
    (painted, _), (expected, _) = read_picture(file), read_picture(order.output)
    assert painted.shape == expected.shape
    assert expected.std() > 0.1
    assert -10 * (painted - expected).square().mean().log10() > SAME_PICTURE
