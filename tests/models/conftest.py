"""The emulated GPU that networks are tried on."""

from collections.abc import Iterator

import pytest
import torch

from brushwork.tests.second_device import SecondDevice


@pytest.fixture
def device() -> Iterator[SecondDevice]:
    with SecondDevice() as second, torch.no_grad():
        yield second
