"""Methods of transfer, and `render`, which makes a picture with any of them."""

from .adain import AdaIN
from .efdm import EFDM
from .msgnet import MsgNetMethod
from .protocol import Method
from .stylebank import StyleBank
from .wct import WCT

METHODS: dict[str, Method] = {method.name: method for method in (AdaIN(), WCT(), MsgNetMethod(), StyleBank(), EFDM())}
