"""The provider's own library, unmodified, and sockets that do what no library does: all of it over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lumaai
import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Kind
from lumaboard.generations.models import Generation, State
from lumaboard.simulator import Simulator
from lumaboard.submission.models import Intent, IntentState
from tests.factories import make_connection, make_token
from tests.proxy.comet_script import PROMPTS
from tests.proxy.conftest import ALL
from tests.simulator.tools import TINY
from tests.submission.conftest import ASKED, Serve, connection_at, created, saying_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(data_dir=tmp_path, pace=0.02, style=TINY) as simulator:
        yield simulator


@pytest.fixture
def token(alice: Membership) -> str:
    return make_token(alice, *ALL).token


def base_of(live_server: LiveServer) -> str:
    return f"{live_server.url}/dream-machine/v1"


def test_the_providers_library_needs_another_host_and_key_and_nothing_else(
    alice: Membership, token: str, simulator: Simulator, live_server: LiveServer
) -> None:
    make_connection(alice.workspace, kind=Kind.SIMULATOR, base_url=simulator.url)
    with lumaai.LumaAI(base_url=base_of(live_server), auth_token=token) as luma:
        film = luma.generations.create(prompt="A quiet harbour", model="ray-2", aspect_ratio="9:16")
        still = luma.generations.image.create(prompt="A quiet harbour at night", model="photon-1")
        assert film.id
        assert still.id
        ends_at = time.monotonic() + 30
        while film.state not in ("completed", "failed") and time.monotonic() < ends_at:
            film = luma.generations.get(film.id or "", extra_headers={"Cache-Control": "no-cache"})
        assert film.state == "completed"
        assert {one.id for one in luma.generations.list().generations} == {film.id, still.id}
        assert "dolly_zoom" in luma.generations.concepts.list()
        assert luma.credits.get().credit_balance == 12_345
        assert luma.ping.check().message == "pong"
        luma.generations.delete(still.id)
    rows = {row.task_id: row for row in Generation.objects.all()}
    assert rows[film.id].state == State.SUCCEEDED
    assert rows[film.id].prompt == "A quiet harbour"
    assert rows[film.id].created_by == alice.user
    assert rows[still.id].trashed_at is not None
    assert [intent.state for intent in Intent.objects.all()] == [IntentState.ACCEPTED] * 2


def test_the_same_without_waiting_in_threads(
    alice: Membership, token: str, simulator: Simulator, live_server: LiveServer
) -> None:
    make_connection(alice.workspace, kind=Kind.SIMULATOR, base_url=simulator.url)

    async def make() -> str:
        async with lumaai.AsyncLumaAI(base_url=base_of(live_server), auth_token=token) as luma:
            film = await luma.generations.create(prompt="A quiet harbour", model="ray-2")
            return (await luma.generations.get(film.id or "")).id or ""

    with ThreadPoolExecutor(1) as pool:  # the browser tests' loop may run in this thread
        assert pool.submit(asyncio.run, make()).result() == Generation.objects.get().task_id


def test_a_script_for_cometapi_needs_another_host_and_key_and_nothing_else(
    alice: Membership, token: str, simulator: Simulator, live_server: LiveServer
) -> None:
    def run(host: str, key: str) -> dict[str, Any]:
        script = Path(__file__).with_name("comet_script.py")
        ran = subprocess.run([sys.executable, script, host, key], capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        return told

    make_connection(alice.workspace, kind=Kind.COMETAPI, base_url=simulator.url)
    direct, through = run(simulator.url, "sk-good"), run(live_server.url, token)
    assert [film["state"] for film in through["films"]] == ["completed", "failed"]
    assert [film["told"] for film in through["films"]] == [film["told"] for film in direct["films"]]
    assert through["unknown"] == direct["unknown"]
    rows = {row.task_id: row for row in Generation.objects.all()}
    film, refused = (rows[one["id"]] for one in through["films"])
    assert len(rows) == 2
    assert (film.prompt, film.aspect_ratio, film.created_by) == (PROMPTS[0], "16:9", alice.user)
    assert [film.state, refused.state] == [State.SUCCEEDED, State.FAILED]


@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        ("[sim:create-moderation] no", lumaai.BadRequestError),
        ("[sim:create-429] no", lumaai.RateLimitError),
        ("[sim:create-500] no", lumaai.InternalServerError),
        ("[sim:create-lost] no", lumaai.InternalServerError),
    ],
)
def test_its_errors_are_the_ones_it_knows_and_it_repeats_nothing_that_may_have_been_made(
    alice: Membership,
    token: str,
    simulator: Simulator,
    live_server: LiveServer,
    prompt: str,
    error: type[lumaai.APIStatusError],
) -> None:
    make_connection(alice.workspace, kind=Kind.SIMULATOR, base_url=simulator.url)
    retries = 0 if error is lumaai.RateLimitError else 2  # a 429 it may repeat: nothing was made
    with (
        lumaai.LumaAI(base_url=base_of(live_server), auth_token=token, max_retries=retries) as luma,
        pytest.raises(error),
    ):
        luma.generations.create(prompt=prompt, model="ray-2")
    assert Intent.objects.count() == 1


def test_a_wrong_token_is_its_authentication_error(db: None, live_server: LiveServer) -> None:
    with (
        lumaai.LumaAI(base_url=base_of(live_server), auth_token="luma-mine") as luma,
        pytest.raises(lumaai.AuthenticationError, match="This token does not work"),
    ):
        luma.generations.list()


def test_answers_are_the_bytes_that_a_direct_call_gets(
    alice: Membership, token: str, simulator: Simulator, live_server: LiveServer
) -> None:
    make_connection(alice.workspace, kind=Kind.SIMULATOR, base_url=simulator.url)

    def ask(base: str, key: str, path: str) -> tuple[int, bytes, str | None]:
        said = requests.get(base + path, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        return said.status_code, said.content, said.headers.get("Content-Type")

    paths = (
        "/ping",
        "/credits",
        "/generations/concepts/list",
        "/generations/gone-gone",
        "/generations/a-html",
        "/no/such",
    )
    for path in paths:
        direct = ask(f"{simulator.url}/dream-machine/v1", "sk-good", path)
        assert ask(base_of(live_server), token, path) == direct


def test_a_program_that_leaves_during_a_create_finds_it_on_the_board(
    alice: Membership, token: str, live_server: LiveServer, serve: Serve
) -> None:
    asked, may_answer = threading.Event(), threading.Event()
    told = saying_json(created("made-1"), "201 Created")

    def slow(connection: socket.socket, request: bytes) -> None:
        asked.set()
        may_answer.wait(20)
        told(connection, request)

    connection_at(alice, serve(slow).url)
    server = urlsplit(live_server.url)
    with socket.create_connection((server.hostname or "", server.port or 0)) as program:
        head = (
            f"POST /dream-machine/v1/generations HTTP/1.1\r\nHost: {server.netloc}\r\nAuthorization: Bearer {token}\r\n"
        )
        head += f"Content-Type: application/json\r\nContent-Length: {len(ASKED)}\r\n\r\n"
        program.sendall(head.encode() + ASKED)
        assert asked.wait(20)
    may_answer.set()
    ends_at = time.monotonic() + 20
    while not Generation.objects.filter(task_id="made-1").exists() and time.monotonic() < ends_at:
        threading.Event().wait(0.05)
    assert Generation.objects.get().created_by == alice.user


def test_a_body_in_chunks_is_refused_with_words(
    alice: Membership, token: str, live_server: LiveServer, serve: Serve
) -> None:
    upstream = serve(saying_json(created("made-1"), "201 Created"))
    connection_at(alice, upstream.url)
    server = urlsplit(live_server.url)
    program = http.client.HTTPConnection(server.hostname or "", server.port, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    program.request("POST", "/dream-machine/v1/generations", iter([ASKED]), headers, encode_chunked=True)
    response = program.getresponse()
    assert (response.status, "Content-Length" in json.loads(response.read())["detail"]) == (411, True)
    program.close()
    assert not upstream.requests
