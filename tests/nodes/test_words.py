"""Help pages and translations: for every node in both languages, and for nothing else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import brushwork
from brushwork.nodes import NODES
from brushwork.nodes.entry import PAINTING_WORDS, PLAIN_WORDS
from brushwork.tools.help_pictures import FOLDER, HELP
from brushwork.tools.workflows import FOLDER as WORKFLOW_FOLDER
from brushwork.tools.workflows import WORKFLOWS
from brushwork.tools.workflows.stylebank import ABOUT_STYLEBANK

ENTRY = ["BrushworkStyleTransfer", "BrushworkPaintedStyle"]
ROOT = Path(__file__).parents[2]
PAGES = ROOT / brushwork.WEB_DIRECTORY / "docs"
LANGUAGES = ("en", "zh")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
every_node = pytest.mark.parametrize("name", NODES)
each_language = pytest.mark.parametrize("language", LANGUAGES)
Json = dict[str, Any]


def read(language: str, file: str) -> Json:
    return json.loads((ROOT / "locales" / language / file).read_text(encoding="utf-8"))


def page(name: str, language: str) -> str:
    path = PAGES / f"{name}.md" if language == "en" else PAGES / name / f"{language}.md"
    return path.read_text(encoding="utf-8")


def inputs(name: str) -> dict[str, tuple[Any, Json]]:
    given = NODES[name].INPUT_TYPES()
    return {**given["required"], **given.get("optional", {})}


def own_words(name: str) -> Json:
    """What the node itself says, in the form of a locale file."""
    node = NODES[name]
    outputs = enumerate(zip(node.RETURN_NAMES, node.OUTPUT_TOOLTIPS, strict=True))
    return {
        "display_name": node.TITLE,
        "description": node.DESCRIPTION,
        "inputs": {key: {"name": key, "tooltip": options["tooltip"]} for key, (_, options) in inputs(name).items()},
        "outputs": {str(index): {"name": title, "tooltip": tip} for index, (title, tip) in outputs},
    }


def leaves(tree: Mapping[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{path}/{key}") if isinstance(value, Mapping) else {f"{path}/{key}": value}
    return found


@each_language
def test_locales_know_every_node_and_no_other(language: str) -> None:
    assert set(read(language, "nodeDefs.json")) == set(NODES)


@every_node
def test_english_says_what_the_node_says(name: str) -> None:
    """ComfyUI shows the locale's words in place of the node's."""
    assert read("en", "nodeDefs.json")[name] == own_words(name)


@every_node
def test_chinese_names_every_input_and_output_and_no_other(name: str) -> None:
    assert set(leaves(read("zh", "nodeDefs.json")[name])) == set(leaves(own_words(name)))


@every_node
def test_chinese_is_chinese(name: str) -> None:
    words = leaves(read("zh", "nodeDefs.json")[name])
    assert [path for path, text in words.items() if not CHINESE.search(text)] == []


@each_language
def test_every_category_has_a_name(language: str) -> None:
    parts = {part for node in NODES.values() for part in node.CATEGORY.split("/")}
    assert set(read(language, "main.json")["nodeCategories"]) == parts


def test_no_page_without_a_node() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(NODES)
    assert {path.relative_to(PAGES).as_posix() for path in PAGES.glob("*/*")} == {f"{name}/zh.md" for name in NODES}


@every_node
@each_language
def test_page_is_short_and_under_the_nodes_title(name: str, language: str) -> None:
    lines = page(name, language).splitlines()
    assert lines[0] == f"# {read(language, 'nodeDefs.json')[name]['display_name']}"
    assert 25 <= len(lines) <= 50
    assert max(map(len, lines)) <= 400  # a paragraph is a line, as Markdown has it


@every_node
@each_language
def test_page_explains_every_input_and_output(name: str, language: str) -> None:
    text = page(name, language)
    slots = {f"image_{slot}" for slot in range(2, 12)}  # "image_1 ... image_12"
    named = (set(inputs(name)) | set(NODES[name].RETURN_NAMES)) - slots
    assert {key for key in named if f"`{key}`" not in text} == set()


@every_node
def test_both_pages_have_one_outline_and_the_same_code(name: str) -> None:
    english, chinese = page(name, "en"), page(name, "zh")
    assert CHINESE.search(chinese) and not CHINESE.search(english)
    for pattern in (r"^#+ ", r"^\| ", r"^- ", r"^```", r"arXiv \d{4}\.\d{5}"):
        first, second = (re.findall(pattern, text, re.MULTILINE) for text in (english, chinese))
        assert len(first) == len(second), pattern


@pytest.mark.parametrize("name", [*HELP, "BrushworkHoldStill", "BrushworkLearnStyle"])
@each_language
def test_page_shows_what_the_inputs_change(name: str, language: str) -> None:
    (picture,) = re.findall(r"^!\[.+\]\((.+)\)$", page(name, language), re.MULTILINE)
    assert (PAGES / picture).resolve() == FOLDER / f"{name}.jpg"  # the page looks from docs/ for both languages
    assert (FOLDER / f"{name}.jpg").stat().st_size < 80_000


@every_node
@each_language
def test_pages_name_titles_that_exist(name: str, language: str) -> None:
    """Nodes are written in bold, by the title that the reader sees."""
    titles = {words["display_name"] for words in read(language, "nodeDefs.json").values()}
    core = {"Load Image", "Save Image", "Preview Image", "Load Video", "VAE Encode"}
    named = set(re.findall(r"\*\*(.+?)\*\*", page(name, language)))
    assert named <= titles | core


@pytest.mark.parametrize(
    ("words", "found"),
    [*((word, ENTRY[:1]) for word in PLAIN_WORDS), *((word, ENTRY) for word in PAINTING_WORDS)],
)
def test_plain_words_find_the_entry_nodes_alone(words: str, found: list[str]) -> None:
    """Somebody who knows none of the papers should see where to start, and no stage."""
    assert [name for name, node in NODES.items() if words in node.SEARCH_ALIASES] == found


@pytest.mark.parametrize(
    ("words", "first"), [("adain", "StyleTransfer"), ("wct", "StyleTransfer"), ("stylebank", "PaintedStyle")]
)
def test_the_papers_names_find_the_entry_nodes_first(words: str, first: str) -> None:
    assert next(name for name, node in NODES.items() if words in node.SEARCH_ALIASES) == f"Brushwork{first}"


@every_node
def test_search_words_are_plain_and_come_once(name: str) -> None:
    words = NODES[name].SEARCH_ALIASES
    assert len(set(words)) == len(words)
    assert all(word == word.lower().strip() for word in words)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("arbitrary style transfer", "BrushworkAdaIN"),
        ("adaptive instance normalization", "BrushworkAdaIN"),
        ("universal style transfer", "BrushworkWCT"),
        ("whitening coloring", "BrushworkWCTLevel"),
        ("multi-style generative network", "BrushworkCoMatch"),
        ("explicit representation", "BrushworkStyleBankFilter"),
        ("spatial control", "BrushworkRegionMask"),
        ("texture synthesis", "BrushworkTextureNoise"),
    ],
)
def test_papers_find_their_nodes(words: str, found: str) -> None:
    assert any(words in alias for alias in NODES[found].SEARCH_ALIASES)


def test_chinese_says_every_line_of_the_templates() -> None:
    """Notes, groups and titles, which `web/js/words.js` puts into templates; names of methods and levels stay."""
    words = json.loads((ROOT / brushwork.WEB_DIRECTORY / "words" / "zh.json").read_text(encoding="utf-8"))
    lines: set[str] = set()
    for name in WORKFLOWS:
        page = json.loads((WORKFLOW_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        assert page["extra"]["brushwork"] == name
        notes = [node["widgets_values"][0] for node in page["nodes"] if node["type"] == "MarkdownNote"]
        titles = [each["title"] for each in (*page["nodes"], *page["groups"]) if "title" in each]
        lines |= {line for text in (*notes, *titles) for line in text.splitlines() if line}
    names = re.compile(r"(## )?(AdaIN|MSG-Net|StyleBank|CoMatch|WCT relu\d_1)")
    unsaid = {line for line in lines - set(words) if not names.fullmatch(line)}
    assert unsaid <= {ABOUT_STYLEBANK}  # has a number that changes with the bank
    for said, text in words.items():
        assert CHINESE.search(text)
        assert [said.startswith(mark) for mark in ("## ", "**")] == [text.startswith(mark) for mark in ("## ", "**")]
        assert text.count("*") % 2 == 0
