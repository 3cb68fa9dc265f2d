"""The pack comes up quietly, quickly, and whole."""

import re

from brushwork.nodes import NODES
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.server import PACK, Server
from brushwork.tools.workflows import WORKFLOWS


def test_everything_is_there_and_nothing_is_warned_of(client: Client) -> None:
    known = client.get("/object_info")
    assert set(NODES) <= set(known)
    assert {known[name]["python_module"] for name in NODES} == {f"custom_nodes.{PACK}"}
    assert set(client.get("/workflow_templates")[PACK]) == set(WORKFLOWS)
    assert set(NODES) <= set(client.get("/i18n")["en"]["nodeDefs"])
    assert PACK not in str(client.get("/probe/warnings"))


def test_the_pack_is_imported_in_a_moment(server: Server) -> None:
    """By ComfyUI's own list. An idle machine takes 0.1 seconds; anything heavy would take more than a busy one."""
    (seconds,) = re.findall(rf"([0-9.]+) seconds: \S+{PACK}\n", server.log.read_text())
    assert float(seconds) <= 0.5
