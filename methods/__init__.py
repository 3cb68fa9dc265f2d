"""Methods of transfer, and `render`, which makes a picture with any of them."""

from .adain import AdaIN
from .efdm import EFDM
from .matching import Matching
from .msgnet import MsgNetMethod
from .protocol import Method
from .stylebank import StyleBank
from .wct import WCT

METHODS: dict[str, Method] = {method.name: method for method in (AdaIN(), WCT(), MsgNetMethod(), StyleBank(), EFDM())}
MATCHING: dict[str, Matching] = {
    name: variant
    for method in METHODS.values()
    if isinstance(method, Matching)
    for name, variant in method.variants().items()
}
"""Those that take any network with a decoder at their level."""
