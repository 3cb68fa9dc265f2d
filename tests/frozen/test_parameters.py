"""The parameters of every network keep names, order and shapes: weight files and learnt styles refer to them."""

import pytest

from brushwork.tests.frozen import entry

FROZEN = entry.frozen("parameters")


def today() -> dict[str, object]:
    """Shapes are written as `64x3x3x3`, to keep each on one line."""
    networks = {network: _written(network) for network in entry.networks()}
    return {"fingerprint": entry.bank_fingerprint(), "networks": networks}


@pytest.mark.parametrize("network", FROZEN["networks"])
def test_parameters_stay(network: str) -> None:
    """Frozen by python -c "from brushwork.tests.frozen import entry; entry.freeze('parameters')"."""
    assert list(_written(network).items()) == list(FROZEN["networks"][network].items())


def test_styles_that_were_learnt_fit_the_bank() -> None:
    assert entry.bank_fingerprint() == FROZEN["fingerprint"]


def _written(network: str) -> dict[str, str]:
    return {name: "x".join(map(str, shape)) for name, shape in entry.shapes(network).items()}
