"""compact's recipe: four stages in a row, counted through, in one file."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from brushwork.models.vgg import ADAIN_LEVEL, COMPACT, VggNetwork
from brushwork.tests.training.tiny import folder_of_pictures, tiny_teachers
from brushwork.training.adain import AdainRecipe
from brushwork.training.compact import CompactRecipe, train_compact
from brushwork.training.deepest import DeepestRecipe
from brushwork.training.distil import DistilRecipe
from brushwork.training.wct import WctRecipe

RECIPE = CompactRecipe(
    DistilRecipe(steps=2, photos=1, paintings=1, side=32, shorter=32),
    WctRecipe(steps=1, photos=1, paintings=1, side=32, shorter=32),
    DeepestRecipe(steps=1, photos=1, paintings=1, side=32, shorter=32),
    AdainRecipe(steps=2, batch=1, side=32, photo=32, painting=32),
)


def test_all_stages_run_and_the_file_is_the_whole_network(tmp_path: Path) -> None:
    folder, counted = folder_of_pictures(tmp_path / "pictures"), list[int]()
    network = train_compact(tiny_teachers(), [folder], [folder], tmp_path, RECIPE, lambda step, _: counted.append(step))
    # relu1_1 is solved without steps, so its place among the five levels stays empty.
    assert counted == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    saved = load_file(tmp_path / "compact.safetensors")
    fresh = VggNetwork(COMPACT, adain=ADAIN_LEVEL)
    fresh.load_state_dict(saved)
    assert all(torch.equal(value.half(), saved[name]) for name, value in network.state_dict().items())
