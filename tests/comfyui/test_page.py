"""The pack in ComfyUI's own page: needs playwright (the Python package alone) and Chromium, or CHROMIUM for its path.

With `COMFYUI_FLAGS="--cpu --front-end-root FOLDER"` it is another page than the one that ComfyUI pins.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from brushwork.nodes import NODES
from brushwork.nodes.entry import PAINTING_WORDS, PLAIN_WORDS
from brushwork.runner.core_nodes import known_nodes
from brushwork.runner.formats import parse_workflow
from brushwork.tests.comfyui.client import to_api
from brushwork.tests.comfyui.page import Page, browser
from brushwork.tests.comfyui.server import PACK, Server
from brushwork.tests.conftest import ROOT
from brushwork.tools.help_pictures import HELP
from brushwork.tools.workflows import FOLDER, WORKFLOWS

Json = dict[str, Any]
MIX = "BrushworkStyleBankMix"
RUNS = ("adain", "stylebank_fusion", "wct_two_styles")
LANGUAGES = ("en", "zh")
PATIENCE = 30_000
"""Milliseconds."""


@pytest.fixture(scope="module")
def blank(server: Server) -> Iterator[Page]:
    with browser(f"http://127.0.0.1:{server.port}") as page:
        page.open()
        yield page


@pytest.fixture
def page(blank: Page) -> Iterator[Page]:
    """A page of which nobody has complained."""
    blank.close_dialogs()
    blank.errors.clear()
    yield blank
    assert blank.errors == []


def workflow(name: str) -> Json:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def api(graph: Json) -> Json:
    """As the headless reader has it."""
    return to_api(parse_workflow(graph, known_nodes()))


def sizes(graph: Json) -> dict[str, list[int]]:
    return {str(node["id"]): [round(side) for side in node["size"]] for node in graph["nodes"]}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_read_saved_and_read_again(name: str, page: Page) -> None:
    graph = workflow(name)
    page.load(graph)
    absent = ("Missing Models", "CheckpointLoader", "LoraLoader") if name.startswith("diffusion") else ()
    assert [worry for worry in page.worries() if not worry.startswith(absent)] == []
    assert page.prompt() == api(graph)
    assert page.out_of_sight() == []
    saved = page.save()
    assert sizes(saved) == sizes(graph)  # as high as the builder thinks, so that nothing overlaps
    page.load(saved)
    assert page.prompt() == api(saved) == api(graph)


@pytest.mark.parametrize("name", RUNS)
def test_a_workflow_runs_from_the_page(name: str, page: Page) -> None:
    page.load(workflow(name))
    assert page.run() == "execution_success"


def test_a_style_is_chosen_by_its_thumbnail(page: Page) -> None:
    page.load(workflow("stylebank_fusion"))
    before = page.widgets(MIX)
    page.click_thumbnail(MIX, 0.62)  # the third of four
    page.window.locator("dialog button", has_text="hokusai great wave").click(timeout=PATIENCE)
    assert page.widgets(MIX) == {**before, "style_3": "hokusai great wave"}
    assert page.window.locator("dialog").count() == 0
    inputs = [node["inputs"] for node in page.prompt().values() if node["class_type"] == MIX]
    assert "hokusai great wave" in {given["style_3"] for given in inputs}
    assert all("thumbnails" not in given for given in inputs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_help_page_opens_with_its_picture(language: str, page: Page) -> None:
    page.open(language)
    page.load(workflow("adain"))
    locale = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
    for name in NODES:
        page.open_help(name)
        title = locale[name]["display_name"]
        page.window.locator("[class*=node-help] h1", has_text=title).first.wait_for(timeout=PATIENCE)
        if name in HELP:
            page.window.wait_for_function(
                "name => [...document.querySelectorAll('img')].some(i => i.src.includes(name) && i.naturalWidth)",
                arg=name,
            )
    page.open()


def test_every_template_has_its_picture(page: Page) -> None:
    offered = page.window.evaluate("async () => (await (await fetch('/api/workflow_templates')).json())")[PACK]
    assert set(offered) == set(WORKFLOWS)
    page.window.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.window.locator("[role=dialog]").get_by_text(PACK, exact=True).first.click(timeout=PATIENCE)
    page.window.locator('[data-testid="template-workflow-adain"]').wait_for(timeout=PATIENCE)
    pictures = page.window.evaluate(
        "async ([pack, names]) => Promise.all(names.map(async name =>"
        " (await fetch(`/api/workflow_templates/${pack}/${name}.jpg`)).status))",
        [PACK, offered],
    )
    assert set(pictures) == {200}


TITLES = {"style transfer": "Style Transfer", "painting style": "Painting Style", "adain": "AdaIN", "wct": "WCT"}
TITLES |= {"msgnet": "CoMatch (MSG-Net)", "stylebank": "StyleBank"}
WORDS = {**dict.fromkeys(PLAIN_WORDS[:3], "Style Transfer"), **dict.fromkeys(PAINTING_WORDS[2:], "Painting Style")}
WORDS |= {"风格迁移": "Style Transfer", "whitening coloring": "WCT"}
"""What is typed, and what the first node's title holds: by words of the titles, and by words that no title has."""


def test_words_find_their_nodes(page: Page) -> None:
    """Newer servers send search words with the nodes; here they are put into the answer. An older page finds titles."""

    def with_words(route: Any) -> None:  # noqa: ANN401 - playwright's
        answer = route.fetch()
        known = answer.json()
        for name, node in NODES.items():
            known[name]["search_aliases"] = node.SEARCH_ALIASES
        route.fulfill(response=answer, json=known)

    page.window.route("**/object_info", with_words)
    page.open()
    knows_words = bool(page.search("whitening coloring"))
    page.close_search()
    for words, title in (TITLES | WORDS if knows_words else TITLES).items():
        found = page.search(words)
        assert found and title in found[0].splitlines()[0], (words, found[:3])
        page.close_search()
    page.window.unroute("**/object_info")
    page.open()


CHINESE = {"风格迁移": "风格迁移", "绘画": "绘画、油画风格", "油画": "绘画、油画风格", "示例视频": "示例视频"}


def test_chinese_words_find_their_nodes(page: Page) -> None:
    """On a page that searches titles alone, too."""
    page.open("zh")
    for words, title in CHINESE.items():
        found = page.search(words)
        assert found and title in found[0].splitlines()[0], (words, found[:3])
        page.close_search()
    page.open()


def test_a_templates_notes_are_chinese_where_the_page_is(page: Page) -> None:
    words = json.loads((ROOT / "web" / "words" / "zh.json").read_text(encoding="utf-8"))
    page.open("zh")
    page.load(workflow("1_style_transfer"))
    saved = page.save()
    (note,) = [node for node in saved["nodes"] if node["type"] == "MarkdownNote"]
    assert note["widgets_values"][0].startswith(words["## Style Transfer"])
    english = {"Start", "Style Transfer", "Result"}
    assert {group["title"] for group in saved["groups"]} == {words[said] for said in english}
    other = workflow("1_style_transfer")
    del other["extra"]["brushwork"]
    page.load(other)  # anybody's graph stays as it is
    assert {group["title"] for group in page.save()["groups"]} == english
    page.open()
    page.load(workflow("1_style_transfer"))
    assert {group["title"] for group in page.save()["groups"]} == english
