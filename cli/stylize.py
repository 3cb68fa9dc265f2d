"""`brushwork stylize`: pictures and videos, one or all that are in folders."""

import io
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

from torch import Tensor

from ..media.images import (
    FORMATS,
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
from ..models.weights.manifest import read_manifest
from .cluster import Workers, cluster, paint_pictures
from .contents import STREAM, Found, file_of, find, outputs_of, resolver, styles_at
from .order import MEGAPIXEL, Stylization, made_by, weights_of
from .painter import Painter
from .progress import Progress, printable, shown_progress
from .record import Record, Source, alone
from .report import Report
from .video import stylize_video

log = logging.getLogger(__name__)

AHEAD_PIXELS = 100 * MEGAPIXEL
"""Of a picture while which the next one is read: of larger ones memory holds one at a time."""


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

    # As they are before any is read: one that is still being copied is painted again by the next run.
    sources = {} if record is None else {one.contents[0]: Source.of(file_of(one.contents[0])) for one in left}

    def keep(one: Stylization) -> None:
        if record is not None:
            record.add(one.output, sources[one.contents[0]], orders_of[one.styles])

    with ExitStack() as stack:
        progress = stack.enter_context(shown_progress())
        if record and left:
            for each in {orders_of[one.styles] for one in left}:
                stack.enter_context(alone(order.output, each))
            record.claim([one.output for one in left])
        pictures, videos = [one for one in left if not _is_video(one)], [one for one in left if _is_video(one)]
        painters: dict[tuple[str, ...], Painter] = {}
        workers: Workers | None = None
        if left and order.ray:
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
    return [] if order.json else report.painted


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
                        image, alpha = painters[one.styles].picture(picture, tell, _suffix(one))
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
        sys.stdout.buffer.write(encode_picture(image, _suffix(one), alpha, picture.metadata))
        sys.stdout.buffer.flush()
    else:
        write_picture(one.output, image, alpha, picture.metadata)


def _suffix(one: Stylization) -> str:
    """The ending of the file that is written; stdout's may be told by --name."""
    return one.output.suffix if str(one.output) != STREAM else Path(one.name or "").suffix or ".png"


def _one_by_one(order: Stylization, ours: set[Path]) -> tuple[list[Stylization], list[Stylization], Found]:
    """The order for each style, that for every single picture and video with the file that it becomes, and what was
    found; `ours` are results of runs before."""
    contents = order.contents
    if not all((*contents, *(order.style or ()))):
        raise ValueError("a content or style is named by an empty text, perhaps an unset variable: give its path")
    variants = _by_style(order)
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
        if order.into_folder and not order.overwrite and one.output.exists() and resolve(one.output) not in ours:
            raise ValueError(f"{one.output} is there and no result of ours: name another folder, or give --overwrite")
        if str(one.output) == STREAM:
            check_suffix(_suffix(one))
            continue
        moving = _is_video(one)
        written = [one.output, partial_path(one.output)] if moving else [one.output]
        if not sources.isdisjoint(map(resolve, written)):
            raise ValueError(
                f"the output {one.output} would replace a picture or video that it is made from: choose another name"
            )
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
        if not names:
            raise ValueError(f"no styles of {order.network} are known here: name a bank, or each style as --style-name")
        return [replace(order, style_name=[name]) for name in dict.fromkeys(names)]
    return [replace(order, style=[name]) for name in dict.fromkeys(styles_at(order.style or []))] or [order]


def _is_video(order: Stylization) -> bool:
    """What moves is one where a video or an animation is asked for, and a GIF even with one frame."""
    content, ending = Path(order.contents[0]).suffix.lower(), order.output.suffix.lower()
    if content in VIDEOS or (content == ".gif" and ending in KINDS and ending not in FORMATS):
        return True
    asked = ending in KINDS or (ending == ".png" and content in (".png", ".apng"))
    return content in ANIMATIONS and asked and moves(Path(order.contents[0]))
