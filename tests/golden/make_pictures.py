"""Paint the pictures in `painted/` anew, with every network that is built in; to be run whenever its weights change.

    python tests/golden/make_pictures.py

In float32, so that it does not matter which machine does it; needs Brushwork installed, as `make test` leaves it.
"""

from unittest.mock import patch

import torch
from painted import PICTURES, orders

from brushwork.cli.stylize import stylize


def main() -> None:
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with patch("brushwork.methods.api.compute_dtype", lambda *_: torch.float32):
        for order in orders(PICTURES):
            stylize(order)


if __name__ == "__main__":
    main()
