"""A provider on a real socket that has a list, which tests change while it is read, and a connection that leads there."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Generation
from lumaboard.past import walking
from lumaboard.past.models import Walk
from tests.factories import make_connection
from tests.outbound.scripted import Script, ScriptedServer, answer, scripted_server

BEGUN = datetime.fromisoformat("2026-08-01T10:00:00+00:00")


class Provider:
    """What was made with one key, the newest first; `scripts` answer before it does, each once."""

    def __init__(self, count: int = 0) -> None:
        self.entries: list[Any] = [entry(number) for number in reversed(range(count))]
        self.scripts: list[Script] = []
        self.before_page: list[Callable[[], None]] = []
        self.offsets: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        with self._lock:
            script = self.scripts.pop(0) if self.scripts else self.page if b"?limit=" in request else self.one
        script(connection, request)

    def one(self, connection: socket.socket, request: bytes) -> None:
        """Tell about a generation."""
        task_id = request.split(b" ", 2)[1].rpartition(b"/")[2].decode()
        found = next(one for one in self.entries if one["id"] == task_id)
        connection.sendall(answer(json.dumps(found).encode()))

    def make(self, *numbers: int) -> None:
        """Make some more, which then are the newest."""
        for number in numbers:
            self.entries.insert(0, entry(number))

    def page(self, connection: socket.socket, request: bytes) -> None:
        """Tell a page of the list."""
        query = request.split(b" ", 2)[1].partition(b"?")[2].decode()
        limit, offset = (int(pair.partition("=")[2]) for pair in query.split("&"))
        self.offsets.append(offset)
        if self.before_page:
            self.before_page.pop(0)()
        page = self.entries[offset : offset + limit]
        more = offset + limit < len(self.entries)
        document = {"generations": page, "count": len(self.entries), "has_more": more}
        connection.sendall(answer(json.dumps(document).encode()))


def id_of(number: int) -> str:
    return f"made-{number:05d}"


def entry(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_of(number),
        "generation_type": "video",
        "state": "completed",
        "created_at": (BEGUN + timedelta(minutes=number)).isoformat(),
        "assets": {"video": f"https://media.invalid/{number}.mp4"},
        "model": "ray-2",
        "request": {"prompt": f"Harbour number {number}", "aspect_ratio": "16:9", "resolution": "720p"},
    } | fields


@pytest.fixture
def provider() -> Provider:
    return Provider(250)


@pytest.fixture
def server(provider: Provider) -> Iterator[ScriptedServer]:
    with scripted_server(provider) as running:
        yield running


@pytest.fixture
def connection(alice: Membership, server: ScriptedServer) -> Connection:
    return make_connection(alice.workspace, kind=Kind.LUMA, base_url=server.url, allowance_per_minute=60_000)


def walk_on(*, turns: int = 60, **later: float) -> Walk:
    """Do what worker and engine do, on a clock that is so far ahead, until the walk is over or waits for long."""
    for turn in range(turns):
        ahead = timedelta(**later) + timedelta(seconds=turn)
        may_go_on = walking.go_on(clock=lambda ahead=ahead: timezone.now() + ahead, seconds=0.3)  # type: ignore[misc]
        if not may_go_on:
            break
        if turn < turns - 1:
            Generation.objects.pending().update(next_refresh_at=timezone.now() + timedelta(minutes=90))
    return Walk.objects.latest("pk")
