"""`python -m brushwork.benchmarks.peak CASE WAY SIZE THREADS` writes the bytes that one picture takes at most."""

import sys

import torch

from .cases import CASES, way_through
from .measure import own_peak
from .scenes import CONTENT, SIZES, STYLE, scene


def main(case: str, way: str, size: str, threads: str) -> None:
    """Make one picture, and nothing else, in this process."""
    torch.set_num_threads(int(threads))
    content, style = (scene(name, SIZES[size]) for name in (CONTENT, STYLE))
    way_through(CASES[case], way).painter.picture(content, style)
    sys.stdout.write(str(own_peak()))


if __name__ == "__main__":
    main(*sys.argv[1:])
