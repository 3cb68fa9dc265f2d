"""One real ComfyUI for all tests here; they are skipped unless it is named."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    comfyui, python = os.environ.get("COMFYUI_DIR"), os.environ.get("COMFYUI_PYTHON")
    if not comfyui or not python:
        pytest.skip("no ComfyUI is at hand: set COMFYUI_DIR and COMFYUI_PYTHON")
    server = Server(tmp_path_factory.mktemp("comfyui"), Path(comfyui), Path(python))
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A page on a server that remembers nothing."""
    client = Client(server.port, server.folder)
    client.free_memory()
    yield client
    client.close()
