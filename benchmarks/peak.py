"""`python -m brushwork.benchmarks.peak CASE WAY SIZE THREADS` writes the bytes that one picture takes at most."""

import sys

import torch

from .cases import CASES, one_way
from .measure import own_peak


def main(case: str, way: str, size: str, threads: str) -> None:
    """Make one picture, and nothing else, in this process."""
    torch.set_num_threads(int(threads))
    one_way(CASES[case], way, int(size))()
    sys.stdout.write(str(own_peak()))


if __name__ == "__main__":
    main(*sys.argv[1:])
