"""`brushwork stylize`: pictures and videos, one or all that are in folders."""

import errno
import io
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Annotated, Literal

from torch import Tensor
from typer import Argument, Option, echo

from ..media.images import (
    FORMATS,
    MAX_PIXELS,
    Picture,
    check_folder,
    check_suffix,
    encode_picture,
    load_picture,
    write_picture,
)
from ..media.video_read import ANIMATIONS, VIDEOS, moves
from ..media.video_write import KINDS, check_video_suffix, partial_path
from ..methods import METHODS
from ..methods.motion import STABILITY
from ..models.weights.manifest import read_manifest
from ..runner.errors import user_message
from ..tiling.policy import out_of_memory
from .contents import STREAM, Found, find, is_many, outputs_of, resolver, styles_at
from .painter import Painter, file_of, made_by, weights_of
from .progress import Progress, printable, shown_progress
from .record import Record, alone
from .video import stylize_video

log = logging.getLogger(__name__)

MEGAPIXEL = 10**6
AHEAD_PIXELS = 100 * MEGAPIXEL
"""Of a picture while which the next one is read: of larger ones memory holds one at a time."""
NAMED = 20
"""Failures that the last line names; each was said when it happened."""
GONE = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ENOTCONN", "ESTALE", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT")
"""Errors of writing after which no other picture can be written either: the disk is full, or the drive is gone."""
UNREAD = 20
"""Contents in a row that are not there any more, or that the drive does not give: then the drive is gone."""
STATUSES = {"painted": "painted", "skipped": "done before", "planned": "to paint", "failed": "failed"}
"""What becomes of a file, in JSON and in words."""

if TYPE_CHECKING:
    from .cluster import Workers

    MethodName = str
    Contents = str | list[str]
else:
    MethodName = Literal[tuple(METHODS)]  # the command line shows the choices
    Contents = list[str]  # and takes several


@dataclass(frozen=True, kw_only=True)
class Stylization:
    """What to do, which is also the command line's face: names, defaults and help are read off this class."""

    content: Annotated[
        Contents,
        Argument(help="Pictures and videos to stylize, folders or patterns ('in/**/*.jpg') of them, a sample, or -."),
    ]
    output: Annotated[
        Path, Option("--output", "-o", help="The picture or video to write; for several, a folder; - is stdout.")
    ]
    style: Annotated[
        list[str] | None, Option("--style", "-s", help="A style picture or a sample's name; up to four.")
    ] = None
    weight: Annotated[list[float] | None, Option("--weight", "-w", help="How much each style counts, in order.")] = None
    method: Annotated[MethodName, Option(help="The method.")] = "adain"
    network: Annotated[str | None, Option(help="A network that `weights list` shows; else the method's own.")] = None
    alpha: Annotated[
        float | None, Option(help="Strength, 0 to 1; else 1, or for WCT the paper's 0.6 at each level.")
    ] = None
    levels: Annotated[
        str | None, Option(help="Levels with commas, coarse to fine: relu4_1,relu3_1; else the method's own.")
    ] = None
    mask: Annotated[Path | None, Option(help="A picture that is white where the content is restyled.")] = None
    preserve_color: Annotated[
        Literal["none", "luminance", "matching"], Option(help="Whether to keep the content's colours.")
    ] = "none"
    style_size: Annotated[
        int | None, Option(help="Scale the styles to this longer side: larger gives larger strokes.")
    ] = None
    style_name: Annotated[list[str] | None, Option(help="A style of a StyleBank by name; up to four.")] = None
    statistics: Annotated[
        Literal["smoothed", "per image"],
        Option(help="In a video: with those of frames shortly before, or each by itself."),
    ] = "smoothed"
    stability: Annotated[
        float, Option(help="In a video: how long paint stays on what moves, from 0, frame by frame, to 1, for seconds.")
    ] = STABILITY
    max_size: Annotated[
        int | None, Option(help="Shrink the content to this longer side first; the output is as small.")
    ] = None
    each_style: Annotated[
        bool, Option("--each-style", help="A picture in each of any number of styles; --style may be a folder.")
    ] = False
    name: Annotated[
        str | None,
        Option(help="Names in the output folder: '{stem}_{style}.jpg'; also {name}, {parent}, {method}, {number}."),
    ] = None
    keep_metadata: Annotated[
        bool, Option("--keep-metadata", help="Keep EXIF and resolution, and embed the profile sRGB.")
    ] = False
    overwrite: Annotated[bool, Option("--overwrite", help="Paint again what is done.")] = False
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be painted, and paint nothing.")] = False
    json: Annotated[bool, Option("--json", help="A line of JSON on stdout for each file, and one at the end.")] = False
    max_megapixels: Annotated[
        float, Option(help="Refuse pictures of more million pixels, which might fill the memory.")
    ] = MAX_PIXELS / MEGAPIXEL
    ray: Annotated[
        str | None,
        Option(metavar="ADDRESS", help="Paint on a Ray cluster at HOST:PORT, auto (here), or local: this machine."),
    ] = None
    workers: Annotated[
        int | None, Option(min=1, help="How many paint at once with --ray; else one a GPU, or one a machine.")
    ] = None

    @property
    def max_pixels(self) -> int:
        """Of a picture that is read."""
        return round(self.max_megapixels * MEGAPIXEL)

    @property
    def contents(self) -> list[str]:
        """All that was named."""
        return [self.content] if isinstance(self.content, str) else [*self.content]

    @property
    def into_folder(self) -> bool:
        """Whether there may be several outputs."""
        return self.each_style or is_many(self.contents)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles by name or path; none stands for a bank's first."""
        return tuple(self.style or self.style_name or ())


class UnfinishedError(RuntimeError):
    """Some of many could not be painted."""


class StoppedError(OSError):
    """No more can be written, or read."""


def stylize(order: Stylization) -> list[Path] | list[str]:
    """Stylize pictures and videos; each output has its content's size, and its transparency.

    In folders those that cannot be painted are named at the end, and what is done already is passed over:
    `.brushwork.jsonl` beside the outputs says how each was made.
    """
    if order.workers and not order.ray:
        raise ValueError("--workers are those of a Ray cluster: name it, or give --ray local for this machine")
    record = Record(order.output) if order.into_folder else None
    variants, orders, found = _one_by_one(order, record.outputs if record else set())
    orders_of = {one.styles: made_by(one) for one in variants} if record else {}
    report = Report(order)

    def is_done(one: Stylization) -> bool:
        if record is None or order.overwrite:
            return False
        return record.has(one.output, file_of(one.contents[0]), orders_of[one.styles])

    left: list[Stylization] = []
    for one in orders:
        if is_done(one):
            report.tell(one, "skipped")
        else:
            left.append(one)
    if order.dry_run:
        for one in left:
            report.tell(one, "planned")
        report.end(found)
        arrows = [f"{printable(one.contents[0])} -> {printable(str(one.output))}" for one in left]
        return [] if order.json else arrows

    def keep(one: Stylization) -> None:
        if record is not None:
            record.add(one.output, file_of(one.contents[0]), orders_of[one.styles])

    with ExitStack() as stack:
        progress = stack.enter_context(shown_progress())
        if record:
            for each in {orders_of[one.styles] for one in left}:
                stack.enter_context(alone(order.output, each))
        pictures, videos = [one for one in left if not _is_video(one)], [one for one in left if _is_video(one)]
        painters: dict[tuple[str, ...], Painter] = {}
        workers: Workers | None = None
        if left and order.ray:
            from .cluster import cluster, paint_pictures

            workers = stack.enter_context(cluster(order, variants))
            report.stdout = sys.stdout
            stack.enter_context(redirect_stdout(sys.stderr))  # Ray tells there of workers that died
            paint_pictures(pictures, workers, report, keep, progress)
        else:

            def told(done: int, total: int) -> None:
                progress(done / 1e6, total // 10**6, "MB of weights")

            for one in variants if left else ():
                first = next(iter(painters.values()), None)
                painters[one.styles] = Painter(one, told, first)
            _paint_pictures(pictures, painters, report, keep, progress)
        for one in videos:
            with report.attempt([one]):
                paint = partial(workers.video, one.styles) if workers else painters[one.styles].video
                stylize_video(one, paint, progress)
                keep(one)
                report.tell(one, "painted")
    report.end(found)
    if report.failures:
        report.name_painted()
        named = "; ".join(report.failures[:NAMED])
        more = f"; and {len(report.failures) - NAMED} more" if len(report.failures) > NAMED else ""
        raise UnfinishedError(f"{len(report.failures)} of {len(left)} could not be painted: {named}{more}")
    return [] if order.json else report.painted


@dataclass
class Report:
    """What became of each content: said at once in JSON, and summed up at the end."""

    order: Stylization
    counts: Counter[str] = field(default_factory=Counter)
    painted: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unread: int = 0
    """Contents in a row up to now that the drive did not give."""
    started: float = field(default_factory=perf_counter)
    stdout: IO[str] | None = None
    """Where lines go, unless it is `sys.stdout` of the moment."""

    def tell(self, one: Stylization, status: str, **more: object) -> None:
        self.counts[status] += 1
        if status == "painted" and str(one.output) != STREAM:
            self.painted.append(one.output)
        if self.order.json:
            line = {"status": status, "content": one.contents[0], "output": str(one.output), "styles": one.styles}
            echo(json.dumps(line | more), self.stdout)

    @contextmanager
    def attempt(self, orders: Sequence[Stylization], reading: bool = False) -> Iterator[None]:
        """Inside the block an error is that of these, and the others go on; unless nothing can be written any more.

        An error of the disk in `reading` may be that of one bad file; many in a row are a drive that is gone.
        """
        try:
            yield
            self.unread = 0
        except StoppedError:
            raise
        except Exception as error:
            line = user_message(error)
            if out_of_memory(error):
                line = f"{orders[0].contents[0]} needs more memory than there is: shrink it by --max-size"
            if not self.order.into_folder:
                if self.order.json and line is not None and not self.counts["failed"]:
                    self.tell(orders[0], "failed", error=line)
                if line is None or not out_of_memory(error):
                    raise
                raise ValueError(line) from error
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            stays = "what is painted stays, and the same command goes on from there"
            ends = isinstance(cause, OSError) and errno.errorcode.get(cause.errno or 0) in GONE
            if ends and not reading:
                self.name_painted()
                raise StoppedError(f"{line}: see to the disk; {stays}") from error
            self.unread = self.unread + 1 if ends or isinstance(cause, FileNotFoundError) else 0
            if self.unread == UNREAD:
                self.name_painted()
                row = f"{UNREAD} contents in a row cannot be read, the last of them {orders[0].contents[0]}"
                raise StoppedError(f"{row}: see to the drive or the folder that they are on; {stays}") from error
            if line is None:  # a bug, which shall not cost the others a night
                line = f"{type(error).__name__}: {error}"
                log.error("%s", printable(orders[0].contents[0]), exc_info=error)
            content = orders[0].contents[0]
            line = line if " ".join(content.split()) in line else f"{content}: {line}"
            log.warning("%s", printable(line))
            self.failures.append(line)
            for one in orders:
                self.tell(one, "failed", error=line)

    def name_painted(self) -> None:
        """Where an error takes the place of the answer."""
        for path in () if self.order.json else self.painted:
            echo(printable(str(path)), self.stdout)

    def end(self, found: Found) -> None:
        """Sum up what became of many."""
        if not self.order.into_folder:
            return
        passed = {"hidden": found.hidden, "no pictures": found.others}
        counts = {status: self.counts[status] for status in STATUSES if self.counts[status]}
        if self.order.json:
            seconds = round(perf_counter() - self.started, 3)
            echo(json.dumps({"status": "end", **counts, "passed over": passed, "seconds": seconds}), self.stdout)
            return
        over = ", ".join(f"{count} {name}" for name, count in passed.items() if count)
        line = ", ".join(f"{count} {STATUSES[status]}" for status, count in counts.items())
        echo(line + f"; passed over: {over}" * bool(over) + ".", err=True)


def _paint_pictures(
    orders: Sequence[Stylization],
    painters: dict[tuple[str, ...], Painter],
    report: Report,
    keep: Callable[[Stylization], None],
    progress: Progress,
) -> None:
    """Paint one after the other, while the next one is read and the last one is written."""
    groups = [list(group) for _, group in groupby(orders, key=lambda one: one.contents[0])]
    number = 0
    ahead: Future[Picture] | None = None
    written: tuple[Stylization, Future[None]] | None = None

    def save(one: Stylization, image: Tensor, alpha: Tensor | None, picture: Picture) -> None:
        _save(one, image, alpha, picture)
        keep(one)

    def settle(pending: tuple[Stylization, Future[None]] | None) -> None:
        if pending:
            with report.attempt([pending[0]]):
                pending[1].result()
                report.tell(pending[0], "painted")

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        for index, group in enumerate(groups):
            name, coming = printable(Path(group[0].contents[0]).name), ahead
            ahead = None
            with report.attempt(group, reading=True):
                picture = coming.result() if coming else _load(group[0])
                large = picture.image[..., 0].numel() > AHEAD_PIXELS
                if index + 1 < len(groups) and not large:
                    ahead = reader.submit(_load, groups[index + 1][0])
                for offset, one in enumerate(group):

                    def tell(done: int, total: int, before: int = number + offset, name: str = name) -> None:
                        progress(before + done / max(total, 1), len(orders), name)

                    with report.attempt([one]):
                        image, alpha = painters[one.styles].picture(picture, tell)
                        pending, written = written, (one, writer.submit(save, one, image, alpha, picture))
                        settle(pending)
                        if large:
                            pending, written = written, None
                            settle(pending)
            number += len(group)
        settle(written)


def _load(one: Stylization) -> Picture:
    content = one.contents[0]
    source = io.BytesIO(sys.stdin.buffer.read()) if content == STREAM else file_of(content)
    return load_picture(source, max_pixels=one.max_pixels, metadata=one.keep_metadata)


def _save(one: Stylization, image: Tensor, alpha: Tensor | None, picture: Picture) -> None:
    if str(one.output) == STREAM:
        ending = Path(one.name or "").suffix
        sys.stdout.buffer.write(encode_picture(image, ending or ".png", alpha, picture.metadata))
        sys.stdout.buffer.flush()
    else:
        write_picture(one.output, image, alpha, picture.metadata)


def _one_by_one(order: Stylization, ours: set[Path]) -> tuple[list[Stylization], list[Stylization], Found]:
    """The order for each style, that for every single picture and video with the file that it becomes, and what was
    found; `ours` are results of runs before."""
    contents, variants = order.contents, _by_style(order)
    for one in variants:
        weights_of(one)  # refuses what cannot be painted before any file is looked at
    if STREAM in (*contents, str(order.output)) and (order.into_folder or order.json or order.dry_run or order.ray):
        raise ValueError(
            "- is one picture in one style: name no folder, and leave --each-style, --json, --dry-run and --ray out"
        )
    if str(order.output) == STREAM and sys.stdout.isatty():
        raise ValueError("a picture would fill the terminal: send stdout into a file or a program")
    found = find(contents, order.output, ours)
    into_folder = order.into_folder or order.name is not None or order.output.is_dir()
    if str(order.output) == STREAM or not into_folder:
        rows = [[order.output]]
    else:
        if order.output.suffix and not order.output.is_dir():
            what = "the content is a folder" if Path(contents[0]).is_dir() else "there may be several pictures"
            raise ValueError(f"{what}, so the output {order.output} has to be one: leave its suffix out")
        named = [Path(style).stem if Path(style).suffix else style for style in order.styles]
        labels = [one.styles[0] for one in variants] if order.each_style else ["_".join(named)]
        pattern = order.name or ("{stem}_{style}" if order.each_style else "{stem}")
        rows = outputs_of(found, order.output, pattern, labels, order.method)
    orders = [
        replace(one, content=str(file), output=output, each_style=False)
        for (file, _), row in zip(found.files, rows, strict=True)
        for one, output in zip(variants, row, strict=True)
    ]
    named = (*(style for one in variants for style in one.style or []), *([order.mask] if order.mask else []))
    resolve = resolver()
    sources = {resolve(Path(name)) for name in (*(file for file, _ in found.files), *named)}
    for one in orders:
        if str(one.output) == STREAM:
            check_suffix(Path(one.name or "").suffix or ".png")
        elif not sources.isdisjoint((resolve(one.output), resolve(partial_path(one.output)))):
            raise ValueError(
                f"the output {one.output} would replace a picture or video that it is made from: choose another name"
            )
        else:
            moving = _is_video(one)
            animated = Path(one.contents[0]).suffix.lower() in ANIMATIONS and one.output.suffix.lower() == ".png"
            if not (moving and animated):
                (check_video_suffix if moving else check_suffix)(one.output.suffix)
    for folder in {one.output.parent for one in orders if str(one.output) != STREAM}:
        check_folder(folder)
    for file, _ in found.files:
        if str(file) != STREAM:
            file_of(file)
    return variants, orders, found


def _by_style(order: Stylization) -> list[Stylization]:
    """The order itself, or one for each style."""
    if not order.each_style:
        return [order]
    if order.weight:
        raise ValueError("--weight mixes styles, and --each-style keeps them apart: leave one of them out")
    if order.method == "stylebank":
        network, _, _ = (order.network or METHODS[order.method].network).partition("/")
        known = read_manifest().networks
        names = order.style_name or list(known[network].styles if network in known else ())
        return [replace(order, style_name=[name]) for name in dict.fromkeys(names)] or [order]
    return [replace(order, style=[name]) for name in dict.fromkeys(styles_at(order.style or []))] or [order]


def _is_video(order: Stylization) -> bool:
    """What moves is one where a video or an animation is asked for, and a GIF even with one frame."""
    content, ending = Path(order.contents[0]).suffix.lower(), order.output.suffix.lower()
    if content in VIDEOS or (content == ".gif" and ending in KINDS and ending not in FORMATS):
        return True
    asked = ending in KINDS or (ending == ".png" and content in (".png", ".apng"))
    return content in ANIMATIONS and asked and moves(Path(order.contents[0]))
