"""A bundle from the built-in network: small, whole or not at all, and it trains with little else installed."""

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from brushwork.models.weights.store import BUILTIN
from brushwork.tests.training.tiny import folder_of_pictures
from brushwork.training.bundle import main, size_mib, write_bundle
from brushwork.training.pack import Packed

COMPACT = BUILTIN / "compact.safetensors"
"""An encoder to relu5_1 and a decoder for AdaIN: a loss network and a teacher."""
ELSEWHERE = """
import runpy, sys
sys.modules.update(dict.fromkeys(["kornia", "typer", "rich", "av", "tqdm", "torchvision", "skimage"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SMALL = [f"--set={field}" for field in ("steps=2", "batch=1", "side=32", "style_side=32", "style_crops=2", "kept=2")]


def bundle(folder: Path, limit: float = 60) -> Packed:
    pictures = [folder_of_pictures(folder / "pictures")]
    sizes = {"photo_size": 40, "style_size": 40, "limit_mib": limit}
    return write_bundle(folder / "to go", pictures, pictures, COMPACT, COMPACT, **sizes)


def test_it_trains_in_a_folder_of_another_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert bundle(tmp_path).counts == {"photos": 3, "styles": 3}
    assert size_mib(tmp_path / "to go") < 30
    there = (tmp_path / "to go").rename(tmp_path / "an other-name")
    arguments = ["adain", "--out", str(tmp_path / "out"), *SMALL]
    command = [sys.executable, "-c", ELSEWHERE, str(there / "train.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "out" / "adain.safetensors"
    assert done.stderr.splitlines()[-1] == str(file)
    with safe_open(file, "pt") as weights:
        assert weights.keys()
    # In this process: a second time there is nothing left to do, and what is wrong is a line.
    before = (tmp_path / "out" / "adain.pt").read_bytes()
    with caplog.at_level("INFO"):
        assert main(there, 40, 40, arguments) == 0 and caplog.messages[-1] == str(file)
    assert (tmp_path / "out" / "adain.pt").read_bytes() == before
    assert main(there, 40, 40, [*arguments, "--minutes", "0"]) == 1
    assert caplog.messages[-1] == "--minutes is a length of more than 0, not 0.0."
    assert main(there, 40, 40, [*arguments, "--network", "nix"]) == 1
    assert caplog.messages[-1].startswith("there is no network 'nix'")


def test_a_limit_that_leaves_no_room(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^5 MiB leave no room for pictures: allow \d+ or more\.$"):
        bundle(tmp_path, 5)
    assert not (tmp_path / "to go").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "to go").mkdir()
    with pytest.raises(ValueError, match=r"to go is there already: name a new folder, or delete it\.$"):
        bundle(tmp_path)
    assert list((tmp_path / "to go").iterdir()) == []
