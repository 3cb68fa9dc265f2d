"""Pytest setup: run this checkout, under the pack's import name, whatever its folder is called."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent


def import_checkout(name: str) -> None:
    """Import the repository root as package `name`, the way ComfyUI imports it under its path."""
    if getattr(sys.modules.get(name), "__file__", None) == str(ROOT / "__init__.py"):
        return  # tests that import this very module import it a second time
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # its kernels on the CPU; asked when Triton is imported
import_checkout("brushwork")


class RootIsAFolder:
    """Collect the root as a folder; a conftest's own hooks are not asked about folders above it."""

    @pytest.hookimpl
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RootIsAFolder())
    torch.set_num_threads(1)  # on tensors as small as the tests' a second thread costs more than it brings


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test starts from the same random state, alone or in any order."""
    torch.manual_seed(0)


def weight_folders() -> list[Path]:
    """Where published weights may lie: the folders in `BRUSHWORK_WEIGHTS`, else `../shared/weights`."""
    named = os.environ.get("BRUSHWORK_WEIGHTS", "")
    folders = [Path(part).resolve() for part in named.split(os.pathsep) if part] or [ROOT.parent / "shared" / "weights"]
    return [folder for folder in folders if folder.is_dir()]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of published weights; a test that asks for them is skipped where there are none."""
    folders = weight_folders()
    if not folders:
        pytest.skip("published weights are not at hand: set BRUSHWORK_WEIGHTS to a folder that holds them")
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", os.pathsep.join(map(str, folders)))
    return folders
