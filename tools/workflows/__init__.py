"""The example workflows, drawn in Python, by the names of their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from . import adain, diffusion, mixed, msgnet, start, stylebank, wct
from .parts import Workflow

FOLDER = Path(__file__).parents[2] / "workflows"
WORKFLOWS: dict[str, Callable[[Workflow], None]] = {
    "1_style_transfer": start.style_transfer,
    "2_painted_style": start.painted_style,
    "3_video": start.video,
    "adain": adain.basic,
    "adain_alpha_sweep": adain.alpha_sweep,
    "adain_four_styles": adain.four_styles,
    "adain_regions": adain.regions,
    "adain_colors": adain.colours,
    "wct": wct.basic,
    "wct_levels": wct.per_level,
    "wct_two_styles": wct.two_styles,
    "wct_texture": wct.texture,
    "wct_texture_mix": wct.texture_mix,
    "msgnet": msgnet.basic,
    "msgnet_brush_size": msgnet.brush_size,
    "msgnet_interpolation": msgnet.interpolation,
    "stylebank": stylebank.basic,
    "stylebank_fusion": stylebank.fusion,
    "stylebank_regions": stylebank.regions,
    "stylebank_learn": stylebank.learn,
    "mixed": mixed.pipeline,
    "stylize_large": wct.large,
    "diffusion_refine": diffusion.refine,
    "diffusion_restyle": diffusion.restyle,
    "diffusion_align": diffusion.align,
}


def draw_workflow(name: str) -> Workflow:
    """The workflow of that name."""
    flow = Workflow(name)
    WORKFLOWS[name](flow)
    return flow


def workflow_text(name: str) -> str:
    """What its file holds."""
    return json.dumps(draw_workflow(name).to_json(), indent=1, ensure_ascii=False) + "\n"
