"""Fixtures of the headless tests."""

import pytest

from brushwork.tests.headless.fakes import fake_nodes


@pytest.fixture
def nodes() -> dict[str, type]:
    return fake_nodes()
