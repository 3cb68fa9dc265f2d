"""Fixtures of the command line's tests."""

import pytest

from brushwork.tests.runner.fakes import fake_nodes


@pytest.fixture
def nodes() -> dict[str, type]:
    return fake_nodes()
