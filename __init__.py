"""Brushwork: neural style transfer, as ComfyUI nodes and in Python; importing it loads no weights."""

from .methods.api import learn, render
from .models.registry import load_network
from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

WEB_DIRECTORY = "web"

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY", "learn", "load_network", "render"]
