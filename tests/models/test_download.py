"""Downloads against a server of our own: what arrives, what is kept, what is said."""

import hashlib
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import pytest

from brushwork.models.weights import store as weights
from brushwork.models.weights.download import CHUNK, fetch
from brushwork.models.weights.manifest import WeightFile, WeightsError

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 1000
CUT = CHUNK + 4321
"""Where the server hangs up if told to: after more than one chunk, and not between two."""


class Handler(BaseHTTPRequestHandler):
    server: "FileServer"

    def do_GET(self) -> None:  # noqa: N802
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        server.gate.wait(30)
        self.path = self.path.removeprefix("http://weights.example")  # of what a proxy is asked
        if self.path == "/locked":
            self.answer(407, b"who are you")
        elif self.path == "/moved":
            self.answer(302, b"elsewhere", Location="/file")
        elif self.path.startswith("/status/"):
            self.answer(int(self.path.removeprefix("/status/")), b"")
        elif self.path == "/page":
            self.answer(200, b"<html>please log in</html>", **{"Content-Type": "text/html; charset=utf-8"})
        elif self.path != "/file":
            self.answer(404, b"not here")
        elif server.ranges and (wanted := self.headers.get("Range")):
            rest = server.content[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
            self.answer(206 if rest else 416, rest)
        else:
            self.answer(200, server.content)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.server.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: self.server.cut]
        self.server.sent += len(body)  # before the client can have them
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Quiet."""


class FileServer(ThreadingHTTPServer):
    """A server of one file, and of trouble."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges = True
        self.length = True
        self.cut: int | None = None
        self.sent = 0
        self.asked: list[tuple[str, str | None]] = []
        self.gate = threading.Event()
        self.gate.set()

    def url(self, path: str = "/file") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def entry(*urls: str) -> WeightFile:
    return WeightFile(
        id="file",
        filename="net/file.pth",
        format="torch",
        keymap="sequential",
        urls=urls,
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def blob(*urls: str) -> WeightFile:
    """The same file, of which only git's name is known, and not the size."""
    name = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    return replace(entry(*urls), bytes=None, sha256=None, git_blob=name)


Describe = Callable[..., WeightFile]
both = pytest.mark.parametrize("describe", [entry, blob])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "net" / "file.pth"


def part(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")


def left(place: Path) -> list[str]:
    """What lies in the folder, but for locks."""
    return sorted(path.name for path in place.parent.iterdir() if path.suffix != ".lock")


def refusal(file: WeightFile, place: Path) -> str:
    with pytest.raises(WeightsError) as error:
        fetch(file, place)
    message = str(error.value)
    assert "\n" not in message and file.urls[0] in message and f"put it at {place}" in message
    assert not place.exists()
    return message


@both
@pytest.mark.parametrize("path", ["/file", "/moved"])
@pytest.mark.parametrize("length", [True, False])
def test_success(describe: Describe, path: str, length: bool, server: FileServer, place: Path) -> None:
    server.length = length
    steps: list[tuple[int, int]] = []
    assert fetch(describe(server.url(path)), place, lambda done, total: steps.append((done, total))) == place
    assert place.read_bytes() == CONTENT
    assert left(place) == ["file.pth"]
    known = len(CONTENT) if length or describe is entry else 0
    assert [done for done, _ in steps] == [0, CHUNK, 2 * CHUNK, 3 * CHUNK, len(CONTENT)]
    assert {total for _, total in steps} == {known}


def test_a_file_that_is_there_is_not_asked_for(server: FileServer, place: Path) -> None:
    fetch(entry(server.url()), place)
    fetch(entry(server.url()), place)
    assert len(server.asked) == 1


@both
@pytest.mark.parametrize("content", [CONTENT[::-1], b"<html>please log in</html>", CONTENT + b"and more"])
def test_wrong_content_is_deleted(describe: Describe, content: bytes, server: FileServer, place: Path) -> None:
    server.content = content
    message = refusal(describe(server.url()), place)
    assert "expected" in message or "longer" in message
    assert left(place) == []


@both
def test_a_cut_connection_is_resumed_by_a_later_attempt(describe: Describe, server: FileServer, place: Path) -> None:
    server.cut = CUT
    assert f"the connection to 127.0.0.1:{server.server_port} was cut" in refusal(describe(server.url()), place)
    assert left(place) == ["file.pth.part"]
    kept = part(place).stat().st_size
    assert CHUNK <= kept <= CUT
    server.cut, server.sent = None, 0
    fetch(describe(server.url()), place)
    assert place.read_bytes() == CONTENT and left(place) == ["file.pth"]
    assert server.asked[-1] == ("/file", f"bytes={kept}-")
    assert server.sent == len(CONTENT) - kept


def test_a_server_without_ranges_sends_all_again(server: FileServer, place: Path) -> None:
    server.cut, server.ranges = CUT, False
    refusal(entry(server.url()), place)
    server.cut, server.sent = None, 0
    fetch(entry(server.url()), place)
    assert place.read_bytes() == CONTENT
    assert server.sent == len(CONTENT)


@both
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [0, 1000, len(CONTENT), len(CONTENT) + 5])
def test_a_bad_partial_file_is_begun_anew(
    describe: Describe, size: int, ranges: bool, server: FileServer, place: Path
) -> None:
    server.ranges = ranges
    place.parent.mkdir(parents=True)
    part(place).write_bytes(b"?" * size)
    fetch(describe(server.url()), place)
    assert place.read_bytes() == CONTENT and left(place) == ["file.pth"]


@both
def test_a_partial_file_that_is_whole_needs_no_server(describe: Describe, server: FileServer, place: Path) -> None:
    place.parent.mkdir(parents=True)
    part(place).write_bytes(CONTENT)
    fetch(describe(server.url()), place)
    assert place.read_bytes() == CONTENT and left(place) == ["file.pth"]
    assert server.asked == []


def test_404(server: FileServer, place: Path) -> None:
    assert f"127.0.0.1:{server.server_port} answered 404 Not Found" in refusal(entry(server.url("/gone")), place)
    assert left(place) == []


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "ask whoever keeps your network whether it lets this address through"),
        (403, "ask whoever keeps your network whether it lets this address through"),
        (429, "try again later"),
        (500, "try again later"),
        (503, "try again later"),
        (410, "try again"),
    ],
)
def test_refusals_are_told_apart(status: int, remedy: str, server: FileServer, place: Path) -> None:
    message = refusal(entry(server.url(f"/status/{status}")), place)
    assert f"answered {status} " in message and f"): {remedy}, or get it from" in message
    assert left(place) == []


def test_a_web_page_is_no_file(server: FileServer, place: Path) -> None:
    part(place).parent.mkdir(parents=True)
    part(place).write_bytes(CONTENT[:7])
    message = refusal(entry(server.url("/page")), place)
    assert "sent a web page in the place of the file): open the address in a browser and log in there, or" in message
    assert part(place).read_bytes() == CONTENT[:7]
    fetch(entry(server.url()), place)
    assert place.read_bytes() == CONTENT


def test_a_name_that_nobody_knows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setenv("NO_PROXY", "weights.example")
    monkeypatch.setattr("brushwork.models.weights.download.urlopen", unknown)
    message = refusal(entry("https://weights.example/file"), place)
    assert (
        "(no connection to weights.example: its name is not known here): see whether this machine is online" in message
    )


def test_urls_are_tried_in_turn(server: FileServer, place: Path) -> None:
    fetch(entry(server.url("/gone"), server.url(), server.url("/never")), place)
    assert [path for path, _ in server.asked] == ["/gone", "/file"]
    assert place.read_bytes() == CONTENT


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_connection(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    port = closed_port()
    assert f"no connection to 127.0.0.1:{port}: it refuses connections" in refusal(
        entry(f"http://127.0.0.1:{port}/file"), place
    )
    assert left(place) == []


def test_a_server_that_says_nothing(server: FileServer, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brushwork.models.weights.download.TIMEOUT", 0.1)
    server.gate.clear()
    assert "did not answer in time" in refusal(entry(server.url()), place)
    server.gate.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_answer(scheme: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxy = f"127.0.0.1:{closed_port()}"
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:secret@{proxy}")
    message = refusal(entry(f"{scheme}://weights.example/file"), place)
    assert f"(no connection to weights.example through the proxy {proxy}): " in message and "secret" not in message
    assert f"set {scheme}_proxy to a proxy that works, or no_proxy to weights.example, or get it from" in message


def test_a_proxy_may_carry_the_file_or_ask_for_a_password(
    server: FileServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url(""))
    message = refusal(entry("http://weights.example/locked"), place)
    assert f"no connection to weights.example through the proxy 127.0.0.1:{server.server_port}: it asks for" in message
    fetch(entry("http://weights.example/file"), place)
    assert place.read_bytes() == CONTENT


def test_a_certificate_that_is_not_trusted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        error = ssl.SSLCertVerificationError("certificate verify failed")
        error.verify_message = "self-signed certificate in certificate chain"
        raise URLError(error)

    monkeypatch.setattr("brushwork.models.weights.download.urlopen", refuse)
    message = refusal(entry("https://weights.example/file"), place)
    assert "the certificate of weights.example is not one of those trusted here: self-signed certificate" in message
    assert "set SSL_CERT_FILE to the file of certificates" in message and "proxy" not in message


@pytest.fixture
def certified(server: FileServer, tmp_path: Path) -> Path:
    """The certificate that the server, over TLS now, shows for its address."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    names = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=x -addext"
    where = ["subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([openssl, "req", *names.split(), *where], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return made


def test_certificates_for_real(
    certified: Path, server: FileServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that nobody knows, one that the person trusts, and one of another name."""
    url, other = (f"https://{host}:{server.server_port}/file" for host in ("127.0.0.1", "localhost"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    message = refusal(entry(url), place)
    assert "is not one of those trusted here: self-signed certificate" in message and "SSL_CERT_FILE" in message
    monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    assert "is not one of those trusted here: Hostname mismatch" in refusal(entry(other), place)
    fetch(entry(url), place)
    assert place.read_bytes() == CONTENT


def test_a_proxy_that_lets_nothing_through(server: FileServer, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers CONNECT, which it does not know, with 501."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", server.url(""))
    message = refusal(entry("https://weights.example/file"), place)
    way = f"no connection to weights.example through the proxy 127.0.0.1:{server.server_port}: it answered 501 "
    assert way in message and "set https_proxy to a proxy that works" in message


class CancelledError(Exception):
    """What a host raises to stop."""


@pytest.mark.parametrize("limit", [0, CHUNK])
def test_progress_may_cancel_and_a_later_attempt_goes_on(limit: int, server: FileServer, place: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done >= limit:
            raise CancelledError

    with pytest.raises(CancelledError):
        fetch(entry(server.url()), place, stop)
    assert left(place) == (["file.pth.part"] if limit else [])
    fetch(entry(server.url()), place)
    assert place.read_bytes() == CONTENT and left(place) == ["file.pth"]
    assert server.asked[-1] == ("/file", f"bytes={limit}-" if limit else None)


def test_a_folder_that_cannot_be_written(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"a file where the folder should be")
    with pytest.raises(WeightsError, match="cannot be written"):
        fetch(entry(server.url()), tmp_path / "weights" / "net" / "file.pth")
    assert server.asked == []


CHILD = """
import json, sys, types
from pathlib import Path
package = types.ModuleType("brushwork")
package.__path__ = [sys.argv[1]]
sys.modules["brushwork"] = package
from brushwork.models.weights.download import fetch
from brushwork.models.weights.manifest import WeightFile
print("ready", flush=True)
sys.stdin.readline()
fetch(WeightFile(**json.loads(sys.argv[2])), Path(sys.argv[3]))
"""


def test_two_processes_at_once_share_one_download(server: FileServer, place: Path) -> None:
    server.gate.clear()
    command = [sys.executable, "-c", CHILD, str(ROOT), json.dumps(asdict(entry(server.url()))), str(place)]
    children = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(2)]  # -1: by a pipe
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    while not server.asked and all(child.poll() is None for child in children):
        threading.Event().wait(0.01)
    server.gate.set()
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0]
    assert place.read_bytes() == CONTENT and left(place) == ["file.pth"]
    assert server.sent == len(CONTENT)


def test_waiting_for_another_process_can_be_cancelled(server: FileServer, place: Path) -> None:
    from filelock import FileLock

    def stop(done: int, total: int) -> None:
        assert (done, total) == (7, 0)
        raise CancelledError

    place.parent.mkdir(parents=True)
    part(place).write_bytes(b"so far.")
    with FileLock(f"{place}.lock"), pytest.raises(CancelledError):
        fetch(entry(server.url()), place, stop)
    assert server.asked == [] and part(place).read_bytes() == b"so far."


def test_from_missing_to_verified_and_never_again(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.delenv("BRUSHWORK_OFFLINE", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "net" / "file.pth"
    file = entry(server.url())
    assert weights.ensure(file) == path
    assert weights.ensure(file) == path
    assert len(server.asked) == 1
    path.write_bytes(b"damaged")
    assert weights.ensure(file) == path
    assert path.read_bytes() == CONTENT and len(server.asked) == 2
