"""A scripted upstream on a real socket, and an engine whose clock stands where the test puts it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lumaboard.accounts.models import Workspace
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Generation
from lumaboard.refresh.engine import Engine, Round
from tests.factories import NOW, make_connection

Answer = Response | Callable[[Request], Response]


def document(task_id: str, state: str = "processing", **fields: Any) -> dict[str, Any]:
    """A query answer in the legacy shape."""
    return {"id": task_id, "state": state, "created_at": "2026-11-22T11:59:00.000Z", "liked": None, **fields}


def completed(task_id: str, **fields: Any) -> dict[str, Any]:
    """The same, complete with its four files."""
    cdn = "https://cdn.example/" + task_id
    return document(
        task_id,
        "completed",
        video={"url": f"{cdn}_watermarked_.mp4", "width": 1360, "height": 752, "download_url": None},
        video_raw={"url": f"{cdn}.mp4", "width": 1360, "height": 752, "duration": 5.041667},
        thumbnail={"url": f"{cdn}.jpg", "width": 1360, "height": 752},
        last_frame={"url": f"{cdn}_last.jpg", "width": 1360, "height": 752},
        **fields,
    )


def answer(body: dict[str, Any] | str, status: int = 200, **headers: str) -> Response:
    if isinstance(body, str):
        return Response(body, status, headers, content_type="text/html")
    return Response(json.dumps(body), status, headers, content_type="application/json")


@dataclass
class Upstream:
    """Answers for ids as told; every other id is `processing`."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    default: Answer | None = None
    calls: Counter[str] = field(default_factory=Counter)

    def handle(self, request: Request) -> Response:
        task_id = request.path.rpartition("/")[2]
        self.calls[task_id] += 1
        given = self.answers.get(task_id, self.default) or answer(document(task_id))
        return given(request) if callable(given) and not isinstance(given, Response) else given

    def connection(self, workspace: Workspace | None = None, *, kind: str = Kind.COMETAPI, **fields: Any) -> Connection:
        return make_connection(workspace, kind=kind, base_url=self.url, calls_left_at=NOW, **fields)


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def upstream(upstream_server: HTTPServer) -> Iterator[Upstream]:
    script = Upstream(upstream_server.url_for("").rstrip("/"))
    upstream_server.expect_request(re.compile(".*")).respond_with_handler(script.handle)
    yield script
    upstream_server.check_assertions()
    upstream_server.clear()


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> datetime:
        self.now += timedelta(**parts)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Engine(concurrency=4, clock=clock)


@pytest.fixture
def ask(engine: Engine, clock: Clock) -> Callable[[Generation], Generation]:
    """Run a round in which this generation is due, and give the row as it is afterwards."""

    def ask_about(generation: Generation) -> Generation:
        Generation.objects.filter(pk=generation.pk, settled_at=None).update(next_refresh_at=clock.now)
        done: Round = engine.run(seconds=5)
        assert done.lost == 0
        generation.refresh_from_db()
        return generation

    return ask_about
