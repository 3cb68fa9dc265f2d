"""Hosts that make tiles small, and networks and pictures to loop over."""

from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor

from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.tests.models.small import KINDS, TINY, enlivened, small_network
from brushwork.tiling.policy import Host, Policy


def backbone_bank() -> StyleNetwork:
    return enlivened(StyleBankNetwork(("waves",), backbone=TINY)).eval().requires_grad_(False)


def backbone_msgnet() -> StyleNetwork:
    return enlivened(MsgNet(backbone=TINY)).eval().requires_grad_(False)


CASCADES: dict[str, StyleNetwork] = {kind: small_network(kind) for kind in KINDS[:2]}
"""Those that AdaIN and WCT work with."""
LOCAL: dict[str, StyleNetwork] = {
    **CASCADES,
    "StyleBank on a backbone": backbone_bank(),
    "MSG-Net on a backbone": backbone_msgnet(),
}
"""Those that can be tiled."""
WHOLE = Host()
FEATURE_BYTES = Policy().feature_bytes

sizes = st.one_of(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.just(1), st.integers(1, 120)),
    st.tuples(st.integers(1, 120), st.just(1)),
)
sides = st.sampled_from([8, 13, 16, 24, 40, 64])
budgets = st.sampled_from([0, FEATURE_BYTES])


def tiles_of(side: int, budget: int = FEATURE_BYTES, progress: Callable[[int, int], None] | None = None) -> Host:
    """A host on which no tile is larger than one of that side."""
    policy = Policy(tile_bytes=0, whole_bytes=0, minimum_side=side, feature_bytes=budget)
    return Host(progress=progress or (lambda done, total: None), policy=policy)


def masks(size: tuple[int, int], batch: int = 1, seed: int = 0) -> Tensor:
    """Soft ones with some exact zeros and ones, [batch, H, W]."""
    noise = torch.rand(batch, *size, generator=torch.Generator().manual_seed(seed))
    return (2 * noise - 0.5).clamp(0, 1)
