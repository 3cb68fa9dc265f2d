"""Workflows are read here as ComfyUI's own page reads them; needs what `test_page.py` needs."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from brushwork.runner.core_nodes import all_titles, known_nodes
from brushwork.runner.formats import parse_workflow
from brushwork.runner.prefixes import filled
from brushwork.tests.comfyui import drawn
from brushwork.tests.comfyui.client import to_api
from brushwork.tests.comfyui.page import Page, browser
from brushwork.tests.comfyui.server import Server


@pytest.fixture(scope="module")
def page(server: Server) -> Iterator[Page]:
    with browser(f"http://127.0.0.1:{server.port}") as page:
        page.open()
        yield page


def test_prefixes_are_filled_in_as_on_the_page(page: Page) -> None:
    graph = drawn.cases()["a note"]
    named = "%BrushworkSamplePicture.name% %Sample Picture.name% %BrushworkBrushSize.scale% %nobody.x% %width% 100%"
    prefix = f"%date:yyyy-MM-dd%/%date:yy M d%_{named}"
    next(node for node in graph["nodes"] if node["type"] == "SaveImage")["widgets_values"] = [prefix]
    page.load(graph)
    ours = filled(parse_workflow(graph, known_nodes(), all_titles()), datetime.now())
    assert page.prompt()["9"]["inputs"]["filename_prefix"] == ours.nodes["9"].inputs["filename_prefix"]


@pytest.mark.parametrize("name", drawn.cases())
def test_what_the_page_keeps_to_itself(name: str, page: Page) -> None:
    graph = drawn.cases()[name]
    page.load(graph)
    for read in (graph, page.save()):
        assert page.prompt() == to_api(parse_workflow(read, known_nodes()))
