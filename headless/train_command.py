"""`brushwork train`: the recipes of training/."""

from pathlib import Path
from typing import Annotated, Literal

from ..models.vgg import ADAIN_LEVEL, VggNetwork
from .graph import WorkflowError
from .progress import shown_progress


def train(
    recipe: Annotated[Literal["adain"], "What to train: the decoder of AdaIN."],
    photos: Annotated[list[Path], "--photos", "A folder of photographs; may be given several times."],
    styles: Annotated[list[Path], "--styles", "A folder of paintings; may be given several times."],
    output: Annotated[Path, "--out", "-o", "Where checkpoints and weights go; the same command goes on from them."],
    network: Annotated[str, "--network", "The network whose encoder it is for."] = "small16x",
) -> list[Path]:
    """Train weights from pictures, and name the file that holds them."""
    from ..models.zoo import load_network
    from ..training.adain import AdainRecipe, train_adain

    loaded = load_network(network)
    if not isinstance(loaded, VggNetwork) or ADAIN_LEVEL not in loaded.decoder:
        raise WorkflowError(f"{network} has no decoder at {ADAIN_LEVEL} to start from: choose small16x or vgg19")
    knobs = AdainRecipe()
    with shown_progress() as progress:

        def tell(step: int, losses: dict[str, float]) -> None:
            progress(step, knobs.steps, ", ".join(f"{name} {value:.3f}" for name, value in losses.items()))

        train_adain(loaded, photos, styles, output, knobs, tell)
    return [output / "adain.safetensors"]
