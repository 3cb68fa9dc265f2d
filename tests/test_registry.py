"""What ComfyUI's registry asks of a pack, and what is in the archive that it gets."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from brushwork.nodes import NODES
from brushwork.tests.test_rooms import absolute_imports
from brushwork.tools.architecture import ROOT, modules, tree

READ = {
    "Operating System :: OS Independent",
    "Environment :: GPU :: NVIDIA CUDA",
    "Environment :: GPU :: AMD ROCm",
    "Environment :: GPU :: Intel Arc",
    "Environment :: GPU :: Apple Metal",
    "Environment :: NPU :: Huawei Ascend",
}
"""Classifiers that ComfyUI knows; with another one of these kinds it takes none of them."""
HOSTS_OWN = {"torch", "torchvision", "torchaudio", "numpy", "pillow", "safetensors", "kornia", "transformers"}
"""An installer that was told of these might replace the ones that ComfyUI runs on."""
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"subprocess", "pickle", "marshal", "shelve", "ctypes", "pip", "runpy", "code", "pty", "base64"}
FORBIDDEN_CALLS = re.compile(r"os\.(system|popen|fork|exec\w*|spawn\w*|posix_spawn\w*)")
LARGEST = 25_000_000
"""Bytes of the archive."""


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_name_and_version(settings: dict[str, Any]) -> None:
    project = settings["project"]
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_.][A-Za-z0-9]+)*", project["name"]) and len(project["name"]) < 100
    assert "comfyui" not in project["name"].lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert project["description"]


def test_the_version_has_its_changes(settings: dict[str, Any]) -> None:
    versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == settings["project"]["version"]


def test_licence_repository_and_publisher(settings: dict[str, Any]) -> None:
    project, comfy = settings["project"], settings["tool"]["comfy"]
    assert (ROOT / project["license"]["file"]).is_file()
    assert project["urls"]["Repository"].startswith("https://")
    assert comfy["PublisherId"] and comfy["DisplayName"]
    assert re.fullmatch(r">=\d+\.\d+\.\d+", comfy["requires-comfyui"])
    assert "web" not in comfy  # beside WEB_DIRECTORY every script would be loaded twice


def test_classifiers_are_those_that_are_read(settings: dict[str, Any]) -> None:
    assert set(settings["project"]["classifiers"]) <= READ


def test_the_icon_is_ours_and_small_enough(settings: dict[str, Any]) -> None:
    repository, icon = settings["project"]["urls"]["Repository"], settings["tool"]["comfy"]["Icon"]
    base = repository.replace("github.com", "raw.githubusercontent.com") + "/main/"
    assert icon.startswith(base)
    drawing = ElementTree.parse(ROOT / icon.removeprefix(base)).getroot()
    assert float(drawing.attrib["width"]) <= 800 and float(drawing.attrib["height"]) <= 400


def test_nothing_of_the_hosts_is_installed(settings: dict[str, Any]) -> None:
    names = {re.split(r"[^\w-]", wanted)[0].lower() for wanted in settings["project"]["dependencies"]}
    assert names.isdisjoint(HOSTS_OWN)
    assert not any((ROOT / name).exists() for name in ("requirements.txt", "install.py", "prestartup_script.py"))


def runs_foreign_code(code: ast.AST) -> bool:
    """Whether it makes code, starts a process, or opens a pickle with its code."""
    for node in ast.walk(code):
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            return True
        if isinstance(node, ast.Attribute) and FORBIDDEN_CALLS.fullmatch(ast.unparse(node)):
            return True
        loads = isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
        if loads and "weights_only=True" not in map(ast.unparse, node.keywords):
            return True
    return False


def test_no_code_is_made_and_no_process_started() -> None:
    assert [module for module in modules() if runs_foreign_code(tree(module))] == []
    samples = ("eval('1')", "os.system('x')", "torch.load(path)", "torch.load(path, weights_only=False)")
    assert all(map(runs_foreign_code, map(ast.parse, samples)))


def test_no_module_that_could_is_imported() -> None:
    imported = [(module, name.split(".")[0]) for module in modules() for name in absolute_imports(module)]
    assert [found for found in imported if found[1] in FORBIDDEN_MODULES] == []


def test_scripts_of_the_page_stay_at_home() -> None:
    for script in (ROOT / "web").rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function\(|https?://(?!www\.w3\.org)|innerHTML", text)
        assert max(map(len, text.splitlines())) < 200  # for people to read


def published() -> list[str]:
    """What `comfy node publish` packs: files that git knows, without those in .comfyignore."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    known, ignored = (git("ls-files", *options) for options in ([], ["-ciX", ".comfyignore"]))
    return sorted(set(known) - set(ignored))


def git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("release") / "brushwork.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for name in published():
            if (ROOT / name).is_file():
                packed.write(ROOT / name, name)
    return path


def test_the_archive_has_what_users_need(archive: Path) -> None:
    with ZipFile(archive) as packed:
        names = packed.namelist()
    assert archive.stat().st_size < LARGEST
    folders = {name.partition("/")[0] for name in names}
    assert {"__init__.py", "pyproject.toml", "LICENSE", "README.md", "nodes", "models", "web", "locales"} <= folders
    assert {"workflows", "samples", "training", "icon.svg", "CHANGELOG.md", "weights_manifest.json"} <= folders
    assert folders.isdisjoint({"tests", "tools", "benchmarks", ".ci", ".gitignore", "Makefile"})
    assert not any(name.endswith((".pyc", ".pt", ".pth", ".ckpt")) for name in names)


FROM_THE_ARCHIVE = """
import importlib.util, os, sys
path = sys.argv[1]
spec = importlib.util.spec_from_file_location(path.replace(".", "_x_"), os.path.join(path, "__init__.py"))
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

def run(node, **inputs):
    return module.NODE_CLASS_MAPPINGS["Brushwork" + node]().execute(**inputs)

assert os.path.isdir(os.path.join(path, module.WEB_DIRECTORY, "docs"))
(sample,) = run("SamplePicture", name="coffee")
(small,) = run("BrushSize", style=sample, scale=0.1)
(bank,) = run("LoadStyleNetwork", name="stylebank")
learnt = run("LearnStyle", network=bank, style_image=small, photos=small, steps=1, size=16, save="do not save")
(features,) = run("StyleEncoder", network=learnt[0], image=small, level="bank")
(painted,) = run("StyleBankFilter", network=learnt[0], features=features, style="my style")
assert run("StyleDecoder", network=learnt[0], features=painted)[0].shape == small.shape
print(*sorted(module.NODE_CLASS_MAPPINGS), sep="\\n")
"""


def test_nodes_work_from_the_archive(archive: Path, tmp_path: Path) -> None:
    """Learn Style among them, which needs the training room."""
    folder = tmp_path / "custom_nodes" / "Brush-work"
    with ZipFile(archive) as packed:
        packed.extractall(folder)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"BRUSHWORK_OFFLINE": "1", "BRUSHWORK_WEIGHTS": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", FROM_THE_ARCHIVE, str(folder)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(NODES)
