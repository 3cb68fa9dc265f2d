"""Eyes: what they see through heads, and that two teachers look as one."""

import torch

from brushwork.models.vgg import LEVELS, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, tiny_eye
from brushwork.training.perception import Headed, Teachers, eye_of
from brushwork.transfer.moments import Moments

HEADED = VggLayout("headed", TINY.widths, heads=(5, 7, 9, 11, 13))


def headed() -> Headed:
    eye = eye_of(enlivened(VggNetwork(HEADED)).eval().requires_grad_(False))
    assert isinstance(eye, Headed)
    return eye


def test_heads_give_their_own_channels() -> None:
    seen = headed()(torch.rand(1, 3, 32, 32), LEVELS)
    assert [seen[level].shape[1] for level in LEVELS] == list(HEADED.heads)


def test_moments_through_heads_are_those_of_what_is_seen() -> None:
    eye, image = headed(), torch.rand(2, 3, 32, 32)
    moments, seen = eye.moments(eye.own(image, LEVELS)), eye(image, LEVELS)
    for level in LEVELS:
        assert_close(moments[level].gram, Moments.of(seen[level], full=True).gram)
        assert_close(eye.grams(image, (level,))[level], moments[level].gram)


def test_networks_without_heads_are_seen_as_they_are() -> None:
    eye, image = tiny_eye(), torch.rand(1, 3, 32, 32)
    assert torch.equal(eye_of(eye.network)(image, LEVELS)["relu3_1"], eye.own(image, LEVELS)["relu3_1"])


def test_teachers_see_near_levels_with_one_and_far_ones_with_the_other() -> None:
    exact, compressed, image = tiny_eye(), headed(), torch.rand(1, 3, 32, 32)
    exact.levels = LEVELS[:3]
    seen = Teachers(exact, compressed)(image, LEVELS)
    assert list(seen) == list(LEVELS)
    for level in LEVELS:
        expected = exact if level in exact.levels else compressed
        assert torch.equal(seen[level], expected(image, (level,))[level])
    moments = Teachers(exact, compressed).grams(image, LEVELS)
    assert [moments[level].shape[1] for level in LEVELS] == [*TINY.widths[:3], *HEADED.heads[3:]]


def test_a_look_learns_nothing_and_is_float32() -> None:
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    looked = headed().look(image, ("relu2_1",))["relu2_1"]
    assert looked.dtype is torch.float32 and not looked.requires_grad
