"""A small HTTP client over a plain socket: it costs so little that servers can be compared through it."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

Address = tuple[str, int]
_BLOCK = 1024 * 1024


class Connection:
    """One connection kept alive."""

    def __init__(self, address: Address, *, cookie: str = "", authorization: str = "") -> None:
        self._socket = socket.create_connection(address, timeout=60)
        headers = {"Host": "127.0.0.1", "Cookie": cookie, "Authorization": authorization}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
        self._buffer = bytearray(_BLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def read(self, path: str, *, range_: str = "") -> int:
        """Ask for a file and count its bytes, keeping none."""
        _, length, received = self._ask(path, f"Range: {range_}\r\n" if range_ else "")
        left = length - len(received)
        while left > 0:
            count = self._socket.recv_into(self._buffer, min(_BLOCK, left))
            assert count, "the server broke off"
            left -= count
        return length

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page."""
        status, length, body = self._ask(path, "")
        while len(body) < length:
            more = self._socket.recv(_BLOCK)
            assert more, "the server broke off"
            body += more
        return status, body.decode()

    def _ask(self, path: str, header: str) -> tuple[int, int, bytes]:
        request = f"GET {path} HTTP/1.1\r\n{self._headers}{header}\r\n"
        self._socket.sendall(request.encode())
        received = b""
        while b"\r\n\r\n" not in received:
            more = self._socket.recv(65536)
            assert more, "the server closed the connection"
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        assert status < 400, f"{path} answered {status}"
        return status, int(headers.get("content-length", 0)), body
