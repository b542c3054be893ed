"""An upstream of the tests' own on a real socket: it answers the documents and files it was given, and nothing else."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

GENERATIONS = "/dream-machine/v1/generations/"
MEDIA_TYPES = {"mp4": "video/mp4", "jpg": "image/jpeg"}
UNKNOWN = {"code": "task_not_exist", "message": "task_not_exist", "data": None}


class StandIn:
    """A context manager; documents and files may be put in and changed while it runs."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.keys: set[str] = set()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="stand-in")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def link(self, name: str, query: str = "") -> str:
        return f"{self.url}/media/{name}{query}"


def _handler_of(upstream: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            upstream.asked[path] += 1
            if path.startswith("/media/"):
                name = path.removeprefix("/media/")
                body = upstream.files.get(name, b"")
                self._answer(200 if body else 404, MEDIA_TYPES[name.rpartition(".")[2]], body)
                return
            upstream.keys.add(self.headers.get("Authorization", ""))
            document = upstream.documents.get(path.removeprefix(GENERATIONS))
            body = json.dumps(UNKNOWN if document is None else document).encode()
            self._answer(400 if document is None else 200, "application/json", body)

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing; `asked` counts."""

    return Handler
