"""`compact`, from nothing: its encoder, five reconstruction decoders, the deepest level again, AdaIN's decoder.

    python -m brushwork train compact --photos PHOTOS --styles PAINTINGS --out OUT

Four stages: encoder.py has the first and the third, wct.py and adain.py the others. OUT/compact.safetensors holds the
whole network; the same command goes on where it was stopped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..models.networks.vgg import ADAIN_LEVEL, COMPACT, VggNetwork
from .adain import AdainConfig, train_adain
from .encoder import DeepestConfig, EncoderConfig, solve_projections, train_deepest, train_encoder
from .loss_network import LossNetwork
from .networks import seeded
from .recipes import Job, Recipe
from .trainer import later, save_weights
from .wct import WctConfig, train_wct

SHARES = (0.4, 0.35, 0.1, 0.15)  # of the minutes, for each stage


@dataclass(frozen=True)
class CompactConfig:
    """What can be set in the four stages."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoders: WctConfig = field(default_factory=WctConfig)
    deepest: DeepestConfig = field(default_factory=DeepestConfig)
    adain: AdainConfig = field(default_factory=AdainConfig)

    @property
    def stages(self) -> tuple[int, ...]:
        """Steps of each."""
        decoders = self.decoders.steps * len(self.decoders.levels)
        return self.encoder.steps, decoders, self.deepest.steps, self.adain.steps


def train_compact(loss_network: LossNetwork, job: Job, config: CompactConfig = CompactConfig()) -> VggNetwork:
    """Train the whole network and save it; `job.on_step` counts over all stages. Errors of the stages."""

    def part(stage: int) -> Job:
        """Each stage's own; decoders are compared by what `compact` itself sees."""
        return replace(
            job,
            loss_network=None,
            minutes=job.minutes and job.minutes * SHARES[stage],
            start=job.start if stage == 0 else None,
            on_step=later(job.on_step, sum(config.stages[:stage])),
            started=time.monotonic(),
        )

    network = seeded(lambda: VggNetwork(COMPACT, adain=ADAIN_LEVEL), config.encoder.seed)
    network.encoder.load_state_dict(train_encoder(COMPACT, loss_network, part(0), config.encoder).state_dict())
    network.requires_grad_(False).eval()
    solve_projections(network, loss_network, job, config.encoder)
    train_wct(network, part(1), config.decoders)
    train_deepest(network, loss_network, part(2), config.deepest)
    decoder = train_adain(network, part(3), config.adain)
    network.get_submodule("adain").load_state_dict(decoder.state_dict())
    save_weights(network, job.out / "compact.safetensors")
    return network


def _run(network: str, job: Job, config: CompactConfig) -> list[Path]:
    assert job.loss_network is not None  # the recipe names one
    train_compact(job.loss_network, job, config)
    return [job.out / "compact.safetensors"]


RECIPE = Recipe(CompactConfig, _run, loss_network="teachers", taught=True, length=lambda config: sum(config.stages))
