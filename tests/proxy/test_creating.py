"""What programs have made through the proxy: passed on as it is, answered as it came, and recorded."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.db import connection as database

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import PauseReason
from lumaboard.connections.operations import remove
from lumaboard.generations.models import Act, Generation
from lumaboard.submission.models import Intent, IntentState
from lumaboard.submission.slots import slot
from tests.factories import NOW, acting, make_generation, make_member
from tests.outbound.scripted import answer, saying
from tests.proxy.conftest import MakeProgram, Program, refusing_rows_in
from tests.submission.conftest import (
    ASKED,
    Serve,
    connection_at,
    created,
    hanging_up,
    making,
    nobody_listening,
    saying_json,
)

ODD = b'{ "prompt":"caf\xc3\xa9 \\u00e9",\n\t"model" : "ray-2", "unknown": [1.0, 1e2, null], "prompt":"said twice" }'
CREATES = (
    "/generations",
    "/generations/video",
    "/generations/image",
    "/generations/video/modify",
    "/generations/video/reframe",
    "/generations/image/reframe",
    "/generations/of-another/upscale",
    "/generations/of-another/audio",
)
ERRORS = {
    "detail": (400, b'{"detail": "Prompt is required"}', "Content-Type: application/json\r\n"),
    "relay": (
        401,
        b'{"error":{"message":"invalid token","type":"comet_api_error"}}',
        "Content-Type: application/json\r\n",
    ),
    "quota": (403, b'{"code":"quota_not_enough","message":"used up","data":null}', ""),
    "limit": (429, b'{"detail": "slow down"}', "Content-Type: application/json\r\nRetry-After: 7\r\n"),
    "broken": (500, b'{"detail": "Internal server error"}', "Content-Type: application/json\r\n"),
    "page": (502, b"<html><h1>Bad gateway</h1></html>", "Content-Type: text/html\r\n"),
    "empty": (503, b"", ""),
    "moved": (301, b"", "Location: https://elsewhere.example/\r\n"),
}


@pytest.mark.parametrize("path", CREATES)
def test_every_create_goes_on_byte_by_byte_and_comes_back_so(
    alice: Membership, program: Program, serve: Serve, path: str
) -> None:
    said = json.dumps(created("made-1"), indent=3).encode() + b"\n"
    upstream = serve(saying(answer(said, status="201 Created", headers="Content-Type: application/json\r\n")))
    connection_at(alice, upstream.url)
    response = program.create(ODD, path)
    assert (response.status_code, response.content) == (201, said)
    assert response.headers["Content-Type"] == "application/json"
    head, _, body = upstream.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST /dream-machine/v1{path} HTTP/1.1\r\n".encode())
    assert body == ODD
    row = Generation.objects.get()
    assert (row.task_id, row.created_by, row.act) == ("made-1", alice.user, Act.SUBMITTED)
    intent = Intent.objects.get()
    assert (intent.state, intent.source, intent.request.encode()) == (IntentState.ACCEPTED, "proxy", ODD)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_back_as_they_are(alice: Membership, program: Program, serve: Serve, name: str) -> None:
    status, body, headers = ERRORS[name]
    connection_at(alice, serve(saying(answer(body, status=f"{status} Said", headers=headers))).url)
    response = program.create(ASKED)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers.get("Content-Type", "") in headers
    assert response.headers.get("Retry-After") == ("7" if name == "limit" else None)
    assert "Location" not in response.headers
    assert not Generation.objects.exists()


def test_what_may_have_been_made_is_not_repeated_by_the_providers_library(
    alice: Membership, program: Program, serve: Serve
) -> None:
    connection_at(alice, serve(saying_json({"detail": "Internal server error"}, "500 Broken")).url)
    assert program.create(ASKED).headers["X-Should-Retry"] == "false"


def test_a_compressed_answer_comes_back_as_what_it_says(alice: Membership, program: Program, serve: Serve) -> None:
    said = json.dumps(created("made-1")).encode()
    headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
    connection_at(alice, serve(saying(answer(gzip.compress(said), status="201 Created", headers=headers))).url)
    response = program.create(ASKED)
    assert response.content == said
    assert "Content-Encoding" not in response.headers


def test_headers_go_nowhere_but_those_that_have_to(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url, key="sk-upstream-7777")
    program.create(
        ASKED,
        Cookie="session=ours",
        X_Forwarded_For="203.0.113.9",
        X_Forwarded_Host="evil.example",
        Forwarded="for=203.0.113.9",
        Proxy_Authorization="Basic secret",
        Connection="keep-alive, X-Secret",
        Upgrade="h2c",
        TE="trailers",
        X_Secret="sesame",
        Accept="application/json",
    )
    head = upstream.requests[0].partition(b"\r\n\r\n")[0].decode()
    names = {line.partition(":")[0].lower() for line in head.splitlines()[1:]}
    assert names <= {
        *("host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "authorization"),
        "connection",
    }
    assert "Authorization: Bearer sk-upstream-7777" in head
    assert "lb_" not in head
    assert f"Host: 127.0.0.1:{upstream.port}" in head


def test_nothing_of_upstreams_own_headers_reaches_the_program(
    alice: Membership, program: Program, serve: Serve
) -> None:
    headers = (
        "Set-Cookie: a=b\r\nAccess-Control-Allow-Origin: *\r\nKeep-Alive: timeout=5\r\nServer: theirs\r\n"
        "Content-Security-Policy: script-src *\r\nX-Request-Id: 4711\r\n"
    )
    connection_at(alice, serve(saying_json(created("made-1"), "201 Created", headers)).url)
    response = program.create(ASKED)
    assert not response.cookies
    assert not {"Access-Control-Allow-Origin", "Keep-Alive", "Server"} & set(response.headers)
    assert response.headers["X-Request-Id"] == "4711"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_the_same_idempotency_key_makes_one_and_says_so(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    first, second = (program.create(ASKED, Idempotency_Key="take-1") for _ in range(2))
    assert len(upstream.requests) == 1
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert program.create(b'{"prompt": "another"}', Idempotency_Key="take-1").status_code == 422
    program.create(ASKED)
    assert len(upstream.requests) == 2


def test_a_lost_answer_is_told_as_unknown_and_not_sent_again(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(hanging_up)
    connection_at(alice, upstream.url)
    response = program.create(ASKED, Idempotency_Key="take-1")
    assert response.status_code == 502
    assert "not sent again" in response.json()["detail"]
    assert response.headers["X-Should-Retry"] == "false"
    program.create(ASKED, Idempotency_Key="take-1")
    assert len(upstream.requests) == 1
    assert Intent.objects.get().state == IntentState.UNKNOWN


def test_an_upstream_that_is_not_there_is_told_so(alice: Membership, program: Program) -> None:
    with nobody_listening() as url:
        connection_at(alice, url)
        response = program.create(ASKED)
    assert response.status_code == 502
    assert "nothing was sent" in response.json()["detail"]
    assert Intent.objects.get().state == IntentState.INTENDED


@pytest.mark.django_db(transaction=True)
def test_the_answer_comes_although_it_cannot_be_recorded(alice: Membership, program: Program, serve: Serve) -> None:
    """The table refuses new rows, as a full disk would."""
    connection_at(alice, serve(making()).url)
    with refusing_rows_in("generations_generation"):
        response = program.create(ASKED)
    assert response.status_code == 201
    assert json.loads(response.content)["id"] == "made-1"
    assert not Generation.objects.exists()
    assert Intent.objects.get().state == IntentState.SENDING


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress(ASKED), 415),
        ({"Content-Type": "text/plain"}, ASKED, 415),
        ({}, b'{"prompt": "\xff"}', 400),
        ({}, b'{"prompt": "' + b"a" * (2 * 2**20) + b'"}', 413),
        ({}, b"a" * (10 * 2**20), 413),
        ({"Idempotency-Key": "k" * 300}, ASKED, 400),
    ],
    ids=[
        "compressed",
        "no JSON",
        "no UTF-8",
        "too long",
        "far too long",
        "a long key",
    ],  # each process collects the same
)
def test_what_cannot_be_passed_on_is_refused_in_the_providers_shape(
    alice: Membership, program: Program, serve: Serve, headers: dict[str, str], body: bytes, status: int
) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    kind = headers.pop("Content-Type", "application/json")
    response = program.ask("/generations", "POST", body, content_type=kind, headers=headers)
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not upstream.requests


def test_a_create_with_a_query_is_refused(alice: Membership, program: Program) -> None:
    connection_at(alice, "http://127.0.0.1:1")
    assert program.create(ASKED, "/generations?key=1").status_code == 400


def test_the_connection_is_the_one_asked_for_else_the_first_in_use(
    alice: Membership, charlie: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(making())
    with nobody_listening() as url:
        paused = connection_at(alice, url, name="Paused", pause_reason=PauseReason.PERSON, paused_at=NOW)
    usual = connection_at(alice, upstream.url, name="Usual")
    other = connection_at(alice, upstream.url, name="Other one")
    abroad = connection_at(charlie, upstream.url, name="Abroad")
    for asked_for, used in (("", usual), ("Other one", other), (str(other.pk), other)):
        assert program.create(ASKED, X_Lumaboard_Connection=asked_for).status_code == 201
        assert Intent.objects.latest("pk").connection == used
    for unknown in ("Abroad", str(abroad.pk), "nonsense", "9" * 30):
        response = program.create(ASKED, X_Lumaboard_Connection=unknown)
        assert (response.status_code, "names no connection" in response.json()["detail"]) == (400, True)
    response = program.create(ASKED, X_Lumaboard_Connection=paused.name)
    assert (response.status_code, "is paused" in response.json()["detail"]) == (503, True)


def test_a_token_may_choose_the_connection_and_a_header_goes_before_it(
    alice: Membership, program_of: MakeProgram, serve: Serve
) -> None:
    upstream = serve(making())
    usual, spare = (connection_at(alice, upstream.url, name=name) for name in ("Usual", "Spare"))
    program = program_of(alice, connection_id=spare.pk)
    for asked_for, used in (("", spare), ("Usual", usual)):
        assert program.create(ASKED, X_Lumaboard_Connection=asked_for).status_code == 201
        assert Intent.objects.latest("pk").connection == used
    remove(acting(alice), spare, now=NOW)
    response = program.create(ASKED)
    assert (response.status_code, "was removed" in response.json()["detail"]) == (503, True)


def test_a_workspace_without_a_connection_says_what_to_do(program: Program) -> None:
    response = program.create(ASKED)
    assert (response.status_code, "has no connection" in response.json()["detail"]) == (503, True)


def test_a_key_that_the_provider_refuses_is_tried_now_and_then(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(making())
    refused = {"pause_reason": PauseReason.KEY_REFUSED, "paused_at": NOW}
    connection = connection_at(alice, upstream.url, **refused, next_probe_at=NOW)
    assert program.create(ASKED).status_code == 201
    connection.refresh_from_db()
    assert not connection.pause_reason


@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("Bearer sk-mine", 401), ("Bearer lb_" + "A" * 43, 401), ("Basic bGI=", 401)]
)
def test_a_token_that_does_not_work_is_told_so(db: None, token: str, status: int) -> None:
    response = Program("").ask("/generations", headers={"Authorization": token})
    assert (response.status_code, list(response.json())) == (status, ["detail"])
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_lets_nobody_in(alice: Membership, program: Program) -> None:
    program._client.force_login(alice.user)
    assert program.ask("/ping", headers={"Authorization": ""}).status_code == 401


def test_scopes_and_roles_cut_what_a_program_may(
    alice: Membership, bob: Membership, program_of: MakeProgram, serve: Serve
) -> None:
    upstream = serve(saying_json(created("made-1"), "201 Created"))
    connection_at(alice, upstream.url)
    reader, maker, viewer = program_of(alice, "read"), program_of(alice, "submit"), program_of(bob, "read")
    for method, path in (("POST", "/generations"), ("DELETE", "/generations/x"), ("POST", "/unknown")):
        response = reader.ask(path, method, ASKED)
        assert (response.status_code, list(response.json())) == (403, ["detail"])
    assert maker.ask("/generations").status_code == 403
    assert viewer.ask("/generations").status_code == 403  # documents hold links to raw files
    assert viewer.ask("/generations/x").status_code == 403
    assert not upstream.requests
    assert viewer.ask("/ping").status_code == 201
    assert maker.create(ASKED).status_code == 201


@pytest.mark.parametrize(
    "beside",
    ["1", "NaN", "1e999", f"{'[' * 90}{']' * 90}", "7" * 5000],
    ids=["plain", "no number", "endless", "deep", "long"],
)
def test_what_a_colleague_keeps_private_is_nothing_to_build_on(
    alice: Membership, program: Program, serve: Serve, beside: str
) -> None:
    upstream = serve(making())
    connection = connection_at(alice, upstream.url)
    dora = make_member("Dora", workspace=alice.workspace)
    hidden = make_generation(connection, created_by=dora.user, is_private=True)
    asked = {"prompt": "On and on", "keyframes": {"frame0": {"type": "generation", "id": hidden.task_id}}}
    body = json.dumps(asked)[:-1] + f', "beside": {beside}}}'
    assert program.create(body.encode()).status_code == 404
    assert program.create(b"{}", f"/generations/{hidden.task_id}/upscale").status_code == 404
    assert not upstream.requests


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_key_make_one_and_without_make_two(
    alice: Membership, program: Program, serve: Serve
) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    for headers, made in (({"Idempotency_Key": "both"}, 1), ({}, 3)):
        ids = at_once(program, headers)
        assert len(upstream.requests) == made
        assert len(set(ids)) == (1 if headers else 2)
    assert Generation.objects.count() == 3


def at_once(program: Program, headers: dict[str, str]) -> list[str]:
    ids: list[str] = []
    together = threading.Barrier(2)

    def ask() -> None:
        together.wait(10)
        ids.append(json.loads(program.create(ASKED, **headers).content)["id"])
        database.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return ids


def test_beyond_the_bound_nothing_waits(alice: Membership, program: Program, serve: Serve) -> None:
    upstream = serve(making())
    connection_at(alice, upstream.url)
    with ExitStack() as held:
        for _ in range(settings.CREATES_AT_ONCE):
            held.enter_context(slot())
        response = program.create(ASKED)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert not upstream.requests
    assert program.create(ASKED).status_code == 201
