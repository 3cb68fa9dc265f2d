"""Latents in ComfyUI itself: its VAE class, its latent formats, its sampler."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from brushwork.tests.conftest import ROOT

Json = dict[str, Any]
every_kind = pytest.mark.parametrize("kind", ["SD 1.5", "Flux", "Wan"])
NEAR = 0.01
"""How far a statistic may lie from the style's, as a share of the style's deviation."""


@pytest.fixture(scope="module")
def report() -> Json:
    comfyui, python = os.environ.get("COMFYUI_DIR"), os.environ.get("COMFYUI_PYTHON")
    if not comfyui or not python:
        pytest.skip("no ComfyUI is at hand: set COMFYUI_DIR and COMFYUI_PYTHON")
    script = Path(__file__).with_name("sample_latents.py")
    done = subprocess.run([python, str(script), str(ROOT)], cwd=comfyui, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("node", ["BrushworkLatentAdaIN", "BrushworkLatentWCT"])
def test_between_vae_encode_and_vae_decode(report: Json, node: str) -> None:
    assert report["VAE"][node]["away"] < NEAR
    assert report["VAE"][node]["image"] == [2, 64, 80, 3]


@every_kind
def test_sampling_ends_in_the_styles_statistics(report: Json, kind: str) -> None:
    facts = report[kind]
    assert facts["aligned"] < NEAR < 10 * NEAR < facts["plain"]
    assert facts["shape"]


@every_kind
def test_with_guidance_it_does_not_as_the_help_says(report: Json, kind: str) -> None:
    """ComfyUI then hands over the difference that the prompt makes, and not the picture."""
    assert report[kind]["guided"] > 10 * NEAR


@every_kind
def test_applied_once(report: Json, kind: str) -> None:
    assert report[kind]["applied"] < NEAR


@every_kind
def test_a_noise_mask_is_kept_while_sampling(report: Json, kind: str) -> None:
    assert report[kind]["outside the noise mask"] < NEAR
