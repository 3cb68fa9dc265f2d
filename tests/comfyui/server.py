"""A ComfyUI of the tests' own: an installed one, started with this checkout as its pack and with folders of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.request import ProxyHandler, build_opener

from brushwork.tests.conftest import ROOT

FOLDERS = ("custom_nodes", "models", "input", "output", "temp", "user")
PACK = "brush-work"
"""The pack's folder: no name that Python could import."""
EMPTY: Mapping[str, str] = MappingProxyType({})
PATIENCE = 180
"""Seconds that the start may take."""


class Server:
    """Answers from the end of `__init__` until `stop`; everything it writes lies below `folder`."""

    def __init__(
        self, folder: Path, comfyui: Path, python: Path, pack: Path = ROOT, environment: Mapping[str, str] = EMPTY
    ) -> None:
        self.folder, self.port, self.log = folder, _free_port(), folder / "server.log"
        self._more = environment
        for name in FOLDERS:
            (folder / name).mkdir()
        (folder / "custom_nodes" / PACK).symlink_to(pack, target_is_directory=True)
        (folder / "custom_nodes" / "probe").symlink_to(Path(__file__).with_name("probe"), target_is_directory=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(python), cwd=comfyui, stdout=log, stderr=subprocess.STDOUT, env=self._environment()
            )
        self._await()

    def _command(self, python: Path) -> list[str]:
        own = ["--base-directory", str(self.folder), "--database-url", "sqlite:///:memory:"]
        where = ["--listen", "127.0.0.1", "--port", str(self.port), "--disable-auto-launch"]
        return [str(python), "main.py", *where, *own, *os.environ.get("COMFYUI_FLAGS", "--cpu").split()]

    def _environment(self) -> dict[str, str]:
        """No weights but those built in, and as many threads as the tests themselves have."""
        own = {"BRUSHWORK_WEIGHTS": "", "BRUSHWORK_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own, **self._more}

    def _await(self) -> None:
        last = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > last:
                self.stop()
                raise RuntimeError(f"ComfyUI did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{self.port}/system_stats", timeout=3):
                return True
        except OSError:
            return False

    @property
    def resident(self) -> int:
        """Bytes of memory that the process holds."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
