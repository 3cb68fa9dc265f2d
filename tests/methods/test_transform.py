"""A step on whole maps, as stage nodes take it: a large batch passes through float32 in slices."""

import pytest
import torch

from brushwork.methods import METHODS, whole_maps
from brushwork.methods.whole_maps import transform
from brushwork.tests.laws import picture, soft_mask
from brushwork.tests.models.small import small_network
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.features import statistics_of_map


@pytest.mark.parametrize("name", ["adain", "wct", "efdm"])
@pytest.mark.parametrize("masks", [0, 1, 3])
def test_a_batch_is_mapped_in_slices(name: str, masks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, method = small_network("shared encoder"), METHODS[name]
    content, style = network.encode(picture(24, 20, 3), "relu4_1"), network.encode(picture(20, 20, 1, 4), "relu4_1")
    (step,) = method.steps(network, ["relu4_1"])
    kept = method.learn(network, step, statistics_of_map(step.style, style.values, None))
    within = soft_mask((masks, 1, 3, 3)).float() if masks else None
    whole = transform(network, method, content, [kept], [1.0], within).values
    assert torch.equal(transform(network, method, content, [kept], [1.0], within).values, whole)
    monkeypatch.setattr(whole_maps, "MAPPED_BYTES", 1)
    assert_close(transform(network, method, content, [kept], [1.0], within).values, whole)
