"""Fixtures of the command line's tests."""

from brushwork.tests.runner.conftest import nodes  # noqa: F401
