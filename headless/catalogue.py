"""All nodes that a workflow may use here: this pack's, and the stand-ins for ComfyUI's own."""

from .core_diffusion import CORE_DIFFUSION
from .core_images import CORE_IMAGES
from .core_nodes import CORE_NODES, CORE_TITLES


def all_nodes() -> dict[str, type]:
    from ..nodes import NODE_CLASS_MAPPINGS

    return {**CORE_NODES, **CORE_IMAGES, **NODE_CLASS_MAPPINGS}


def known_nodes() -> dict[str, type]:
    """With those that run in ComfyUI only, to draw and check workflows for it."""
    return {**CORE_DIFFUSION, **all_nodes()}


def all_titles() -> dict[str, str]:
    """What the page calls them."""
    from ..nodes import NODE_DISPLAY_NAME_MAPPINGS

    return {**CORE_TITLES, **NODE_DISPLAY_NAME_MAPPINGS}
