"""compact's recipe: four stages in a row, counted through, in one file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.models.networks.vgg import ADAIN_LEVEL, COMPACT, VggNetwork
from brushwork.tests.training.tiny import tiny_job, tiny_teachers
from brushwork.training import wct
from brushwork.training.adain import AdainConfig
from brushwork.training.compact import CompactConfig, train_compact
from brushwork.training.encoder import DeepestConfig, EncoderConfig
from brushwork.training.wct import WctConfig

CONFIG = CompactConfig(
    EncoderConfig(steps=2, photos=1, paintings=1, side=32, shorter=32),
    WctConfig(steps=1, photos=1, paintings=1, side=32, shorter=32),
    DeepestConfig(steps=1, photos=1, paintings=1, side=32, shorter=32),
    AdainConfig(steps=2, batch=1, side=32, photo=32, style_side=32, style_sizes=(32, 40), style_crops=4),
)


def test_all_stages_run_and_the_file_is_the_whole_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wct, "SOLVED_CROPS", 6)
    counted = list[int]()
    network = train_compact(tiny_teachers(), tiny_job(tmp_path, lambda step, _: counted.append(step)), CONFIG)
    # relu1_1 is solved without steps, so its place among the five levels stays empty.
    assert counted == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    saved = load_file(tmp_path / "out" / "compact.safetensors")
    fresh = VggNetwork(COMPACT, adain=ADAIN_LEVEL)
    fresh.load_state_dict(saved)
    assert all(torch.equal(value.half(), saved[name]) for name, value in network.state_dict().items())
