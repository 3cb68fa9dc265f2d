"""Paint that is carried along: on contents whose motion is known, with paint that is another one in every frame."""

import io
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from brushwork.methods import motion
from brushwork.methods.motion import Steady

HEIGHT, WIDTH = 72, 104


def texture(height: int, width: int, seed: int, cell: int = 6) -> Tensor:
    """[3, height, width] in 0..1, smooth over some pixels."""
    coarse = torch.rand(1, 3, height // cell + 3, width // cell + 3, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, scale_factor=cell, mode="bicubic")[0, :, :height, :width].clamp(0, 1)


def panning(shift: int, frames: int = 8) -> Tensor:
    """[frames, 3, HEIGHT, WIDTH] of a view that goes right."""
    wide = texture(HEIGHT, WIDTH + shift * frames, seed=0)
    return torch.stack([wide[..., shift * number :][..., :WIDTH] for number in range(frames)])


def crawling(frames: int = 8) -> Tensor:
    """Paint of one colour and one grain, whose strokes lie elsewhere in every frame."""
    return torch.stack([0.3 + 0.4 * texture(HEIGHT, WIDTH, seed=100 + number, cell=3) for number in range(frames)])


def unlike(frames: Tensor, shift: int) -> float:
    """From frame to frame, what was in view before and is away from the borders, over the deviation."""
    now, before = frames[1:, ..., 12 : -12 - shift], frames[:-1, ..., 12 + shift : -12]
    return float((now - before)[..., 12:-12, :].square().mean().sqrt() / frames.std())


@pytest.mark.parametrize(("shift", "most"), [(0, 0.05), (2, 0.15), (5, 0.5)])
def test_paint_stays_on_what_moves(shift: int, most: float) -> None:
    """What is soon out of view is soon renewed: 5 pixels are a twentieth of these frames."""
    content, painted = panning(shift), crawling()
    held = Steady()(content, painted)
    assert unlike(painted, shift) > 1
    assert unlike(held, shift) < most
    assert torch.equal(held[0], painted[0])


def test_stability_zero_leaves_frames_alone() -> None:
    painted = crawling(3)
    assert Steady(0)(panning(2, 3), painted) is painted


def test_the_less_stable_the_sooner_paint_is_new() -> None:
    content, painted = panning(0, 14), crawling(14)
    apart = [float((Steady(stability)(content, painted)[-1] - painted[0]).abs().mean()) for stability in (1, 0.4, 0.1)]
    assert apart[0] < 0.004 < apart[1] < apart[2]


def test_newer_paint_takes_over_and_detail_stays() -> None:
    """Over three periods, in a pan of a fraction of a pixel, where carrying on frame by frame would blur all detail."""
    frames, period = 30, motion.LONGEST * 2 ** (4 * (0.3 - 1))
    wide = texture(2 * HEIGHT, 2 * (WIDTH + frames), seed=0, cell=12)[None]
    content = torch.cat(
        [F.interpolate(wide[..., n : n + 2 * WIDTH], (HEIGHT, WIDTH), mode="area") for n in range(frames)]
    )
    painted = crawling(frames)
    held = Steady(0.3)(content, painted)
    assert 3 * period < frames
    assert float((held[-1] - painted[0]).square().mean().sqrt()) > painted.std()
    fine, wanted = (float((each[-6:, ..., 1:] - each[-6:, ..., :-1]).square().mean()) for each in (held, painted))
    assert 0.8 < fine / wanted < 1.2


def test_a_cut_starts_afresh() -> None:
    first, second = panning(0, 3), panning(0, 3).flip(1).flip(2)
    painted = crawling(6)
    held = Steady()(torch.cat([first, 1 - second]), painted)
    assert torch.equal(held[3], painted[3])
    assert unlike(held[3:], 0) < 0.15


def test_behind_a_thing_that_goes_by_there_is_the_walls_own_paint() -> None:
    content, painted = panning(0).clone(), crawling()
    thing = texture(30, 24, seed=9, cell=3)
    for number in range(8):
        left = 10 + 7 * number
        content[number, :, 20:50, left : left + 24] = thing
        painted[number, :, 20:50, left : left + 24] = torch.tensor([1.0, 0, 0])[:, None, None]
    held = Steady()(content, painted)
    red = held[:, 0] - held[:, 2]
    for number in range(2, 8):
        left = 10 + 7 * number
        assert float(red[number, 24:46, left + 4 : left + 20].mean()) > 0.9
        assert float(red[number, 24:46, 10 : left - 2].mean()) < 0.1


def test_where_the_light_changes_paint_is_new() -> None:
    content, painted = panning(0, 3), crawling(3)
    content[2, ..., WIDTH // 2 :] = content[2, ..., WIDTH // 2 :] * 0.5
    held = Steady()(content, painted)
    apart = (held[2] - painted[0]).abs().mean((0, 1))
    assert float(apart[: WIDTH // 2 - 12].mean()) < 0.02 and float(apart[WIDTH // 2 + 12 :].mean()) > 0.05


def test_outside_of_the_paint_pixels_are_the_contents_own() -> None:
    content, painted = panning(3), crawling()
    painted[..., : WIDTH // 2] = content[..., : WIDTH // 2]
    held = Steady()(content, painted)
    assert torch.equal(held[..., : WIDTH // 2], content[..., : WIDTH // 2])
    fresh = (held[..., WIDTH // 2 :] - content[..., WIDTH // 2 :]).abs().mean()
    assert fresh > 0.8 * (painted[..., WIDTH // 2 :] - content[..., WIDTH // 2 :]).abs().mean()  # none was carried in


def test_noise_is_not_painted() -> None:
    noise = torch.randn(8, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(3)) * 2 / 255
    content = (panning(0) + noise).clamp(0, 1)
    held = Steady()(content, (0.5 + 4 * noise).clamp(0, 1))
    assert (held[2:] - held[1:-1]).std() < 0.5 * (content[2:] - content[1:-1]).std()


def test_parts_are_the_whole() -> None:
    content, painted = panning(2), crawling()
    whole, steady = Steady()(content, painted), Steady()
    parts = [steady(content[part], painted[part]) for part in (slice(0, 1), slice(1, 4), slice(4, 8))]
    assert torch.equal(whole, torch.cat(parts))


def test_bands_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    content, painted = panning(2), crawling()
    whole = Steady()(content, painted)
    monkeypatch.setattr(motion, "ROWS", 10)
    assert (Steady()(content, painted) - whole).abs().max() < 1.5 / 255


def test_it_goes_on_from_what_was_kept() -> None:
    content, painted = panning(2, 14), crawling(14)
    steady, file = Steady(0.5), io.BytesIO()
    whole = Steady(0.5)(content, painted)
    steady(content[:9], painted[:9])
    torch.save(steady.state_dict(), file)
    file.seek(0)
    other = Steady(0.5)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(content[9:], painted[9:]), whole[9:])
    empty = Steady()
    empty.load_state_dict(Steady().state_dict())
    assert torch.equal(empty(content[:2], painted[:2]), Steady()(content[:2], painted[:2]))


def test_what_was_kept_stays_as_it_is() -> None:
    """It is written while the next frames are held still."""
    content, painted = panning(2, 14), crawling(14)
    steady, file = Steady(0.5), io.BytesIO()
    steady(content[:9], painted[:9])
    kept = steady.state_dict()
    torch.save(kept, file)
    steady(content[9:], painted[9:])
    file.seek(0)
    then = torch.load(file, weights_only=True)
    assert len(kept["layers"]) == len(then["layers"]) == 3 and torch.equal(kept["grey"], then["grey"])
    for layer, before in zip(kept["layers"], then["layers"], strict=True):
        for name, value in layer.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(before[name])), name


def test_what_was_painted_beside_a_thing_is_painted_once_more_when_it_is_gone() -> None:
    """Its glow on the wall around it, of nearly the wall's colour, does not stay behind; what is painted then does."""
    frames, glow = 16, torch.tensor([0.53, 0.47, 0.47])[:, None, None]
    content, painted = panning(0, frames).clone(), crawling(frames)
    thing = texture(30, 24, seed=9, cell=3)
    for number in range(9):
        left = 4 + 7 * number
        content[number, :, 20:50, left : left + 24] = thing
        painted[number, :, 12:58, max(0, left - 8) : left + 32] = glow
    held = Steady()(content, painted)
    left_behind = (held[-1] - glow).abs().amax(0)[12:58, 6:90] < 0.01
    assert float(left_behind.float().mean()) < 0.05
    assert unlike(held[13:], 0) < 0.1


def test_memory_does_not_grow_with_frames() -> None:
    steady, content, painted = Steady(0.1), panning(1, 20), crawling(20)
    layers = [steady(content[n : n + 1], painted[n : n + 1]) is not None and len(steady._layers) for n in range(20)]
    assert max(layers) == 3


def test_frames_are_left_alone_and_keep_their_sizes() -> None:
    content, painted = panning(1, 3), crawling(3)
    before = content.clone(), painted.clone()
    small = F.interpolate(content, (HEIGHT // 2, WIDTH // 2), mode="area")
    assert Steady()(small, painted).shape == painted.shape
    assert torch.equal(content, before[0]) and torch.equal(painted, before[1])
    steady = Steady()
    steady(content, painted)
    assert torch.equal(steady(small[:1], painted[:1, :, ::2, ::2]), painted[:1, :, ::2, ::2])  # another size: afresh
    for size in ((1, 1), (1, 40), (33, 2), (33, 35)):
        tiny = torch.rand(3, 3, *size)
        assert Steady()(tiny, tiny.flip(1)).shape == tiny.shape


def test_large_frames_are_followed_at_a_smaller_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content, painted = (
        F.interpolate(each, scale_factor=2, mode="bicubic").clamp(0, 1) for each in (panning(2), crawling())
    )
    monkeypatch.setattr(motion, "SIDE", WIDTH)
    assert unlike(Steady()(content, painted), 4) < 0.25


def test_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^the stability is 1\.5: give one from 0 to 1\.$"):
        Steady(1.5)
    with pytest.raises(ValueError, match=r"^the stability is nan"):
        Steady(float("nan"))
    with pytest.raises(ValueError, match=r"^there are 3 frames and 2 painted ones: give one for each\.$"):
        Steady()(panning(1, 3), crawling(2))
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ModuleNotFoundError, match="needs OpenCV: pip install opencv-python-headless, or set stability"):
        Steady()
    assert len(Steady(0)(panning(1, 2), crawling(2))) == 2
