"""A network by its name in the manifest: built, filled with its weights, ready to run."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from .keymaps import KEYMAPS
from .manifest import NetworkEntry, network_entry
from .msgnet import MsgNet
from .network import ADAIN, StyleNetwork
from .stylebank import StyleBankNetwork
from .vgg import LAYOUTS, LEVELS, VggNetwork
from .weights import Progress, ensure, read_tensors
