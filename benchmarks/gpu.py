"""`python -m brushwork.benchmarks.gpu`: every method on this machine's GPU, beside the plain way and its limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..methods import METHODS
from ..methods.protocol import Style
from ..methods.render import learn, render
from ..models.networks.base import StyleNetwork
from ..models.networks.gpu_fast import kernels_of
from ..models.networks.graphs import Graphs
from ..models.networks.precision import AUTOMATIC, compute_dtype
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import VGG19
from ..models.registry import load_network
from ..tiling.policy import Host, Policy
from ..transfer.wct import WHITENING
from .cases import CASES, CONTENT, SIZES, STYLE, Case, expect_known, random_vgg, scene
from .measure import counted, decibels
from .plain import plain

CHOSEN: Mapping[str, Case] = {
    **{name: CASES[name] for name in ("adain-vgg19", "adain-compact", "adain-compact-adain")},
    "efdm-compact": Case("EFDM, compact, relu4_1", "efdm", lambda: load_network("compact")),
    "wct-vgg19": Case("WCT, VGG-19 shape, five levels", WHITENING, lambda: random_vgg(VGG19)),
    **{name: CASES[name] for name in ("wct-compact", "msgnet", "msgnet-published", "stylebank", "stylebank-published")},
}
"""What needs no weights but our own: layouts that are published have random ones."""
BATCHES = (1, 8)
SECONDS, MOST_TURNS = 1.0, 20
"""For a way of a row: turns until either is reached."""
COPIED = 1 << 30
"""Bytes of the copy that bandwidth is taken from."""
CHANNELS, SIDE, MANY = 256, 256, 8
"""Of the convolution that the rate is taken from."""
FREE = (torch.ops.aten.empty, torch.ops.aten.empty_like, torch.ops.aten.empty_strided, torch.ops.aten._unsafe_view)
"""Ops that run no kernel."""


class Traffic(TorchDispatchMode):
    """Within it the kernels of one device are counted, and the bytes that they read and write."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device, self.kernels, self.bytes = device, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        result = func(*args, **(kwargs or {}))
        leaves = {id(one): one for one in tree_leaves((args, result)) if isinstance(one, Tensor)}
        ours = [one for one in leaves.values() if one.device.type == self.device.type]
        if ours and not func.is_view and func.overloadpacket not in FREE:
            self.kernels += 1
            self.bytes += sum(min(one.nbytes, one.untyped_storage().nbytes()) for one in ours)
        return result


@dataclass(frozen=True)
class Row:
    """Figures of one case at one size."""

    case: str
    size: str
    batch: int
    dtype: str
    latency: float
    """Seconds from pictures in the host's memory to painted ones there, the style learnt before."""
    on_card: float
    """Seconds where both are on the device, as in ComfyUI."""
    by_graph: float | None
    """The same where CUDA graphs are kept, as on the command line, for methods that they are for; None on a CPU."""
    without_triton: float | None
    """As `on_card`, without the kernels of `triton_kernels`; None where there are none."""
    throughput: float
    """Pictures a second, from and to the host."""
    plain: float | None
    """Seconds of the plain way, a picture after the other, on the device; None where it has none, or no room."""
    arithmetic: float
    """Seconds that the network's products would take at the rate of a large convolution of the same type."""
    bandwidth: float
    """Seconds that the kernels' reading and writing would take at the rate of a large copy."""
    kernels: int
    memory: int
    """Bytes of the device that were held at most, the network included; 0 on a CPU."""
    psnr: float | None
    """Decibels from the picture in float32; None where it is."""

    @property
    def limit(self) -> float:
        """Seconds: the longer of both."""
        return max(self.arithmetic, self.bandwidth)

    def cells(self) -> list[str]:
        """As the table shows them, seconds in thousandths."""
        return [
            f"{CHOSEN[self.case].title}, {self.dtype}",
            f"{self.size} x {self.batch}",
            f"{1e3 * self.latency:.2f}",
            f"{1e3 * self.on_card:.2f}",
            f"{1e3 * self.by_graph:.2f}" if self.by_graph else "",
            f"{1e3 * self.without_triton:.2f}" if self.without_triton else "",
            f"{self.throughput:.1f}",
            f"{1e3 * self.plain:.2f}" if self.plain else "",
            f"{self.on_card / self.plain:.3f}" if self.plain else "",
            f"{1e3 * self.arithmetic:.2f}",
            f"{1e3 * self.bandwidth:.2f}",
            f"{100 * self.limit / self.on_card:.0f} %",
            str(self.kernels),
            f"{self.memory / 1e6:.0f} MB" if self.memory else "",
            f"{self.psnr:.1f} dB" if self.psnr else "",
        ]


COLUMNS = (
    *("case", "size", "ms, host to host", "ms, on the card", "by graph", "no Triton", "pictures/s", "plain, ms"),
    *("of plain", "arithmetic, ms", "bandwidth, ms", "of the limit", "kernels", "memory", "PSNR"),
)


def main(
    case: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(CHOSEN)}; else all.")] = None,
    size: Annotated[list[str] | None, typer.Option(help="512, 1080p, 4K or HEIGHTxWIDTH; else the three.")] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Pictures at once; else 1 and 8.")] = None,
    device: Annotated[str, typer.Option(help="Where to compute.")] = "cuda",
    minutes: Annotated[float, typer.Option(help="After which no row is begun.")] = 7,
    output: Annotated[Path | None, typer.Option(help="A JSON file for the figures.")] = None,
) -> None:
    """Time every method on a GPU: no network, no files but our own, in less than eight minutes."""
    expect_known(case, CHOSEN)
    place = torch.device(device)
    if place.type == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("there is no GPU that torch can use: --device cpu runs it on the CPU")
    table = Table(*COLUMNS, title=machine(place), title_justify="left")
    found = measure(case or list(CHOSEN), size or ["512", "1080p", "4K"], batch or list(BATCHES), place, minutes)
    for row in found:
        table.add_row(*row.cells())
    Console(width=None if Console().is_terminal else 220).print(table)
    if output:
        output.write_text(json.dumps({"machine": machine(place), "rows": [asdict(row) for row in found]}, indent=1))


def measure(
    cases: list[str], sizes: list[str], batches: list[int], device: torch.device, minutes: float = 7
) -> list[Row]:
    """Rows of all cases, the smallest size first, so that a slow card has those; a line says what is left out."""
    until, rows, left = monotonic() + 60 * minutes, list[Row](), list[str]()
    bytes_a_second, rates = _bandwidth(device), dict[torch.dtype, float]()
    for one in sorted(sizes, key=lambda one: pixels(one)[0] * pixels(one)[1]):
        for name in cases:
            if monotonic() > until:
                left.append(f"{name} at {one}")
                continue
            try:
                for row in _rows(name, one, batches, device, bytes_a_second, rates, until, left):
                    rows.append(row)  # at once: what fails later leaves it
            except (RuntimeError, ValueError) as error:  # no library's fault on one card takes the other figures along
                left.append(f"{name} at {one} ({str(error).partition(chr(10))[0]})")
            if device.type == "cuda":
                torch.cuda.empty_cache()
    if left:
        Console(stderr=True).print(f"Left out: {', '.join(left)}", markup=False)
    return rows


def _rows(
    name: str,
    size: str,
    batches: list[int],
    device: torch.device,
    bytes_a_second: float,
    rates: dict[torch.dtype, float],
    until: float,
    left: list[str],
) -> Iterator[Row]:
    case = CHOSEN[name]
    method = METHODS[case.method]
    content, style = scene(CONTENT, pixels(size)), scene(STYLE, pixels(size))
    exact = case.build().to(device)
    source: Tensor | str = exact.styles[0] if isinstance(exact, StyleBankNetwork) else style
    operations = _operations(case)
    # EFDM has no plain way.
    timed = None if case.method == "efdm" else _plainly(exact, case.method, content, style, device)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # or what the plain way took would not count as free
    policy = Policy.within(torch.cuda.mem_get_info(device)[0], device) if device.type == "cuda" else Policy()
    host = Host(device, policy=policy)

    def painter(network: Any) -> Callable[[Tensor, torch.device], Tensor]:  # noqa: ANN401 - a StyleNetwork
        kept = Style(learn(network, method, Style(source), host=host))
        return lambda pictures, place: render(network, method, pictures, [kept], strengths=1.0, host=host, device=place)

    cpu = torch.device("cpu")
    expected = painter(exact)(content, cpu)
    network = exact.prepare(compute_dtype(AUTOMATIC, device))
    dtype = network.dtype
    if dtype not in rates:
        rates[dtype] = _rate(dtype, device)
    ours = painter(network)
    for batch in batches:
        if monotonic() > until:
            left.append(f"{name} at {size}, {batch} at once")
            continue
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        pictures = content.repeat(batch, 1, 1, 1)
        there = pictures.to(device)
        ours(there, device)
        with Traffic(device) as traffic:
            ours(there, device)
        latency = _seconds(lambda pictures=pictures: ours(pictures, cpu), device)
        on_card = _seconds(lambda there=there: ours(there, device), device)
        memory, by_graph, without = 0, None, None
        if device.type == "cuda":
            memory, network.graphs = torch.cuda.max_memory_allocated(device), Graphs(network)
            by_graph, network.graphs = _seconds(lambda there=there: ours(there, device), device), None
            if (kernels := kernels_of(there.device)).work:
                kernels.work = False
                try:
                    without = _seconds(lambda there=there: ours(there, device), device)
                finally:
                    kernels.work = True
        area = batch * content.shape[-2] * content.shape[-1]
        yield (
            Row(
                case=name,
                size=size,
                batch=batch,
                dtype=str(dtype).removeprefix("torch."),
                latency=latency,
                on_card=on_card,
                throughput=batch / latency,
                plain=None if timed is None else batch * timed,
                arithmetic=operations * area / rates[dtype],
                bandwidth=traffic.bytes / bytes_a_second,
                kernels=traffic.kernels,
                memory=memory,
                by_graph=by_graph,
                without_triton=without,
                psnr=None if dtype is torch.float32 else decibels(ours(content, cpu), expected),
            )
        )


def _plainly(exact: StyleNetwork, method: str, content: Tensor, style: Tensor, device: torch.device) -> float | None:
    """Seconds of the plain way; None where the device has no room for it. All that it holds is gone afterwards."""
    try:
        paint, there = plain(exact, method)(style.to(device)), content.to(device)
        return _seconds(lambda: paint(there), device)
    except torch.cuda.OutOfMemoryError:
        return None


def pixels(size: str) -> tuple[int, int]:
    """(H, W) of a size by its name, or as HEIGHTxWIDTH; BadParameter for any other."""
    if size in SIZES:
        return SIZES[size]
    sides = size.split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise typer.BadParameter(f"'{size}' is no size: give {', '.join(SIZES)} or HEIGHTxWIDTH")
    return int(sides[0]), int(sides[1])


def machine(device: torch.device) -> str:
    """The device's name, and torch's version."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return f"{name}, torch {torch.__version__}"


def _operations(case: Case) -> float:
    """Of the network's products, for a pixel: counted on the plain way, which for EFDM is AdaIN's."""
    side = 64
    network = case.build()
    style = scene(STYLE, (side, side))
    paint = plain(network, "adain" if case.method == "efdm" else case.method)(style)
    return counted(lambda: paint(scene(CONTENT, (side, side))))[1] / side**2


def _seconds(work: Callable[[], Tensor], device: torch.device) -> float:
    """The median of turns, the device's work included; the first two warm up."""

    def turn() -> float:
        start = perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return perf_counter() - start

    first = turn()
    if first < SECONDS:
        turn()
    turns, until = [turn()], perf_counter() + SECONDS
    while perf_counter() < until and len(turns) < MOST_TURNS:
        turns.append(turn())
    return median(turns)


def _bandwidth(device: torch.device) -> float:
    """Bytes a second of a copy that no cache holds, read and written."""
    values = torch.empty(COPIED if device.type == "cuda" else COPIED >> 6, dtype=torch.uint8, device=device)
    copy = torch.empty_like(values)
    return 2 * values.nbytes / _seconds(lambda: copy.copy_(values), device)


def _rate(dtype: torch.dtype, device: torch.device) -> float:
    """Operations a second of a large 3x3 convolution, in NHWC as the networks are."""
    channels, side, many = (CHANNELS, SIDE, MANY) if device.type == "cuda" else (CHANNELS // 4, SIDE // 4, 1)
    values = torch.rand(many, channels, side, side, device=device).to(dtype, memory_format=torch.channels_last)
    weight = torch.rand(channels, channels, 3, 3, device=device).to(dtype, memory_format=torch.channels_last)
    work = torch.inference_mode()(lambda: F.conv2d(values, weight, padding=1))
    return 2 * 9 * channels**2 * many * side**2 / _seconds(work, device)


if __name__ == "__main__":
    typer.run(main)
