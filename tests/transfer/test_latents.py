"""Latents of any number of channels, of pictures and of videos: their statistics, and where these come from."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.methods import MATCHING
from brushwork.methods.latents import LatentTransfer
from brushwork.models.networks.base import ADAIN
from brushwork.tests.laws import alphas, covariance, features, law, noise, seeds
from brushwork.tests.tolerances import COVARIANCE, assert_close
from brushwork.transfer.temporal import PER_IMAGE, SMOOTHED, WHOLE_BATCH
from brushwork.transfer.wct import METHODS as WCT_METHODS

METHODS = (ADAIN, *WCT_METHODS)
every_method = pytest.mark.parametrize("method", METHODS)
FRAMES = 3


def transfer(method: str, strength: float = 1.0, statistics: str = PER_IMAGE) -> LatentTransfer:
    return LatentTransfer(MATCHING[method], strength, statistics)


def video(batch: int = 1, channels: int = 4, frames: int = FRAMES, side: int = 6, seed: int = 0) -> Tensor:
    """[B, C, T, h, w], each frame of other statistics."""
    parts = [features((batch, channels, side, side), seed + 10 * frame) for frame in range(frames)]
    return torch.stack(parts, 2)


def left(batch: int, height: int, width: int) -> Tensor:
    """A mask [B, h, w], white in the left half."""
    return (torch.arange(width) < width // 2).float().expand(batch, height, -1)


@every_method
@pytest.mark.parametrize("channels", [4, 16, 128])
def test_the_statistics_become_the_styles(method: str, channels: int) -> None:
    content, style = features((2, channels, 24, 24)), features((1, channels, 20, 30), 5)
    result = transfer(method)(content, style)
    assert_close(result.mean((2, 3)), style.mean((2, 3)).expand(2, -1))
    target = covariance(style[0])
    for item in result:
        off = covariance(item) - target
        off = off.diagonal() if method == ADAIN else off
        assert off.norm() < COVARIANCE * target.norm()


@every_method
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8)])
def test_fewer_pixels_than_channels_stay_finite(method: str, size: tuple[int, int]) -> None:
    content, style = features((2, 128, *size)), features((1, 128, 4, 4), 5)
    result = transfer(method)(content, style)
    assert result.isfinite().all()
    assert_close(result.mean((2, 3)), style.mean((2, 3)).expand(2, -1))
    assert result.abs().max() < 20 * style.abs().max()


@every_method
@given(seed=seeds, strength=alphas, batch=st.integers(1, 3), video_too=st.booleans())
@law
def test_strength_is_a_share_of_the_way(method: str, seed: int, strength: float, batch: int, video_too: bool) -> None:
    content = video(batch, seed=seed) if video_too else features((batch, 4, 5, 6), seed)
    style = features((1, 4, 7, 5), seed + 5)
    full = transfer(method)(content, style)
    assert_close(transfer(method, strength)(content, style), content + strength * (full - content))
    assert torch.equal(transfer(method, 0.0)(content, style), content)


@every_method
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_any_type_of_number(method: str, dtype: torch.dtype) -> None:
    content, style = features((2, 4, 9, 9)), features((1, 4, 9, 9), 5)
    result = transfer(method, 0.7)(content.to(dtype), style)
    assert result.dtype == dtype
    exact = transfer(method, 0.7)(content.to(dtype).double(), style)
    assert_close(result, exact, dtype if dtype.itemsize < 4 else torch.float32)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is at hand")
@every_method
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_any_device(method: str, dtype: torch.dtype) -> None:
    """As in sampling: the latent is on the GPU, style and masks came from the CPU."""
    content, style, mask = features((2, 4, 9, 9)).to(dtype), features((1, 4, 9, 9), 5), left(1, 9, 9)
    result = transfer(method, 0.7)(content.cuda(), style, mask, mask)
    assert result.is_cuda and result.dtype == dtype
    assert_close(result.cpu(), transfer(method, 0.7)(content, style, mask, mask))


@every_method
def test_a_video_is_fitted_as_one_picture(method: str) -> None:
    content, style = video(2), video(2, seed=5, frames=2)
    tall = [torch.cat(list(each.unbind(2)), 2) for each in (content, style)]
    result = transfer(method)(content, style)
    assert_close(torch.cat(list(result.unbind(2)), 2), transfer(method)(*tall))


@every_method
@pytest.mark.parametrize("pooled", [None, SMOOTHED])
def test_what_stands_still_in_a_video_stays_still(method: str, pooled: object) -> None:
    still = features((2, 4, 1, 36)).reshape(2, 4, 1, 6, 6).expand(-1, -1, FRAMES, -1, -1)
    result = transfer(method, statistics=SMOOTHED if pooled else PER_IMAGE)(still, video(seed=5))
    assert_close(result, result[:, :, :1].expand_as(result))


@every_method
def test_smoothing_makes_a_batch_of_each_videos_frames(method: str) -> None:
    """Of two videos, neither sees the other's frames."""
    content, style = video(2), features((2, 4, 5, 5), 5)
    mask = torch.cat([left(1, 6, 6), 1 - left(1, 6, 6)])
    align = transfer(method, 0.6, statistics=SMOOTHED)
    result = align(content, style, mask, left(1, 5, 5))
    for index in range(2):
        alone = align(
            content[index].movedim(1, 0), style[index, None], mask[index, None].expand(FRAMES, -1, -1), left(1, 5, 5)
        )
        assert_close(result[index], alone.movedim(0, 1))


@every_method
def test_masks_choose_where_and_what_from(method: str) -> None:
    content, style = features((2, 4, 6, 8)), features((1, 4, 5, 10), 5)
    result = transfer(method)(content, style, left(1, 6, 8), left(1, 5, 10))
    assert torch.equal(result[..., 4:], content[..., 4:])
    assert_close(result[..., :4], transfer(method)(content[..., :4], style[..., :5]))


@every_method
def test_a_videos_mask_is_that_of_every_frame(method: str) -> None:
    content, style = video(), video(seed=5)
    result = transfer(method)(content, style, left(1, 6, 6), left(1, 6, 6))
    assert torch.equal(result[..., 3:], content[..., 3:])
    assert_close(result[..., :3], transfer(method)(content[..., :3], style[..., :3]))


def test_the_whole_batch_gets_one_operator() -> None:
    content, style = features((2, 4, 6, 6)), features((1, 4, 6, 6), 5)
    content[:, :, 0, 0] = content[:1, :, 0, 0]
    result = transfer(ADAIN, statistics=WHOLE_BATCH)(content, style)
    assert_close(result[0, :, 0, 0], result[1, :, 0, 0])


@pytest.mark.parametrize(
    ("content", "style", "words"),
    [
        ((1, 64, 128), (1, 64, 128), r"shape \[1, 64, 128\]"),
        ((1, 4, 2, 2), (1, 4, 8), r"shape \[1, 4, 8\]"),
        ((1, 4, 2, 2), (1, 16, 2, 2), "has 4 channels and the style's 16: encode both"),
        ((3, 4, 2, 2), (2, 4, 2, 2), "3 content images cannot be paired with 2"),
        ((3, 4, 2, 2, 2), (2, 4, 2, 2), "3 content images cannot be paired with 2"),
    ],
)
def test_shapes_that_do_not_go_together(content: tuple[int, ...], style: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        transfer(ADAIN)(noise(content), noise(style))
