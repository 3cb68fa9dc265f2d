"""Draw the painted samples anew.

python -m brushwork.samples.paint samples/
python -m brushwork.samples.paint out/ --only sea_mosaic --side 1024 --seed 3
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from .painting import PAINTERS, SEED, SIDE, paint

# Full chroma resolution: dots and bristles of pure colour lose more by halving it than by this quality.
JPEG = {"quality": 80, "subsampling": 0, "optimize": True}

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pictures as JPEG files into a folder."""
    options = parse(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        path = options.folder / f"{name}.jpg"
        paint(name, options.side, options.seed).save(path, **JPEG)
        log.info("%s: %d bytes", path, path.stat().st_size)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; None stands for the process's own."""
    parser = argparse.ArgumentParser(prog="python -m brushwork.samples.paint", description="Draw the painted samples.")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--only", nargs="+", choices=PAINTERS, default=[*PAINTERS], help="which ones; all unless told")
    parser.add_argument("--side", type=int, default=SIDE, help="pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, another picture (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
