"""CUDA graphs, recorded and repeated on an emulated device: the same pictures by one launch, if they may be."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from brushwork.methods import METHODS
from brushwork.methods.protocol import Style
from brushwork.methods.render import learn, render
from brushwork.models.networks import graphs
from brushwork.models.networks.base import FeatureMap, StyleNetwork
from brushwork.models.networks.graphs import Graphs
from brushwork.nodes._host import HostedNetwork
from brushwork.tests.laws import picture
from brushwork.tests.models.small import small_network
from brushwork.tests.second_device import SecondDevice
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.policy import Host, Policy
from brushwork.transfer.temporal import SMOOTHED

KINDS = {"adain": "shared encoder", "msgnet": "MSG-Net", "stylebank": "StyleBank"}
CUDA = torch.device("cuda")


def style_of(name: str, seed: int = 5) -> Tensor | str:
    return ("waves", "leaves")[seed % 2] if name == "stylebank" else picture(40, 37, 1, seed)


def recording(network: StyleNetwork) -> StyleNetwork:
    network.to("cuda").graphs = Graphs(network)
    return network


def painted(name: str, network: StyleNetwork, content: Tensor, seed: int = 5, **how: object) -> Tensor:
    host = how.pop("host", None) or Host(next(network.parameters()).device)
    return render(network, METHODS[name], content, [Style(style_of(name, seed))], host=host, **how)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", KINDS)
def test_repeated_pictures_are_painted_ones(name: str) -> None:
    network = small_network(KINDS[name])
    turns = [(picture(40, 36, 1, seed), seed // 2) for seed in range(6)]
    expected = [painted(name, network, content, seed) for content, seed in turns]
    with SecondDevice() as device:
        recording(network)
        found = [painted(name, network, content, seed) for content, seed in turns]
        assert device.replays == len(turns) - 1
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)


def test_a_repeated_picture_is_a_few_launches() -> None:
    with SecondDevice(values=False) as device:
        network, method = recording(small_network("shared encoder").half()), METHODS["adain"]
        kept = Style(learn(network, method, Style(picture(40, 37)), host=Host(CUDA)))
        for _ in range(3):
            device.reset()
            render(network, method, picture(64, 64), [kept], host=Host(CUDA))
        assert device.replays == 1 and device.launches <= 6 and device.waits == 1


def test_a_batch_in_parts_repeats_its_parts() -> None:
    network, frames = small_network("shared encoder"), picture(32, 32, 5)
    expected, seen = painted("adain", network, frames), []
    policy = Policy(tile_pixels=32 * 32)
    with SecondDevice() as device:
        host = Host(CUDA, progress=lambda done, total: seen.append((done, total)), policy=policy)
        assert_close(painted("adain", recording(network), frames, host=host), expected)
        assert device.replays == 4
    done = [one for one, _ in seen]
    assert done == sorted(done) and seen[-1][0] < seen[-1][1] == seen[0][1]


def test_it_can_be_stopped_between_parts() -> None:
    class StoppedError(Exception):
        pass

    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 12:
            raise StoppedError

    with SecondDevice(), pytest.raises(StoppedError):
        host = Host(CUDA, interrupt=check, policy=Policy(tile_pixels=32 * 32))
        painted("adain", recording(small_network("shared encoder")), picture(32, 32, 40), host=host)


def test_weights_that_change_or_move_are_recorded_anew() -> None:
    network, content = small_network("shared encoder"), picture(40, 36)
    with SecondDevice() as device:
        recording(network)
        for change in (
            lambda: None,
            lambda: network.to("cpu").to("cuda"),
            lambda: next(network.parameters()).mul_(1.1),
        ):
            change()
            found = [painted("adain", network, content) for _ in range(3)]
            expected = painted("adain", deepcopy(network), content)
            for one in found:
                assert_close(one, expected)
        assert device.replays == 6 and deepcopy(network).graphs is None


def test_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MOST", 2)
    with SecondDevice():
        network = recording(small_network("shared encoder"))
        for side in (32, 36, 40, 44):
            for _ in range(2):
                painted("adain", network, picture(side, side))
        assert network.graphs is not None and len(network.graphs._known) == 2


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("wct", {}),
        ("efdm", {}),
        ("adain", {"statistics": SMOOTHED}),
        ("adain", {"host": Host(CUDA, policy=Policy(tile_bytes=1 << 15))}),
        ("adain", {"host": Host(CUDA, policy=Policy(feature_bytes=0))}),
    ],
)
def test_what_waits_or_goes_in_tiles_is_not_recorded(name: str, how: dict[str, object]) -> None:
    network, content = small_network("shared encoder"), picture(48, 48, 2)
    expected = painted(name, network, content) if "statistics" not in how else None
    with SecondDevice() as device:
        recording(network)
        found = [painted(name, network, content, **how) for _ in range(3)]
        assert device.replays == 0
    if expected is not None:
        assert (found[-1] - expected).abs().max() < 1e-3


def test_work_that_reads_a_value_goes_on_without() -> None:
    with SecondDevice() as device:
        own = Graphs(torch.nn.Identity())
        for value in (1.0, 2.0, 3.0):
            result = own.run("key", lambda given: given * given.sum().item(), [torch.full((2,), value).cuda()])
            assert result.tolist() == [2 * value**2] * 2
        assert device.replays == 0 and list(own._known.values()) == [graphs.UNFIT]


def test_recordings_make_way_where_memory_is_short() -> None:
    """A device that cannot hold the whole picture gives them back, and paints on in tiles."""
    network, content = small_network("shared encoder"), picture(96, 96)
    expected, cleared = painted("adain", network, content), []

    def encode(image: Tensor, *given: object) -> dict[str, FeatureMap]:
        if image.shape[-1] > 90:
            raise torch.cuda.OutOfMemoryError
        return whole(image, *given)  # pyright: ignore[reportArgumentType]

    with SecondDevice(), pytest.MonkeyPatch.context() as patch:
        recording(network)
        whole = network.encode_levels
        for _ in range(2):
            painted("adain", network, content)
        assert network.graphs is not None
        patch.setattr(network, "encode_levels", encode)
        patch.setattr(network.graphs, "clear", lambda: cleared.append(1))
        found = painted("adain", network, content, host=Host(CUDA, policy=Policy(minimum_side=16)), statistics=SMOOTHED)
    assert cleared and (found - expected).abs().max() < 1e-3


def test_comfyui_moves_weights_and_has_none() -> None:
    assert HostedNetwork(small_network("shared encoder")).network.graphs is None


def test_recordings_go_when_the_weights_do() -> None:
    """Their memory is the card's, for whoever moved the network away."""
    network, content = small_network("shared encoder"), picture(40, 36)
    with SecondDevice() as device:
        recording(network)
        for _ in range(2):
            painted("adain", network, content)
        assert device.replays == 1
        network.to("cuda")  # where it is: nothing changes
        painted("adain", network, content)
        assert device.replays == 2
        network.to("cpu")
        assert device.taken == 0


def test_other_weights_in_the_same_memory_are_recorded_anew() -> None:
    """An allocator gives what was freed to the next who asks, and a new parameter counts its changes from 0."""
    network, content = small_network("shared encoder"), picture(40, 36)
    with SecondDevice() as device:
        recording(network)
        for _ in range(2):
            before = painted("adain", network, content)
        for layer in [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]:
            place = layer.weight.data_ptr()
            weight = torch.nn.Parameter(layer.weight.data, requires_grad=False)
            weight.held.mul_(1.1)  # pyright: ignore[reportAttributeAccessIssue]
            layer.weight = weight
            assert (weight.data_ptr(), weight._version) == (place, 0)
        found = [painted("adain", network, content) for _ in range(3)]
        expected = painted("adain", deepcopy(network), content)
        assert (expected - before).abs().max() > 1e-3 and device.replays == 3
        for one in found:
            assert_close(one, expected)


def test_two_networks_in_turns_keep_their_own() -> None:
    content, networks = picture(40, 36), [small_network("shared encoder") for _ in range(2)]
    next(networks[1].parameters()).mul_(1.5)
    expected = [painted("adain", network, content) for network in networks]
    with SecondDevice() as device:
        for network in networks:
            recording(network)
        for _ in range(3):
            for network, picture_of in zip(networks, expected, strict=True):
                assert_close(painted("adain", network, content), picture_of)
        assert device.replays == 4


@pytest.mark.parametrize("times", range(3))
def test_a_card_that_is_full_while_it_runs_records_or_repeats(times: int) -> None:
    """The picture is the same wherever memory runs out, and so are those after it."""
    network, content = small_network("shared encoder"), picture(40, 40)
    expected = painted("adain", network, content)
    with SecondDevice() as device:
        host, own = Host(CUDA, policy=Policy(minimum_side=32)), recording(network).graphs
        assert own is not None

        def refusing(first: int) -> Tensor:
            """A picture for which the first large allocation from one on is refused."""
            own.clear()
            for _ in range(times):
                painted("adain", network, content, host=host)
            device.reset()
            met = iter([True])
            device.refused = lambda number, size: number >= first and size > 4096 and next(met, False)
            found = painted("adain", network, content, host=host)
            device.refused = lambda *_: False
            return found

        refusing(1 << 30)
        for first in range(1, device.allocations + 1, 1 + device.allocations // 4):
            assert (refusing(first) - expected).abs().max() < 1e-3
            assert not own.recording and device.recording is None
            for _ in range(3):
                assert_close(painted("adain", network, content, host=host), expected)


def test_every_repeat_can_be_stopped_and_the_next_picture_is_right() -> None:
    """Before work is first done, while it is recorded, and between its repeats."""

    class StoppedError(Exception):
        pass

    frames, policy, told = picture(32, 32, 6), Policy(tile_pixels=32 * 32), list[int]()
    network = small_network("shared encoder")
    expected, left = painted("adain", network, frames), iter(range(0))

    def check() -> None:
        if next(left, None) is None:
            raise StoppedError

    with SecondDevice() as device:
        own = recording(network).graphs
        assert own is not None
        host = Host(CUDA, progress=lambda done, total: told.append(device.replays), interrupt=check, policy=policy)
        for checks in range(100):
            own.clear()
            device.reset()
            left = iter(range(checks))
            try:
                painted("adain", network, frames, host=host)
                break
            except StoppedError:
                assert device.recording is None and not own.recording
            before = device.replays
            left = iter(range(100))
            assert_close(painted("adain", network, frames, host=host), expected)
            assert device.replays - before >= 5
    assert checks > 6 and {*range(6)} <= {*told}  # it was stopped, and told, between any two of them
