"""The manifest: what it may say, that it says it, and what its reader answers."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from brushwork.models.weights.keymaps import KEYMAPS
from brushwork.models.weights.manifest import MANIFEST, Manifest, WeightsError, read_manifest

Data = dict[str, Any]
SCHEMA = json.loads((MANIFEST.parent / "models" / "manifest.schema.json").read_text(encoding="utf-8"))
DATA: Data = json.loads(MANIFEST.read_text(encoding="utf-8"))
FETCHED, BLOB, BY_HAND = "small16x-5SE", "vgg19-encoder-relu5_1", "msgnet-21styles"


def valid(data: Data) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(data)


def edited(kind: str, name: str, /, **changes: object) -> Data:
    """The manifest with values of one entry changed, or taken out where the change is None."""
    data = copy.deepcopy(DATA)
    entry = data[kind][name] | changes
    data[kind][name] = {key: value for key, value in entry.items() if value is not None}
    return data


def test_the_manifest_keeps_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(DATA, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_every_url_is_pinned_to_a_commit_or_a_release() -> None:
    urls = [url for file in read_manifest().files.values() for url in file.urls]
    assert urls
    assert all(re.search(r"/[0-9a-f]{40}/|/releases/download/v[\d.]+/", url) for url in urls)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param(FETCHED, {"urls": ["https://example.org/raw/main/5SE.pth"]}, id="branch"),
        pytest.param(FETCHED, {"urls": ["http://example.org/releases/download/v1/5SE.pth"]}, id="plain http"),
        pytest.param(FETCHED, {"sha256": None}, id="no hash and no word about it"),
        pytest.param(FETCHED, {"sha256": "abc"}, id="short hash"),
        pytest.param(FETCHED, {"bytes": None}, id="no size"),
        pytest.param(FETCHED, {"about_megabytes": 3.9}, id="two sizes"),
        pytest.param(FETCHED, {"git_blob": "0" * 40}, id="two hashes"),
        pytest.param(FETCHED, {"filename": "../5SE.pth"}, id="leads upwards"),
        pytest.param(FETCHED, {"filename": "/5SE.pth"}, id="absolute"),
        pytest.param(FETCHED, {"format": "pickle"}, id="format"),
        pytest.param(FETCHED, {"size": 1}, id="unknown key"),
        pytest.param(BLOB, {"git_blob": "f" * 39}, id="short blob"),
        pytest.param(BY_HAND, {"note": None}, id="by hand without a note"),
        pytest.param(BY_HAND, {"urls": None}, id="by hand without a source"),
    ],
)
def test_the_schema_refuses_a_bad_file(name: str, changes: Data) -> None:
    assert not valid(edited("files", name, **changes))


def test_the_schema_takes_a_file_that_is_built_in() -> None:
    assert valid(edited("files", FETCHED, urls=None))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "resnet"},
        {"levels": ["relu6_1"]},
        {"levels": []},
        {"parts": {}},
        {"parts": {"head": FETCHED}},
        {"licence": None},
    ],
)
def test_the_schema_refuses_a_bad_network(changes: Data) -> None:
    assert not valid(edited("networks", "small16x", **changes))


def test_the_networks_of_the_design_are_there() -> None:
    built_in = {"compact", "compact-adain", "stylebank", "msgnet"}
    published = {"small16x", "vgg19", "vgg19-relu3_1", "vgg19-adain", "msgnet-21styles", "stylebank-ichunyeh"}
    assert built_in | published <= set(read_manifest().networks)
    assert next(iter(read_manifest().networks)) == "compact"  # what Load Style Network starts with


def test_files_and_networks_need_each_other() -> None:
    manifest = read_manifest()
    used = {file for network in manifest.networks.values() for file in network.parts.values()}
    assert used == set(manifest.files)


def test_every_file_has_a_place_of_its_own_and_a_key_map() -> None:
    files = read_manifest().files.values()
    assert len({file.filename.lower() for file in files}) == len(files)
    assert {file.keymap for file in files} <= set(KEYMAPS)


@pytest.mark.parametrize("name", DATA["networks"])
def test_parts_agree_with_levels_and_styles(name: str) -> None:
    network = read_manifest().network(name)
    deep = {
        role.split(".", 1)[1] for role in network.parts if role.split(".")[0] in ("encoder", "decoder") and "." in role
    }
    banks = {role for role in network.parts if role.startswith("bank.")}
    assert deep <= set(network.levels)
    whole = "network" in network.parts  # one file holds all
    assert banks == (set() if whole else {f"bank.{index}" for index in range(len(network.styles))})


def test_what_may_be_fetched_is_what_can_be_verified() -> None:
    files = read_manifest().files
    assert files[FETCHED].fetchable and files[BLOB].fetchable
    assert not files[BY_HAND].fetchable
    assert all(file.checked for name, file in files.items() if name != BY_HAND)
    assert files[FETCHED].megabytes == 3.862288 and files[BLOB].megabytes == 51.78


def test_network_files_are_listed_by_role() -> None:
    files = read_manifest().network_files("vgg19-adain")
    assert {role: file.filename for role, file in files.items()} == {
        "encoder": "vgg19_wct/vgg_normalised_conv4_1.pth",
        "adain": "adain/decoder.pth",
    }


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"no network 'vgg20': choose one of compact, .*small16x, vgg19, "):
        read_manifest().network("vgg20")


def read(data: object, folder: Path) -> Manifest:
    path = folder / "weights_manifest.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return read_manifest(path)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda: edited("files", FETCHED, bytes="many"), f"'{FETCHED}'.*bytes"),
        (lambda: edited("files", FETCHED, aliases=[1]), f"'{FETCHED}'.*aliases"),
        (lambda: edited("files", FETCHED, keymap=None), f"'{FETCHED}'.*keymap"),
        (lambda: edited("files", FETCHED, colour="red"), f"'{FETCHED}'.*colour"),
        (lambda: edited("networks", "vgg19", parts={"encoder": 5}), "'vgg19'.*parts"),
        (lambda: edited("networks", "vgg19", parts={"encoder": "vgg20"}), "'vgg19'.*vgg20"),
        (lambda: {"files": {"lonely": 5}, "networks": {}}, "'lonely'.*filename"),
        (lambda: {"files": {}}, "networks"),
        (lambda: [], "not a manifest"),
    ],
)
def test_a_bad_manifest_names_the_entry(damage: Callable[[], Data], named: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=named):
        read(damage(), tmp_path)


def test_a_manifest_that_is_no_json_or_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not a manifest"):
        read_manifest(tmp_path / "missing.json")
    (tmp_path / "text.json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match="not a manifest"):
        read_manifest(tmp_path / "text.json")
