"""Finding, verifying and opening weight files, without a network."""

import hashlib
import itertools
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from brushwork.models.registry import load_network
from brushwork.models.weights import store as weights
from brushwork.models.weights.download import is_valid, verify
from brushwork.models.weights.manifest import WeightFile, WeightsError, read_manifest
from brushwork.models.weights.store import (
    Action,
    decide,
    ensure,
    ensure_network,
    locate,
    network_state,
    read_tensors,
)

CONTENT = b"weights of a stranger"
URL = "https://example.org/releases/download/v1/decoder.pth"
ENTRY = WeightFile(
    id="decoder",
    filename="net/decoder.pth",
    format="torch",
    keymap="sequential",
    urls=(URL,),
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    aliases=("decoder.pth",),
)
BLOB = replace(ENTRY, bytes=None, sha256=None, git_blob="5bd1e64f1ee36b9a6cb4b5b8ed4a6d9be8a47e30")
BY_HAND = replace(ENTRY, bytes=None, sha256=None)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither folders of this machine nor the network."""

    def no_network(*_: object) -> Path:
        raise AssertionError("the network was asked")

    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.delenv("BRUSHWORK_OFFLINE", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "fetch", no_network)


@pytest.fixture
def builtin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands in for the package's own."""
    monkeypatch.setattr(weights, "BUILTIN", tmp_path / "builtin")
    return weights.BUILTIN


def put(folder: Path, name: str = ENTRY.filename, content: bytes = CONTENT) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_decision() -> None:
    for present, valid, managed, fetchable, offline in itertools.product([False, True], repeat=5):
        action = decide(present=present, valid=valid, managed=managed, fetchable=fetchable, offline=offline)
        assert (action is Action.USE) == (present and valid)
        if action is Action.FETCH:
            assert fetchable and not offline and not (present and not managed)
        if action is Action.REFUSE:
            assert present and not (managed and fetchable)
        if action is Action.OFFLINE:
            assert offline and fetchable
        if action is Action.BY_HAND:
            assert not present and not fetchable
    words = {
        decide(present=a, valid=b, managed=c, fetchable=d, offline=e)
        for a, b, c, d, e in itertools.product([False, True], repeat=5)
    }
    assert words == set(Action)


def test_order_of_places(builtin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", os.pathsep.join([str(tmp_path / "mine"), "", str(tmp_path / "shared")]))
    places = ["cache", "shared", "mine", "host two", "host one", builtin.name]
    folders = [tmp_path / "host one", tmp_path / "host two"]
    assert locate(ENTRY, folders) is None
    for place in places:  # from last to first: each one hides those before
        path = put(tmp_path / place)
        assert locate(ENTRY, folders) == path
        assert ensure(ENTRY, folders) == path


@pytest.mark.parametrize("entry", [ENTRY, replace(BLOB, git_blob=None, sha256=ENTRY.sha256), BY_HAND])
def test_a_file_is_found_by_an_alias(entry: WeightFile, tmp_path: Path) -> None:
    path = put(tmp_path, "decoder.pth")
    assert ensure(entry, [tmp_path]) == path


def test_somebody_elses_file_under_an_alias_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "one", "decoder.pth", b"another decoder")
    path = put(tmp_path / "two", "decoder.pth")
    assert locate(ENTRY, [tmp_path / "one", tmp_path / "two"]) == path
    assert locate(ENTRY, [tmp_path / "one"]) is None


def test_git_names_a_file_by_length_and_content(tmp_path: Path) -> None:
    path = put(tmp_path, content=b"hello\n")
    verify(path, replace(BLOB, git_blob="ce013625030ba8dba906f756967f9e9ca394464a"))
    with pytest.raises(WeightsError, match="expected git blob 5bd1.*, got ce01"):
        verify(path, BLOB)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CONTENT[:-1], f"expected {len(CONTENT)} bytes, got {len(CONTENT) - 1}"),
        (CONTENT[::-1], f"expected sha256 {ENTRY.sha256}, got {hashlib.sha256(CONTENT[::-1]).hexdigest()}"),
    ],
)
def test_a_persons_damaged_file_stays_and_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = put(tmp_path, content=content)
    with pytest.raises(WeightsError) as error:
        ensure(ENTRY, [tmp_path])
    assert str(path) in str(error.value) and words in str(error.value) and f"from {URL}" in str(error.value)
    assert path.read_bytes() == content


def test_a_file_is_hashed_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path)
    verify(path, ENTRY)
    with monkeypatch.context() as closed:
        closed.setattr(Path, "open", None)
        verify(path, ENTRY)
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert not is_valid(path, ENTRY)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        verify(tmp_path / "missing", ENTRY)


def test_a_file_without_a_hash_is_for_a_person_to_bring(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as error:
        ensure(BY_HAND, [tmp_path])
    assert f"get it from {URL} and put it at {tmp_path / ENTRY.filename}" in str(error.value)
    path = put(tmp_path)
    assert ensure(BY_HAND, [tmp_path]) == path


def test_offline_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    with pytest.raises(WeightsError, match="BRUSHWORK_OFFLINE is set") as error:
        ensure(ENTRY)
    assert URL in str(error.value) and str(tmp_path / "cache" / ENTRY.filename) in str(error.value)


def test_a_missing_built_in_file_asks_for_a_new_installation() -> None:
    with pytest.raises(WeightsError, match="install Brushwork again"):
        ensure(replace(ENTRY, urls=()))


@pytest.fixture
def no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are built in, and no folder of others."""
    monkeypatch.undo()  # the real ones
    for name in ("BRUSHWORK_WEIGHTS", "BRUSHWORK_CACHE"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("BRUSHWORK_OFFLINE", raising=False)


BUILT_IN = [name for name, entry in read_manifest().networks.items() if entry.title.endswith("built in")]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_networks_need_no_folder(name: str, no_folders: None) -> None:
    assert len(BUILT_IN) == 4
    assert load_network(name).spaces


def test_networks_in_a_folder_need_no_other(
    published: list[Path], no_folders: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any((folder / "small16x").is_dir() for folder in published):
        pytest.skip("the files of small16x are not at hand")
    assert load_network("small16x", published).spaces
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", os.pathsep.join(map(str, published)))
    assert load_network("small16x").spaces


def test_without_any_folder(no_folders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.cache_folder() is None and list(weights.search_folders()) == []
    for entry in (ENTRY, replace(BLOB, urls=(URL, URL))):
        with pytest.raises(WeightsError, match="^Weights cannot be stored, as BRUSHWORK_CACHE is empty: set "):
            ensure(entry)
    with pytest.raises(WeightsError, match="nobody publishes a checksum .* in a folder that BRUSHWORK_WEIGHTS names"):
        ensure(BY_HAND)
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    with pytest.raises(WeightsError, match="BRUSHWORK_OFFLINE is set: get it from"):
        ensure(ENTRY)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "", "~/.cache/brushwork"),
        ("linux", "XDG_CACHE_HOME", "named/brushwork"),
        ("darwin", "", "~/Library/Caches/brushwork"),
        ("win32", "", "~/AppData/Local/brushwork/brushwork/Cache"),
        ("win32", "LOCALAPPDATA", "named/brushwork/brushwork/Cache"),
    ],
)
def test_the_cache_of_a_user(platform: str, variable: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files lie that earlier versions downloaded."""
    for name in ("BRUSHWORK_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "named")
    monkeypatch.setattr(sys, "platform", platform)
    assert weights.cache_folder() == Path(os.path.expanduser(expected))


def test_a_cache_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "mine"))
    assert weights.cache_folder() == tmp_path / "mine"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let the network answer, and note where the files went."""
    paths: list[Path] = []

    def fetch(entry: WeightFile, destination: Path, progress: Callable[[int, int], None] | None) -> Path:
        paths.append(destination)
        size = round(entry.megabytes * 1e6)
        if progress:
            progress(size // 2, size)
            progress(size, size)
        return destination

    monkeypatch.setattr(weights, "fetch", fetch)
    return paths


def test_a_download_goes_to_the_first_folder_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetched: list[Path]
) -> None:
    blocked = put(tmp_path, "blocked", b"a file where the folder should be")
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(tmp_path / "mine"))
    assert ensure(ENTRY, [tmp_path / "host"]) == tmp_path / "host" / ENTRY.filename
    assert ensure(ENTRY, [blocked]) == tmp_path / "mine" / ENTRY.filename
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(blocked))
    assert ensure(ENTRY, [blocked]) == tmp_path / "cache" / ENTRY.filename
    monkeypatch.setenv("BRUSHWORK_CACHE", str(blocked / "cache"))
    with pytest.raises(WeightsError, match="set BRUSHWORK_WEIGHTS to a folder you may write"):
        ensure(ENTRY, [blocked])


def test_a_damaged_file_in_the_cache_is_replaced(tmp_path: Path, fetched: list[Path]) -> None:
    path = put(tmp_path / "cache", content=b"damaged")
    ensure(ENTRY, [tmp_path / "host"])
    assert fetched == [path]


def test_state_of_a_network(builtin: Path, tmp_path: Path) -> None:
    published = read_manifest().network_files("vgg19-adain")
    states = network_state("vgg19-adain", [tmp_path])
    assert {state.role: str(state) for state in states} == dict.fromkeys(published, "to be downloaded")
    assert str(network_state("msgnet-21styles", [tmp_path])[0]) == "to be put in place by hand"
    put(tmp_path, published["encoder"].filename)
    put(builtin, published["adain"].filename)
    states = network_state("vgg19-adain", [tmp_path])
    assert {state.role: str(state) for state in states} == {"encoder": "present", "adain": "built in"}


def test_progress_of_a_network_counts_all_its_missing_files(tmp_path: Path, fetched: list[Path]) -> None:
    steps: list[tuple[int, int]] = []
    paths = ensure_network("vgg19-adain", [tmp_path], lambda done, total: steps.append((done, total)))
    files = read_manifest().network_files("vgg19-adain")
    assert paths == {role: tmp_path / file.filename for role, file in files.items()}
    total = sum(round(file.megabytes * 1e6) for file in files.values())
    assert steps == sorted(steps) and len(steps) == 4 and {all_ for _, all_ in steps} == {total}
    assert steps[-1] == (total, total)


@pytest.mark.parametrize("name", ["small16x", "vgg19-relu3_1"])
def test_published_files_are_what_the_manifest_says(
    name: str, published: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    states = network_state(name)
    if any(state.path is None for state in states):
        pytest.skip(f"the files of {name} are not at hand")
    for role, path in ensure_network(name).items():
        tensors = read_tensors(path, read_manifest().network_files(name)[role].format)
        assert all(tensor.isfinite().all() for tensor in tensors.values())


TENSORS = {"0.weight": torch.arange(6.0).reshape(2, 3), "0.bias": torch.ones(2, dtype=torch.float16)}


def save_torch(path: Path) -> None:
    torch.save(TENSORS, path)


def save_legacy(path: Path) -> None:
    torch.save(TENSORS, path, _use_new_zipfile_serialization=False)


def save_checkpoint(path: Path) -> None:
    torch.save({"epoch": 20, "model": TENSORS}, path)


def save_safetensors(path: Path) -> None:
    save_file(TENSORS, path)


@pytest.mark.parametrize("save", [save_torch, save_legacy, save_checkpoint, save_safetensors])
def test_tensors_come_back(save: Callable[[Path], None], tmp_path: Path) -> None:
    save(tmp_path / "file")
    tensors = read_tensors(tmp_path / "file", "safetensors" if save is save_safetensors else "torch")
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype and torch.equal(tensors[name], tensor)


class Trap:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("sprung",)


def test_a_pickle_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    torch.save({"0.weight": torch.ones(1), "trap": Trap()}, tmp_path / "new.pth")
    for name in ("trap.pth", "new.pth"):
        with pytest.raises(WeightsError, match="cannot be opened as torch weights"):
            read_tensors(tmp_path / name, "torch")
    assert not (tmp_path / "sprung").exists()
    pickle.loads((tmp_path / "trap.pth").read_bytes())
    assert (tmp_path / "sprung").exists()  # the trap is a real one


@pytest.mark.parametrize("format", ["torch", "safetensors", "onnx"])
def test_what_is_no_file_of_weights(format: str, tmp_path: Path) -> None:
    path = put(tmp_path, "text", b"<html>please log in</html>")
    for file in (path, tmp_path / "missing"):
        with pytest.raises(WeightsError, match=f"cannot be opened as {format} weights"):
            read_tensors(file, format)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, torch.ones(2), [torch.ones(2)], {"model": {"depth": 2}}])
def test_a_file_without_named_tensors(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "file")
    with pytest.raises(WeightsError, match="holds no named tensors"):
        read_tensors(tmp_path / "file", "torch")
