"""As much of a WebSocket client (RFC 6455) as listening to a server on this machine takes."""

import json
import os
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket:
    """A connection that is read from; messages of other kinds than text are left out."""

    def __init__(self, port: int, path: str, patience: float) -> None:
        """`patience` is how many seconds the server may be silent before TimeoutError."""
        self._socket = socket.create_connection(("127.0.0.1", port), patience)
        key = b64encode(os.urandom(16)).decode()
        lines = f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
        request = "\r\n".join([f"GET {path} HTTP/1.1", *lines, f"Sec-WebSocket-Key: {key}", "", ""])
        self._socket.sendall(request.encode())
        self._stream = self._socket.makefile("rb")
        answer = self._stream.readline()
        if b" 101 " not in answer:
            raise ConnectionError(f"{path} is no WebSocket: {answer!r}")
        while self._stream.readline().strip():
            pass

    def messages(self) -> Iterator[dict[str, Any]]:
        """Each JSON message as it comes."""
        while True:
            kind, payload = self._frame()
            if kind == TEXT:
                yield json.loads(payload)
            elif kind == PING:
                self._pong(payload)
            elif kind == CLOSE:
                raise ConnectionError("the server closed the connection")

    def shutdown(self) -> None:
        """Leave at once, while another thread may be reading."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _frame(self) -> tuple[int, bytes]:
        head = self._bytes(2)
        length = head[1] & 127
        if length > 125:
            length = int.from_bytes(self._bytes(2 if length == 126 else 8), "big")
        return head[0] & 15, self._bytes(length)

    def _bytes(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise ConnectionError("the server is gone")
        return data

    def _pong(self, payload: bytes) -> None:
        mask = os.urandom(4)  # a client's frames are masked
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(bytes([128 | PONG, 128 | len(payload)]) + mask + masked)
