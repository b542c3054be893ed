"""A media host and an upstream on a real socket, which answer as they are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

API = "/dream-machine/v1/generations/"


def _nothing() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. `sent` bytes of the body go out (all by default); `midway` is called when half of them have."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    says_length: bool = True
    sent: int | None = None
    midway: Callable[[], object] = _nothing


class MediaHost:
    """Answers each path from its script, the last answer for ever; whatever has no script is 404."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self.seen: list[str] = []
        self._scripts: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()

    def url(self, path: str) -> str:
        return self.base_url + path

    def serve(self, path: str, *replies: Reply) -> str:
        """Script a path; gives its address."""
        self._scripts[urlsplit(path).path] = list(replies)
        return self.url(path)

    def answer_about(self, task_id: str, **document: object) -> None:
        """Let upstream say this about a generation."""
        body = json.dumps({"id": task_id, "state": "completed", **document}).encode()
        self.serve(API + task_id, Reply(body=body, headers={"Content-Type": "application/json"}))

    def count(self, path: str) -> int:
        return sum(urlsplit(seen).path == path for seen in self.seen)

    def next_reply(self, path: str) -> Reply:
        with self._lock:
            self.seen.append(path)
            script = self._scripts.get(urlsplit(path).path, [Reply(status=404, body=b"<Error/>")])
            return script.pop(0) if len(script) > 1 else script[0]


@contextmanager
def running_host() -> Iterator[MediaHost]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.host = host = MediaHost(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        reply = self.server.host.next_reply(self.path)  # type: ignore[attr-defined]
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.says_length:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        body = reply.body[: reply.sent]
        half = len(body) // 2
        try:
            self.wfile.write(body[:half])
            self.wfile.flush()
            reply.midway()
            self.wfile.write(body[half:])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the other side was killed, which is what some tests are about
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
