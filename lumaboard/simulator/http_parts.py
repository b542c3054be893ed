"""The plumbing of the server: a request as the rest sees it, a reply, and how one is read and the other written."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

_MAX_BODY: Final = 1_048_576
_PIECE: Final = 65_536
_IDLE_SECONDS: Final = 75
_OVERSIZE: Final = 64 * 1024**3

HTML: Final = (
    "<!doctype html><html><head><title>Console</title></head><body><h1>Welcome to the console</h1></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes
    base_url: str


@dataclass(slots=True, kw_only=True)
class Reply:
    """What is answered: a body in memory, or a slice of a file."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    file: Path | None = None
    start: int = 0
    length: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds to wait before answering, or for `is_trickled` while sending."""
    is_trickled: bool = False
    cut_after: int | None = None
    """Close the connection after so many bytes of the body, whatever was announced."""
    is_dropped: bool = False
    """Close the connection without a word."""
    is_endless: bool = False
    """Announce far more than anybody wants, and send zeros."""


def json_reply(document: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode(), headers=headers)


def html_reply() -> Reply:
    return Reply(content_type="text/html; charset=utf-8", body=HTML.encode())


def xml_error(status: int, code: str, message: str, **headers: str) -> Reply:
    """Answer as object storage does."""
    document = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status=status, content_type="application/xml", body=document.encode(), headers=headers)


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a `Range` header, None where the whole file is meant.

    Raises ValueError for a range outside the file. Several ranges, and anything unreadable, mean the whole file.
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", (header or "").strip())
    if not found or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        if int(last) == 0 or size == 0:
            raise ValueError("no such bytes")
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise ValueError("no such bytes")
    return int(first), min(int(last), size - 1) if last else size - 1


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets the server's owner answer it, writes the reply. One thread per connection."""

    protocol_version = "HTTP/1.1"
    server_version = "lumaboard-simulator"
    sys_version = ""
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY:
            self.close_connection = True
            self._write(json_reply({"detail": "body too large"}, 413))
            return
        split = urlsplit(self.path)
        host = self.headers.get("Host") or self.server.address
        request = Request(
            method=self.command,
            path=unquote(split.path),
            query=dict(parse_qsl(split.query)),
            headers=self.headers,
            body=self.rfile.read(int(length)),
            base_url=f"http://{host}",
        )
        self._write(self.server.answer(request))

    do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = do_GET

    def _write(self, reply: Reply) -> None:
        if reply.delay and not reply.is_trickled:
            time.sleep(reply.delay)
        if reply.is_dropped:
            self.close_connection = True
            return
        length = reply.length if reply.file else len(reply.body)
        self.send_response(reply.status)
        self.send_header("Content-Length", str(_OVERSIZE if reply.is_endless else length))
        if reply.status != 204:
            self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        if reply.cut_after is not None or reply.is_endless:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self._write_body(reply, length)

    def _write_body(self, reply: Reply, length: int) -> None:
        if reply.is_endless:
            while True:  # until the client hangs up, which raises
                self.wfile.write(bytes(_PIECE))
        if reply.file is None:
            self.wfile.write(reply.body[: reply.cut_after])
            return
        left = length if reply.cut_after is None else min(length, reply.cut_after)
        piece = max(1, left // 20) if reply.is_trickled else _PIECE
        with reply.file.open("rb") as file:
            file.seek(reply.start)
            while left > 0 and (data := file.read(min(piece, left))):
                self.wfile.write(data)
                left -= len(data)
                if reply.is_trickled:
                    self.wfile.flush()
                    time.sleep(reply.delay / 20)

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away, as clients do

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: what was asked is in `Simulator.requests`."""


class Server(ThreadingHTTPServer):
    """A threaded server which, once stopped, also ends the connections kept alive."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, bind: tuple[str, int], answer: Callable[[Request], Reply]) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(bind, Handler)
        self.address = f"{bind[0]}:{self.server_address[1]}"
        self.answer = answer

    def server_bind(self) -> None:
        """Bind without the look-up of our own name that HTTPServer does, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "simulator", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # one that is already gone
                connection.shutdown(socket.SHUT_RDWR)
