"""A folder with all that a training needs, small enough to carry to a machine with a graphics card and little else.

The package, packed pictures, a loss network, a teacher, and `train.py`, which trains on whatever device is there:

    python OUT/train.py RECIPE --minutes N --out DIR

There Python needs torch, numpy, safetensors and pillow, and no more.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from ..models.weights.manifest import WeightsError
from .files import read_pictures
from .pack import Packed, write_pack
from .recipes import RecipeName, find_recipe, named_fields, train

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("media", "methods", "models", "nodes", "samples", "tiling", "training", "transfer")  # folders that go along
FILES = ("__init__.py", "weights_manifest.json", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "sheets", "*.pyc")
DATA, LOSS_NETWORK, TEACHER = "pictures.pack", "loss_network.safetensors.gz", "teacher.safetensors.gz"
SCRIPT = '''"""Train by one of the recipes: python train.py RECIPE --minutes N --out DIR [--set FIELD=VALUE]"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

if __name__ == "__main__":
    from brushwork.training.bundle import main

    sys.exit(main(HERE, {photo_size}, {style_size}, sys.argv[1:]))
'''
LOG_SECONDS = 10.0  # between two lines of progress


def write_bundle(
    out: Path,
    photos: Sequence[Path],
    styles: Sequence[Path],
    teacher: Path,
    loss_network: Path,
    *,
    photo_size: int = 256,
    style_size: int = 384,
    limit_mib: float = 60,
) -> Packed:
    """Write the folder `out`; pictures get the room that the rest leaves of `limit_mib` MiB.

    Their shorter sides are resized to `photo_size` and `style_size` pixels. ValueError where `out` is there already or
    the limit leaves no room; OSError where it cannot be written.
    """
    if out.exists():
        raise ValueError(f"{out} is there already: name a new folder, or delete it.")
    try:
        for room in ROOMS:
            shutil.copytree(ROOT / room, out / "brushwork" / room, ignore=LEFT_OUT)
        for file in FILES:
            shutil.copy(ROOT / file, out / "brushwork" / file)
        for file, name in ((teacher, TEACHER), (loss_network, LOSS_NETWORK)):
            content = file.read_bytes()
            # Published weights in eight bits take half the room so; a file that is compressed already stays as it is.
            (out / name).write_bytes(content if file.suffix == ".gz" else gzip.compress(content, mtime=0))
        (out / "train.py").write_text(SCRIPT.format(photo_size=photo_size, style_size=style_size), encoding="utf-8")
        room = limit_mib - size_mib(out)
        if room < 1:
            raise ValueError(f"{limit_mib} MiB leave no room for pictures: allow {limit_mib - room + 10:.0f} or more.")
        return write_pack(
            out / DATA,
            read_pictures(photos, photo_size, group="photos"),
            read_pictures(styles, style_size, group="styles"),
            room,
        )
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)  # it was not there before, so all in it is ours
        raise


def size_mib(folder: Path) -> float:
    """MiB of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main(bundle: Path, photo_size: int, style_size: int, arguments: Sequence[str]) -> int:
    """What `train.py` in the folder `bundle` does; 0, or 1 with one line on what is wrong.

    Sizes in the recipe's config that are beyond those of the packed pictures become these.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    parser = argparse.ArgumentParser(prog="train.py")
    parser.add_argument("recipe", choices=get_args(RecipeName))
    parser.add_argument("--out", type=Path, required=True, help="where checkpoints and weights go")
    parser.add_argument("--minutes", type=float, help="how long to train in all; the same command goes on")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="change the recipe's config")
    parser.add_argument("--network", default="", help="the network to train on, a name or a file")
    parser.add_argument("--from-scratch", action="store_true", help="build it in the paper's own layout")
    parser.add_argument("--start", type=Path, help="weights of another run of the recipe, to start from")
    parser.add_argument("--loss-network", default=str(bundle / LOSS_NETWORK), help="another one, a name or a file")
    parser.add_argument("--no-teacher", action="store_true", help="learn from the loss network alone")
    parser.add_argument("--photos", type=Path, action="append", help="other photographs: folders or packs")
    parser.add_argument("--styles", type=Path, action="append", help="other paintings: folders, pictures or packs")
    options = vars(parser.parse_args(arguments))
    recipe, teacher, logged = find_recipe(options["recipe"]), not options.pop("no_teacher"), 0.0
    options["settings"] = [*_packed_sizes(recipe.config(), photo_size, style_size), *options.pop("set")]
    options |= {group: options[group] or [bundle / DATA] for group in ("photos", "styles")}

    def on_step(step: int, losses: dict[str, float]) -> None:
        nonlocal logged
        if time.monotonic() - logged > LOG_SECONDS:
            logged = time.monotonic()
            log.info("step %d: %s", step, ", ".join(f"{name} {value:.3f}" for name, value in losses.items()))

    try:
        files = train(**options, teacher=str(bundle / TEACHER) if teacher and recipe.taught else "", on_step=on_step)
    except (ValueError, OSError, WeightsError) as error:
        log.error("%s", " ".join(str(error).split()))
        return 1
    log.info("%s", " ".join(map(str, files)))
    return 0


def _packed_sizes(config: object, photo_size: int, style_size: int) -> Iterator[str]:
    """Settings that ask for no larger pictures than there are."""
    for name, value in named_fields(config):
        field = name.rpartition(".")[2]
        if field == "style_sizes" and isinstance(value, tuple):
            yield f"{name}={','.join(map(str, sorted({min(size, style_size) for size in value})))}"
        elif field in ("photo", "shorter", "style_size") and isinstance(value, int):
            yield f"{name}={min(value, style_size if field == 'style_size' else photo_size)}"
