"""`python -m brushwork.tests.comfyui.soak`: random prompts over all nodes on a real ComfyUI, cancelled at random.

Prompts are drawn from the server's own list of nodes (random legal values, wires of the right types, small pictures)
and from our workflows with random values and wires changed. Some are interrupted, some taken out of the queue, some
lose their page in the middle. Every minute all results are forgotten and the server's memory is read. Needs
COMFYUI_DIR and COMFYUI_PYTHON.
"""

import json
import logging
import os
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Any
from uuid import uuid4

import torch
import typer
from PIL import Image
from rich.console import Console
from safetensors.torch import save_file

from brushwork.runner.core_nodes import all_titles, known_nodes
from brushwork.runner.formats import read_workflow
from brushwork.tests.comfyui.client import Client, to_api
from brushwork.tests.comfyui.server import Server
from brushwork.tests.comfyui.websocket import WebSocket
from brushwork.tests.conftest import ROOT
from brushwork.tools.workflows import FOLDER, WORKFLOWS

Prompt = dict[str, dict[str, Any]]
BUILT_IN = ("compact", "compact-adain", "msgnet", "stylebank")
SIDES = (64, 96, 128, 200, 256, 384, 512)
MOST = {"steps": 3, "width": 512, "height": 512, "size": 512, "side": 256, "scale": 2.0, "stroke_size": 2.0}
"""Where a widget would take more than a soak has time for."""
FILES = ("soak.png", "soak_alpha.png", "soak_grey.jpg")
LATENTS = {"soak_4.latent": (1, 4, 16, 16), "soak_16.latent": (2, 16, 9, 24), "soak_video.latent": (1, 16, 3, 8, 8)}
STRANGE = 0.03
"""How often a wire comes from the node that sends what no node should."""
SENTENCE = re.compile(r"[^\n]{10,700}\.")
BUGS = ("RuntimeError", "TypeError", "KeyError", "IndexError", "AttributeError", "AssertionError", "ZeroDivisionError")
"""Exceptions that are none of ours, whatever they say; ours of memory have a class of their own."""
STUCK = 240.0
"""Seconds after which a prompt counts as hanging; 60 after it was interrupted."""


def drawn_value(kind: Any, options: dict[str, Any], name: str, draw: Random) -> Any:  # noqa: ANN401
    """A legal value of a widget: half of them the default, the ends of its range now and then."""
    if isinstance(kind, list):
        if name == "name" and set(BUILT_IN) <= set(kind) and draw.random() < 0.9:
            return draw.choice(BUILT_IN)
        return options["default"] if "default" in options and draw.random() < 0.4 else draw.choice(kind or [""])
    if name in MOST or draw.random() < 0.5 or "default" not in options:
        least = options.get("min", 0)
        most = min(options.get("max", 1), MOST.get(name, 1 << 64))
        if kind == "INT":
            low = max(least, min(64, most)) if name in ("width", "height", "size", "side") else least
            return draw.choice((low, most, draw.randint(low, most)))
        if kind == "FLOAT":
            return draw.choice((least, most, round(draw.uniform(least, most), 3)))
        if kind == "STRING":
            return draw.choice(("soak", f"soak {draw.randint(0, 3)}", "", "ä b\nc", "a/b", "x" * 80))
        if kind == "BOOLEAN":
            return draw.random() < 0.5
    return options["default"]


class Prompts:
    """Draws prompts; `info` is the server's list of nodes."""

    def __init__(self, info: dict[str, Any], seed: int) -> None:
        self.info, self.draw = info, Random(seed)
        self.ours = sorted(name for name, entry in info.items() if name.startswith("Brushwork"))
        self.makers: dict[str, list[str]] = {}
        for name in self.ours:
            for kind in info[name]["output"]:
                self.makers.setdefault(kind, []).append(name)
        titles, nodes = all_titles(), known_nodes()
        read = [to_api(read_workflow(FOLDER / f"{name}.json", nodes, titles)) for name in WORKFLOWS]
        self.saved = [each for each in read if all(node["class_type"] in info for node in each.values())]
        self.next: list[str] = []

    def inputs_of(self, name: str) -> Iterable[tuple[str, Any, dict[str, Any], bool]]:
        """Name, kind, options and whether it is required."""
        for group in ("required", "optional"):
            for each, declared in self.info[name]["input"].get(group, {}).items():
                yield each, declared[0], declared[1] if len(declared) > 1 else {}, group == "required"

    def prompt(self) -> tuple[str, Prompt]:
        """What it is called, and a prompt."""
        if self.draw.random() < 0.25:
            return "workflow", self.changed(self.draw.choice(self.saved))
        if not self.next:
            self.next = self.draw.sample(self.ours, len(self.ours))
        kind, prompt = self.next.pop(), Prompt()
        node = self.add(prompt, kind, 0)
        for slot, output in enumerate(self.info[kind]["output"]):
            self.end(prompt, [node, slot], output)
        return kind, prompt

    def put(self, prompt: Prompt, kind: str, **inputs: Any) -> str:  # noqa: ANN401
        prompt[str(len(prompt) + 1)] = {"class_type": kind, "inputs": inputs}
        return str(len(prompt))

    def add(self, prompt: Prompt, kind: str, depth: int) -> str:
        inputs: dict[str, Any] = {}
        for name, type_, options, required in self.inputs_of(kind):
            if isinstance(type_, list) or type_ in ("INT", "FLOAT", "STRING", "BOOLEAN"):
                inputs[name] = drawn_value(type_, options, name, self.draw)
            elif type_ != "MODEL" and (required or self.draw.random() < 0.3):
                inputs[name] = self.wire(prompt, type_, depth + 1)
        return self.put(prompt, kind, **inputs)

    def wire(self, prompt: Prompt, type_: str, depth: int) -> list[Any]:
        """An output of the type: one that is there, a new node of ours, or one of core's."""
        draw = self.draw
        if draw.random() < STRANGE:
            choices = self.info["TestStrange"]["input"]["required"]["what"][0]
            return [self.put(prompt, "TestStrange", what=draw.choice(choices)), 0]
        there = [
            [node, slot]
            for node, entry in prompt.items()
            for slot, output in enumerate(self.info[entry["class_type"]]["output"])
            if output == type_
        ]
        if there and draw.random() < (0.8 if type_ in ("BRUSHWORK_NETWORK", "LATENT") else 0.5):
            return draw.choice(there)
        if type_ == "BRUSHWORK_NETWORK" and draw.random() < 0.95:
            return [self.add(prompt, "BrushworkLoadStyleNetwork", depth), 0]
        if type_ == "BRUSHWORK_FEATURES" and (depth > 2 or draw.random() < 0.6):
            network, image = self.wire(prompt, "BRUSHWORK_NETWORK", depth + 1), self.wire(prompt, "IMAGE", depth + 1)
            return [self.put(prompt, "BrushworkStyleEncoder", network=network, image=image, level="automatic"), 0]
        makers = self.makers.get(type_, [])
        if makers and (depth < 3 and draw.random() < 0.4 or type_ not in ("IMAGE", "MASK", "LATENT", "VIDEO")):
            maker = draw.choice(makers)
            return [self.add(prompt, maker, depth), self.info[maker]["output"].index(type_)]
        return self.core(prompt, type_)

    def core(self, prompt: Prompt, type_: str) -> list[Any]:
        """The end of a small chain of core's nodes."""
        draw, put = self.draw, self.put
        width, height = draw.choice(SIDES), draw.choice(SIDES)
        if type_ == "MASK":
            if draw.random() < 0.4:
                return [put(prompt, "LoadImage", image=draw.choice(FILES)), 1]
            return [put(prompt, "SolidMask", value=draw.choice((0.0, 0.5, 1.0)), width=width, height=height), 0]
        if type_ == "LATENT":
            if draw.random() < 0.2:
                return [put(prompt, "EmptyLatentImage", width=width, height=height, batch_size=draw.randint(1, 3)), 0]
            return [put(prompt, "LoadLatent", latent=draw.choice(list(LATENTS))), 0]
        if type_ == "VIDEO":
            frames = put(prompt, "RepeatImageBatch", image=self.core(prompt, "IMAGE"), amount=draw.randint(1, 4))
            return [put(prompt, "CreateVideo", images=[frames, 0], fps=draw.choice((1.0, 24.0))), 0]
        if draw.random() < 0.3:
            source = put(prompt, "LoadImage", image=draw.choice(FILES))
        else:
            source = self.add(prompt, "BrushworkSamplePicture", 9)
        scaled = {"upscale_method": "bilinear", "width": width, "height": height, "crop": "disabled"}
        end = put(prompt, "ImageScale", image=[source, 0], **scaled)
        if draw.random() < 0.15:
            end = put(prompt, "RepeatImageBatch", image=[end, 0], amount=draw.randint(2, 3))
        return [end, 0]

    def end(self, prompt: Prompt, wire: list[Any], type_: str) -> None:
        """Something that asks for the output."""
        if type_ == "BRUSHWORK_FEATURES":
            wire, type_ = [self.put(prompt, "BrushworkStyleDecoder", features=wire), 0], "IMAGE"
        if type_ == "LATENT_OPERATION":
            samples = self.wire(prompt, "LATENT", 1)
            wire, type_ = [self.put(prompt, "LatentApplyOperation", samples=samples, operation=wire), 0], "LATENT"
        if type_ == "VIDEO":
            wire, type_ = [self.put(prompt, "GetVideoComponents", video=wire), 0], "IMAGE"
        if type_ == "IMAGE":
            self.put(prompt, self.draw.choice(("PreviewImage", "SaveImage")), images=wire)
            if prompt[str(len(prompt))]["class_type"] == "SaveImage":
                prompt[str(len(prompt))]["inputs"]["filename_prefix"] = "soak"
        else:
            self.put(prompt, "TestSink", value=wire)

    def changed(self, saved: Prompt) -> Prompt:
        """A workflow with small pictures and up to three other values and wires."""
        prompt: Prompt = json.loads(json.dumps(saved))
        small: dict[str, str] = {}
        for node in [node for node, entry in prompt.items() if entry["class_type"] == "BrushworkSamplePicture"]:
            side = self.draw.choice(SIDES)
            scaled = {"upscale_method": "bilinear", "width": side, "height": side, "crop": "center"}
            small[node] = f"small {node}"
            prompt[small[node]] = {"class_type": "ImageScale", "inputs": {"image": ["", 0], **scaled}}
        for entry in prompt.values():
            for name, value in entry["inputs"].items():
                if isinstance(value, list) and value[0] in small:
                    entry["inputs"][name] = [small[value[0]], 0]
                elif name in MOST and not isinstance(value, list | str):
                    entry["inputs"][name] = min(value, MOST[name])
        for node, name in small.items():
            prompt[name]["inputs"]["image"] = [node, 0]
        for _ in range(self.draw.randint(0, 3)):
            entry = self.draw.choice(list(prompt.values()))
            declared = list(self.inputs_of(entry["class_type"]))
            if not declared or entry["class_type"] == "ImageScale":
                continue
            name, type_, options, _ = self.draw.choice(declared)
            if isinstance(type_, list) or type_ in ("INT", "FLOAT", "STRING", "BOOLEAN"):
                entry["inputs"][name] = drawn_value(type_, options, name, self.draw)
            elif self.draw.random() < 0.5 and type_ != "MODEL":
                # Of core's alone: a wire from a later node could close a circle.
                if type_ in ("IMAGE", "MASK", "LATENT"):
                    entry["inputs"][name] = self.core(prompt, type_)
            else:
                entry["inputs"].pop(name, None)
        return prompt


@dataclass
class Counts:
    """What came of the prompts."""

    minutes: float = 0.0
    prompts: int = 0
    nodes: Counter[str] = field(default_factory=Counter)
    """Prompts by the node that they were drawn for; and nodes in them that ran to the end of a prompt."""
    ends: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    """What was done to them."""
    sentences: Counter[str] = field(default_factory=Counter)
    """Errors of ours of one sentence, with numbers left out."""
    core: Counter[str] = field(default_factory=Counter)
    """Errors that core's nodes raised."""
    refused: Counter[str] = field(default_factory=Counter)
    """What the server did not queue."""
    faults: list[dict[str, Any]] = field(default_factory=list)
    memory: list[dict[str, Any]] = field(default_factory=list)


class Page:
    """A page that may be closed in the middle; what the server sends it is read and dropped."""

    def __init__(self, port: int) -> None:
        self.name = uuid4().hex
        self._socket = WebSocket(port, f"/ws?clientId={self.name}", 7200)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        with suppress(OSError, ValueError):
            for _ in self._socket.messages():
                pass

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown()


class Soak:
    def __init__(self, server: Server, seed: int, report: Path) -> None:
        self.server, self.report, self.counts = server, report, Counts()
        self.client = Client(server.port, server.folder)
        self.client.close()  # it only asks; who queues is a page that may go
        self.page = Page(server.port)
        self.draw = Random(seed + 1)
        self.prompts = Prompts(self.client.get("/object_info"), seed)

    def run(self, minutes: float) -> None:
        begun = last = time.monotonic()
        while (now := time.monotonic()) < begun + 60 * minutes:
            if now > last + 60:
                self.sample((now - begun) / 60)
                last = now
            self.one()
        self.sample((time.monotonic() - begun) / 60)

    def one(self) -> None:
        """Some prompts, and what a person does to them."""
        what = self.draw.choices(
            ("nothing", "interrupt", "closed page", "taken from the queue", "queue cleared"), (60, 18, 8, 7, 7)
        )[0]
        several = 1 if what in ("nothing", "interrupt", "closed page") else self.draw.randint(2, 3)
        queued = [prompt for prompt in (self.queue() for _ in range(several)) if prompt]
        self.counts.asked[what] += 1
        if what != "nothing":
            time.sleep(self.draw.choice((0.0, 0.05, 0.3, 1.0, 3.0)))
        if what == "interrupt":
            self.client.interrupt()
        elif what == "closed page":
            self.page.close()
            self.page = Page(self.server.port)
        elif what == "taken from the queue":
            self.client.post("/queue", delete=[prompt for prompt, _, _ in queued[1:]])
        elif what == "queue cleared":
            self.client.post("/queue", clear=True)
            if self.draw.random() < 0.5:
                self.client.interrupt()
        for prompt, kind, graph in queued:
            self.settle(prompt, kind, graph, 60 if what == "interrupt" else STUCK)

    def queue(self) -> tuple[str, str, Prompt] | None:
        kind, graph = self.prompts.prompt()
        self.counts.prompts += 1
        self.counts.nodes[kind] += 1
        try:
            return self.client.post("/prompt", prompt=graph, client_id=self.page.name)["prompt_id"], kind, graph
        except RuntimeError as error:
            answer = json.loads(str(error))
            kinds = {each["type"] for node in answer["node_errors"].values() for each in node["errors"]}
            self.counts.refused[f"{kind}: {', '.join(sorted(kinds)) or answer['error']['type']}"] += 1
            self.counts.ends["refused"] += 1
            return None

    def settle(self, prompt: str, kind: str, graph: Prompt, patience: float) -> None:
        """Wait for a prompt's end, and count it."""
        last = time.monotonic() + patience
        while prompt not in (history := self.client.get(f"/history/{prompt}")):
            queue = self.client.get("/queue")
            ids = {entry[1] for entry in [*queue["queue_running"], *queue["queue_pending"]]}
            if prompt not in ids and prompt not in self.client.get(f"/history/{prompt}"):
                self.counts.ends["taken from the queue"] += 1
                return
            if time.monotonic() > last:
                self.counts.ends["hung"] += 1
                self.counts.faults.append({"hung": kind, "prompt": graph})
                self.client.interrupt()
                last += 600
            time.sleep(0.05)
        status = history[prompt]["status"]
        messages = dict(status["messages"])
        if "execution_interrupted" in messages:
            self.counts.ends["interrupted"] += 1
        elif "execution_error" not in messages:
            self.counts.ends["success"] += 1
        else:
            self.counts.ends["error"] += 1
            error = messages["execution_error"]
            text, node = error["exception_message"].strip(), error["node_type"]
            masked = re.sub(r"\d[\d.]*", "N", text)[:300]
            if not node.startswith("Brushwork"):
                self.counts.core[f"{node}: {error['exception_type']}: {masked[:150]}"] += 1
            elif SENTENCE.fullmatch(text) and error["exception_type"] not in BUGS:
                self.counts.sentences[f"{node}: {masked}"] += 1
            else:
                self.counts.faults.append({"node": node, "error": error, "prompt": graph})
        self.write()

    def sample(self, minute: float) -> None:
        """Forget everything that may be forgotten, and read what is still held."""
        self.client.post("/history", clear=True)
        self.client.free_memory()
        alive = self.client.get("/probe/alive")
        held = self.server.resident
        trimmed = self.client.get("/probe/trimmed")
        free = self.client.get("/system_stats")["system"]["ram_free"]
        figures = {"minute": round(minute, 1), "resident": held, "trimmed": trimmed, "system_free": free}
        self.counts.memory.append({**figures, "alive": alive})
        self.counts.minutes = minute
        for folder in ("output", "temp"):
            for file in (self.server.folder / folder).rglob("*.png"):
                file.unlink(missing_ok=True)
        self.write()

    def write(self) -> None:
        self.report.write_text(json.dumps(vars(self.counts), indent=1))


def flatness(memory: list[dict[str, Any]], warm: float, what: str) -> float:
    """The largest distance from the median after the warm-up, as a share of it."""
    taken = sorted(each[what] for each in memory if each["minute"] >= warm)
    if not taken:
        return 0.0
    median = taken[len(taken) // 2]
    return max(taken[-1] - median, median - taken[0]) / median


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60.0,
    warm: Annotated[float, typer.Option(help="Minutes after which memory should stay.")] = 10.0,
    seed: Annotated[int, typer.Option(help="The same prompts again.")] = 0,
    pack: Annotated[Path, typer.Option(help="The checkout that the server loads.")] = ROOT,
    report: Annotated[Path, typer.Option(help="All figures, as JSON; written as it goes.")] = Path("soak.json"),
) -> None:
    """Soak a real ComfyUI in random prompts."""
    logging.disable(logging.INFO)
    comfyui, python = Path(os.environ["COMFYUI_DIR"]), Path(os.environ["COMFYUI_PYTHON"])
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), comfyui, python, pack)
        try:
            fill(Path(folder) / "input")
            soak = Soak(server, seed, report)
            soak.run(minutes)
        finally:
            server.stop()
            log = (Path(folder) / "server.log").read_text(errors="replace")
            report.with_suffix(".log").write_text(log)
    counts, console = soak.counts, Console()
    console.print(
        f"{counts.prompts} prompts in {counts.minutes:.0f} minutes: {dict(counts.ends)}, {dict(counts.asked)}"
    )
    console.print(f"errors of one sentence: {sum(counts.sentences.values())}, faults: {len(counts.faults)}")
    for what in ("resident", "trimmed"):
        console.print(f"memory {what} after {warm:g} minutes: within {flatness(counts.memory, warm, what):.1%}")


def fill(folder: Path) -> None:
    """Small pictures and latents to load."""
    draw = torch.Generator().manual_seed(0)
    pixels = (torch.rand(90, 160, 4, generator=draw) * 255).byte().numpy()
    for name, mode in zip(FILES, ("RGB", "RGBA", "L"), strict=True):
        Image.fromarray(pixels).convert(mode).save(folder / name)
    for name, shape in LATENTS.items():
        save_file(
            {"latent_tensor": torch.randn(shape, generator=draw), "latent_format_version_0": torch.tensor([])},
            folder / name,
        )


if __name__ == "__main__":
    typer.run(main)
