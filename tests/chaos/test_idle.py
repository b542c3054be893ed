"""Connections that are held open and say nothing, or not all."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ops.installation import Installation, fresh_database, get
from tests.ops.processes import until

BEGINNINGS = (
    b"",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nlogin=",
)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Installation]:
    with fresh_database() as url:
        installation = Installation(tmp_path / "data", url)
        installation.run("migrate", "--noinput", "-v0")
        installation.run("createcachetable", "-v0")
        installation.run("collectstatic", "--noinput", "-v0")
        with installation.running("web"):
            until(lambda: installation.says_ok("/healthz"), within=60)
            yield installation


def test_three_hundred_idle_connections_keep_nobody_out(board: Installation) -> None:
    with ExitStack() as held:
        for number in range(300):
            connection = held.enter_context(socket.create_connection(board.address, timeout=10))
            connection.sendall(BEGINNINGS[number % len(BEGINNINGS)])
        started = time.monotonic()
        for _ask in range(10):
            assert get(board.address, "/healthz")[0] == 200
            assert get(board.address, "/accounts/login/")[0] == 200
        assert time.monotonic() - started < 20  # not one of them waited for a time-out
