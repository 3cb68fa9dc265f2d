"""ComfyUI's own page, in a browser without a window."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

Json = dict[str, Any]
WINDOW = {"width": 1600, "height": 900}
ALONE = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
"""Nothing outside this machine is looked up."""
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Validation.Workflows": True,
    "Comfy.Workflow.Persist": False,
    "Comfy.VueNodes.Enabled": False,
}
READY = (
    "() => window.app?.graph && window.app.vueAppReady && 'BrushworkAdaIN' in window.LiteGraph.registered_node_types"
)
LOAD = (
    "async graph => { await app.loadGraphData(graph, true, true); await new Promise(done => setTimeout(done, 500)); }"
)
SAVE = "() => JSON.parse(JSON.stringify(app.graph.serialize()))"
WORRIES = """() => [
  ...[...document.querySelectorAll('.p-dialog, [role=dialog], .p-toast-message')].map(box => box.innerText.trim()),
  ...app.graph.nodes.filter(node => node.has_errors).map(node => `${node.type} has a red frame`)].filter(Boolean)"""
OUTSIDE = """() => {
  const [left, top, width, height] = app.canvas.visible_area;
  return app.graph.nodes.filter(({pos, size}) => pos[0] < left || pos[1] - 30 < top
    || pos[0] + size[0] > left + width || pos[1] + size[1] > top + height).map(node => node.title); }"""
RUN = """async () => {
  const kinds = ['execution_success', 'execution_error', 'execution_interrupted'];
  const end = new Promise(done => kinds.forEach(kind =>
    window.comfyAPI.api.api.addEventListener(kind, event => done(kind + (event.detail.exception_message ?? '')))));
  await app.queuePrompt(0);
  return Object.keys(app.lastNodeErrors ?? {}).length ? JSON.stringify(app.lastNodeErrors) : await end; }"""
FIRST = "app.graph.nodes.filter(node => node.type === kind).sort((one, other) => one.id - other.id)[0]"
WIDGETS = f"kind => {FIRST}.widgets.map(widget => [widget.name, widget.value])"
STRIP = (
    f"([kind, share]) => {{ const node = {FIRST};"
    + """
  const strip = node.widgets.filter(widget => widget.name === 'thumbnails')[0];
  const {scale, offset} = app.canvas.ds, corner = app.canvas.canvas.getBoundingClientRect();
  return [corner.left + (node.pos[0] + node.size[0] * share + offset[0]) * scale,
          corner.top + (node.pos[1] + strip.y + strip.computeSize()[1] / 2 + offset[1]) * scale]; }"""
)
HELP = """async kind => {
  const stores = document.querySelector('#vue-app').__vue_app__.config.globalProperties.$pinia._s;
  if (stores.get('rightSidePanel')?.openPanel) {
    const node = LiteGraph.createNode(kind);
    app.graph.add(node);
    app.canvas.selectNode(node);
    stores.get('rightSidePanel').openPanel('info');
  } else {
    const bar = stores.get('sidebarTab');
    if (bar.activeSidebarTabId !== 'node-library') bar.toggleSidebarTab('node-library');
    while (!stores.get('nodeHelp')) await new Promise(done => setTimeout(done, 50));
    stores.get('nodeHelp').openHelp(stores.get('nodeDef').nodeDefsByName[kind]);
  } }"""


class Page:
    """A window on one server."""

    def __init__(self, window: Any, url: str) -> None:  # noqa: ANN401 - playwright's Page, where that is installed
        self.window, self.url = window, url
        self.errors: list[str] = []
        window.on("console", lambda message: self._hear(message.type, message.text, message.location.get("url", "")))
        window.on("pageerror", lambda error: self._hear("error", str(error), error.stack or ""))

    def open(self, locale: str = "en") -> None:
        settings = json.dumps({**SETTINGS, "Comfy.Locale": locale}).encode()
        request = Request(f"{self.url}/api/settings", settings, {"Content-Type": "application/json"})
        build_opener(ProxyHandler({})).open(request).close()
        self.window.goto(self.url, wait_until="domcontentloaded")
        self.window.wait_for_function(READY, timeout=120_000)
        self.close_dialogs()

    def close_dialogs(self) -> None:
        self.window.wait_for_timeout(500)
        for _ in range(4):
            if not self.window.evaluate(WORRIES):
                return
            self.window.keyboard.press("Escape")
            self.window.wait_for_timeout(300)

    def load(self, workflow: Json) -> None:
        self.window.evaluate(LOAD, workflow)

    def save(self) -> Json:
        return self.window.evaluate(SAVE)

    def prompt(self) -> Json:
        """What the page would queue."""
        made = self.window.evaluate("async () => (await app.graphToPrompt()).output")
        return {key: {"class_type": node["class_type"], "inputs": node["inputs"]} for key, node in made.items()}

    def run(self) -> str:
        """Queue what is loaded and wait: "execution_success", or else what went wrong."""
        return self.window.evaluate(RUN)

    def worries(self) -> list[str]:
        """What the page says of the graph in dialogs and by red frames."""
        return self.window.evaluate(WORRIES)

    def out_of_sight(self) -> list[str]:
        """Nodes that do not lie wholly in the window."""
        return self.window.evaluate(OUTSIDE)

    def widgets(self, kind: str) -> Json:
        """The values of the first node of a kind."""
        return dict(self.window.evaluate(WIDGETS, kind))

    def click_thumbnail(self, kind: str, share: float) -> None:
        """On the first node of a kind, this share of its width from the left."""
        self.window.mouse.click(*self.window.evaluate(STRIP, [kind, share]))

    def open_help(self, kind: str) -> None:
        self.window.evaluate(HELP, kind)

    def search(self, words: str) -> list[str]:
        """The nodes that the page's search offers."""
        self.window.evaluate("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
        self.window.wait_for_timeout(700)
        self.window.keyboard.type(words, delay=20)
        self.window.wait_for_timeout(1000)
        found = self.window.locator("[role=option]").all_inner_texts()
        return [text for text in found if text and text != "No results found"]

    def close_search(self) -> None:
        for _ in range(2):
            self.window.keyboard.press("Escape")
            self.window.wait_for_timeout(200)

    def _hear(self, kind: str, text: str, where: str) -> None:
        if kind == "error" and "/extensions/brush-work/" in text + where and "en.md" not in where:
            self.errors.append(text)


@contextmanager
def browser(url: str) -> Iterator[Page]:
    """A page on the server at `url`; skips the test where there is no browser."""
    sync = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no browser is at hand: set CHROMIUM")
    with sync.sync_playwright() as playwright:
        process = playwright.chromium.launch(executable_path=chromium, args=ALONE)
        yield Page(process.new_page(viewport=WINDOW, locale="en-US"), url)
        process.close()
