"""What torch answers where there is no ComfyUI, and batches in slices that fit."""

import sys

import pytest
import torch

from brushwork.nodes import _host
from brushwork.tests.nodes.stand_ins import Memory, call, pictures, tiny


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("comfy", "folder_paths")]:
        monkeypatch.delitem(sys.modules, name)


def test_torch_answers() -> None:
    assert _host.compute_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert _host.result_device() == torch.device("cpu")
    assert _host.weight_folders() == []
    assert _host.check_interrupted() is None
    assert _host.progress()(1, 2) is None


def test_network_runs_where_torch_computes() -> None:
    hosted = tiny()
    assert hosted.ready() is hosted.network
    assert next(hosted.network.parameters()).device.type == _host.compute_device().type


@pytest.mark.parametrize(
    ("batch", "size", "fits", "tried"),
    [
        (4, 8, 9, [4]),
        (5, 2, 9, [2, 2, 1]),
        (8, 8, 2, [8, 4, 2, 2, 2, 2]),
        (7, 7, 3, [7, 3, 3, 1]),
        (3, 3, 1, [3, 1, 1, 1]),
        (0, 4, 9, []),
    ],
)
def test_slices_halve_until_they_fit(batch: int, size: int, fits: int, tried: list[int]) -> None:
    memory = Memory(fits)
    parts = _host.chunked(memory.run, batch, size)
    assert [item for part in parts for item in part] == list(range(batch))
    assert memory.tried == tried


def test_one_picture_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="^one picture alone does not fit into memory: make it smaller, or .*[.]$"):
        _host.chunked(Memory(0).run, 5, 4)


def test_memory_is_given_back_before_the_next_try() -> None:
    """The exception holds the frames, and with them the tensors, of the try that failed."""
    from weakref import ref

    held: list[ref[torch.Tensor]] = []

    def run(part: slice) -> None | int:
        large = torch.zeros(part.stop - part.start)
        assert not any(tensor() is not None for tensor in held)
        held.append(ref(large))
        if len(large) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return 1

    assert _host.chunked(run, 4, 4) == [1, 1, 1, 1]


def test_other_errors_pass() -> None:
    def run(part: slice) -> None:
        raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        _host.chunked(run, 4, 4)


def test_a_long_batch_goes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result does not depend on the slices."""
    from brushwork.nodes import _passes

    network, images = tiny(), pictures(5)
    options = {"network": network, "content": images, "style": pictures(seed=5), "level": "relu3_1"}
    whole = call("BrushworkWCTLevel", **options)
    monkeypatch.setattr(_passes, "SLICE", 2 * images[0, ..., 0].numel())
    torch.testing.assert_close(call("BrushworkWCTLevel", **options), whole)
