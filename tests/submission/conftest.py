"""An upstream that says what a test wants, on a real socket, and a connection that leads there."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Connection, Kind
from lumaboard.submission.operations import Sent, submit
from tests.factories import NOW, make_connection
from tests.outbound.scripted import Script, ScriptedServer, answer, saying, scripted_server

ASKED = b'{"prompt": "A quiet harbour", "model": "ray-2", "aspect_ratio": "9:16", "resolution": "720p"}'

Submit = Callable[..., Sent]


def created(task_id: str, **fields: Any) -> dict[str, Any]:
    """A create answer in the official shape."""
    request = json.loads(ASKED) | {"generation_type": "video", "duration": "5s"}
    return {
        "id": task_id,
        "generation_type": "video",
        "state": "queued",
        "failure_reason": None,
        "created_at": "2026-11-22T12:00:00Z",
        "assets": None,
        "model": "ray-2",
        "request": request,
    } | fields


def saying_json(document: Any, status: str = "200 OK", headers: str = "") -> Script:
    return saying(answer(json.dumps(document).encode(), status=status, headers=headers))


def making() -> Script:
    """Accept every create, each under an id of its own."""
    numbers = count(1)

    def script(connection: socket.socket, request: bytes) -> None:
        document = created(f"made-{next(numbers)}", request=json.loads(request.partition(b"\r\n\r\n")[2]))
        connection.sendall(answer(json.dumps(document).encode(), status="201 Created"))

    return script


def in_turn(*scripts: Script) -> Script:
    """Answer each request by the next script, the last one for all that follow."""
    waiting = list(scripts)
    lock = threading.Lock()

    def script(connection: socket.socket, request: bytes) -> None:
        with lock:
            chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        chosen(connection, request)

    return script


def hanging_up(connection: socket.socket, request: bytes) -> None:
    connection.close()


Serve = Callable[[Script], ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start scripted servers that live as long as the test."""
    running = []

    def start(script: Script) -> ScriptedServer:
        context = scripted_server(script)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@contextmanager
def nobody_listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


def connection_at(alice: Membership, url: str, **fields: Any) -> Connection:
    fields.setdefault("kind", Kind.LUMA)
    return make_connection(alice.workspace, base_url=url, calls_left_at=NOW, **fields)


@pytest.fixture
def submit_at(alice: Membership) -> Submit:
    """Submit as Alice, unless the options say otherwise."""

    def submit_there(connection: Connection, **options: Any) -> Sent:
        options = {
            "created_by_id": alice.user_id,
            "route": "/generations",
            "request": ASKED,
            "source": "proxy",
            "clock": lambda: NOW,
        } | options
        return submit(connection, **options)

    return submit_there
