"""A picture restyled in tiles is the picture restyled whole, pixel for pixel."""

from hypothesis import given
from hypothesis import strategies as st

from brushwork.tests.laws import law, picture
from brushwork.tests.models.small import KINDS, small_network
from brushwork.tiling.run import Host
from brushwork.tiling.stylize import Recipe, Style, stylize
from brushwork.transfer.wct import METHODS

WHOLE = Host()


def tiles(side: int, **changed: object) -> Host:
    """No piece fits but tiles of one side."""
    return Host(room=0, floor=side, **changed)


NETWORKS = [small_network(kind) for kind in KINDS[:2]]


@law
@given(
    network=st.sampled_from(NETWORKS),
    method=st.sampled_from(["adain", *METHODS]),
    level=st.sampled_from(["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    side=st.integers(1, 60),
    budget=st.sampled_from([0, 1 << 30]),
    seed=st.integers(0, 99),
)
def test_tiled(network, method, level, size, side, budget, seed):
    content, style = picture(*size, batch=1, seed=seed), Style(picture(40, 33, seed=seed + 1))
    recipe = Recipe(method, {level: 0.8})
    whole = stylize(network, content, [style], recipe, WHOLE)
    tiled = stylize(network, content, [style], recipe, tiles(max(side, 8), budget=budget))
    d = (whole - tiled).abs().max()
    assert d < 1e-4, d
