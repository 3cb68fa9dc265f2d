"""The teacher: AdaIN by a network that has a decoder for it."""

import pytest
import torch

from brushwork.models.networks.base import ADAIN
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.vgg import ADAIN_LEVEL
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import tiny_network, tiny_teacher
from brushwork.training.teacher import Teacher, load_teacher
from brushwork.transfer.adain import adain
from brushwork.transfer.moments import Moments


def test_it_paints_by_adain() -> None:
    teacher, content, style = tiny_teacher(), torch.rand(2, 3, 24, 32), torch.rand(2, 3, 40, 24)
    network = teacher.network
    features, styles = network.encode(content, ADAIN_LEVEL), network.encode(style, ADAIN_LEVEL)
    operator = adain(Moments.of(features.values), Moments.of(styles.values))
    expected = network.decode(features.with_values(operator(features.values)), ADAIN)
    painted = teacher.paint(content, teacher.learn(style))
    assert_close(painted, expected.clamp(0, 1))
    assert painted.std() > 0.01 and not painted.requires_grad


def test_nothing_learns_from_it() -> None:
    teacher, content = tiny_teacher(), torch.rand(1, 3, 24, 24, requires_grad=True)
    assert not teacher.paint(content, teacher.learn(content)).requires_grad


def test_a_network_without_adains_decoder() -> None:
    with pytest.raises(ValueError) as caught:
        Teacher(tiny_network())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_paints_in_the_type_that_networks_learn_in(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", str(dtype).removeprefix("torch."))
    teacher = tiny_teacher().to_training(torch.device("cpu"))
    assert {weight.dtype for weight in teacher.parameters()} == {dtype}


def test_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = {"some/adain.pth": tiny_network(ADAIN_LEVEL), "msgnet": MsgNet(4)}
    monkeypatch.setattr("brushwork.training.teacher.load_network", lambda name, folders: networks[name])
    assert load_teacher("some/adain.pth").name == "adain.pth"
    with pytest.raises(ValueError, match="^msgnet does not paint by AdaIN: name a network or a file with AdaIN's dec"):
        load_teacher("msgnet")
