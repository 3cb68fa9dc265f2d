"""What a page does: queue prompts, listen, interrupt, ask for memory back."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from torch import Tensor

from brushwork.media.images import read_picture
from brushwork.runner.graph import Graph, Link
from brushwork.tests.comfyui.websocket import WebSocket

PATIENCE = 300
"""Seconds."""
AGAIN = 2
"""Seconds after which the server is asked to free memory again: busy, it may have missed the call."""
ENDS = ("execution_success", "execution_error", "execution_interrupted")
Event = dict[str, Any]


@dataclass
class Outcome:
    """How a prompt ended, and what came before."""

    end: str = ""
    ran: list[str] = field(default_factory=list)
    """Ids of the nodes that were executed, and not taken from the cache, in order."""
    message: str = ""
    """Of the exception."""
    pictures: list[Path] = field(default_factory=list)
    """Saved by it, or by the run that it repeats; in the order of the nodes' ids."""
    at: float = 0.0
    """When it ended, in seconds of the monotonic clock."""

    @property
    def picture(self) -> Tensor:
        """The only picture [1, H, W, 3]."""
        (path,) = self.pictures
        return read_picture(path)[0]


class Client:
    """A page without a window."""

    def __init__(self, port: int, folder: Path) -> None:
        """`folder` is the server's base folder."""
        self.folder = folder
        self._url = f"http://127.0.0.1:{port}"
        self._open = build_opener(ProxyHandler({})).open
        self._name = uuid4().hex
        self._socket = WebSocket(port, f"/ws?clientId={self._name}", PATIENCE)
        self._messages = self._socket.messages()

    def close(self) -> None:
        self._socket.close()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        with self._open(self._url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """The answer; RuntimeError with its text where the server refuses."""
        request = Request(self._url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with self._open(request, timeout=PATIENCE) as answer:
                text = answer.read()
        except HTTPError as error:
            raise RuntimeError(error.read().decode()) from error
        return json.loads(text) if text else None

    def run(self, graph: Graph, look: Callable[[Event], None] = lambda event: None) -> Outcome:
        """Queue a graph and wait for its end; `look` is shown every event."""
        prompt = self.post("/prompt", prompt=to_api(graph), client_id=self._name)["prompt_id"]
        outcome = Outcome()
        for event in self._events(prompt):
            look(event)
            data = event["data"]
            if event["type"] == "executing" and data["node"]:
                outcome.ran.append(data["node"])
            if event["type"] in ENDS:
                outcome.end = event["type"].removeprefix("execution_")
                outcome.message = data.get("exception_message", "").strip()
                outcome.at = time.monotonic()
                break
        outcome.pictures = self._pictures(prompt)
        return outcome

    def interrupt(self) -> None:
        self.post("/interrupt")

    def unload_models(self) -> None:
        """What the page's button does; the server does it before the next prompt."""
        self._free(unload_models=True)

    def free_memory(self) -> None:
        """The same, and forget all results."""
        self._free(unload_models=True, free_memory=True)

    def loaded(self) -> list[int]:
        """The bytes of every loaded model."""
        return self.get("/probe/models")

    def limit(self, most: int) -> int:
        """No tensor may be larger than so many bytes; how often the last limit was met. 0 is no limit."""
        return self.post("/probe/limit", most=most)

    def _free(self, **what: bool) -> None:
        begun, asked = False, 0.0
        while not begun:
            if time.monotonic() > asked + AGAIN:
                self.post("/free", **what)
                asked = time.monotonic()
            time.sleep(0.01)
            begun = not self.get("/probe/flags")

    def _events(self, prompt: str) -> Iterator[Event]:
        return (event for event in self._messages if event.get("data", {}).get("prompt_id") == prompt)

    def _pictures(self, prompt: str) -> list[Path]:
        while prompt not in (history := self.get(f"/history/{prompt}")):
            time.sleep(0.01)
        shown = history[prompt]["outputs"]
        files = [file for _, node in sorted(shown.items()) for file in node.get("images", ())]
        return [self.folder / file["type"] / file["subfolder"] / file["filename"] for file in files]


def to_api(graph: Graph) -> dict[str, Any]:
    """A graph as the page sends it."""
    plain = {i: {name: _plain(value) for name, value in node.inputs.items()} for i, node in graph.nodes.items()}
    return {i: {"class_type": node.kind, "inputs": plain[i]} for i, node in graph.nodes.items()}


def _plain(value: object) -> object:
    return [value.node, value.slot] if isinstance(value, Link) else value
