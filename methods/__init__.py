"""Methods of transfer, and `render`, which makes a picture with any of them."""

from ..transfer.wct import TRANSPORT, WHITENING
from .adain import AdaIN
from .efdm import EFDM
from .matching import Matching
from .msgnet import MsgNetMethod
from .protocol import Method
from .stylebank import StyleBank
from .wct import WCT, Whitening

MATCHING: dict[str, Matching] = {"adain": AdaIN(), WHITENING: Whitening(), TRANSPORT: WCT(), "efdm": EFDM()}
"""Those that take any network with a decoder at their level, as nodes call them."""
_FIRST = (MATCHING["adain"], MATCHING[TRANSPORT], MsgNetMethod(), StyleBank(), MATCHING["efdm"])
METHODS: dict[str, Method] = {method.name: method for method in (*_FIRST, *MATCHING.values())}
"""All, in the order in which they are offered."""
DEFAULT = "wct"
"""The method where none is named: of hidden pictures it was ranked first (benchmarks/README.md)."""
