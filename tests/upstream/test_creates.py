"""Creates: sent once, passed on as they came, and judged so that what may have been made is never called refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from lumaboard.outbound import AddressPolicy, Answer, OutboundSession
from lumaboard.upstream.client import Client, is_path
from lumaboard.upstream.creates import Outcome, is_create, judged
from lumaboard.upstream.errors import NotAnApi, RateLimited, RequestRefused, UpstreamError
from tests.outbound.scripted import answer, saying, scripted_server
from tests.upstream.recorded import NOW, all_vectors, answering, read_vector
from tests.upstream.recorded import saying as saying_document

BODY = b'{"prompt":  "a quiet harbour \xe2\x80\x94 dawn"}'


@pytest.fixture
def session() -> Iterator[OutboundSession]:
    session = OutboundSession(AddressPolicy.from_text("127.0.0.0/8"))
    yield session
    session.close()


def client_at(session: OutboundSession, base_url: str, *, kind: str = "luma") -> Client:
    return Client(session, kind=kind, base_url=base_url, key="luma-test-key", clock=lambda: NOW)


def outcome_of(said: Answer) -> Outcome:
    return judged(said, now=NOW)


def test_a_create_goes_out_once_with_the_very_bytes(session: OutboundSession) -> None:
    made = json.dumps(read_vector("luma_official_queued.json")).encode()
    with scripted_server(saying(answer(made, status="201 Created"))) as server:
        outcome = client_at(session, server.url).create("/generations/video", BODY)
    assert (outcome.verdict, outcome.error) == ("accepted", None)
    assert outcome.task_id == read_vector("luma_official_queued.json")["id"]
    assert outcome.answer is not None
    assert (outcome.answer.status, outcome.answer.body) == (201, made)
    (request,) = server.requests
    assert request.startswith(b"POST /dream-machine/v1/generations/video HTTP/1.1\r\n")
    assert b"Authorization: Bearer luma-test-key\r\n" in request
    assert b"Content-Type: application/json\r\n" in request
    assert request.endswith(b"\r\n\r\n" + BODY)


def test_a_cut_answer_leaves_the_outcome_unknown_and_is_not_repeated(session: OutboundSession) -> None:
    cut = b'HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{"id": "0b'
    with scripted_server(saying(cut, then_close=True)) as server:
        outcome = client_at(session, server.url).create("/generations", BODY)
    assert (outcome.verdict, outcome.answer) == ("unknown", None)
    assert len(server.requests) == 1


def test_a_connection_that_closes_without_a_word_leaves_it_unknown(session: OutboundSession) -> None:
    with scripted_server(lambda connection, request: connection.close()) as server:
        outcome = client_at(session, server.url).create("/generations", BODY)
    assert outcome.verdict == "unknown"
    assert len(server.requests) == 1


def test_a_refused_connection_was_never_sent(session: OutboundSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = client_at(session, f"http://127.0.0.1:{port}").create("/generations", BODY)
    assert outcome.verdict == "unsent"


def test_an_address_that_may_not_be_called_was_never_sent() -> None:
    guarded = OutboundSession(AddressPolicy.from_text(""))
    outcome = client_at(guarded, "http://127.0.0.1:9").create("/generations", BODY)
    assert (outcome.verdict, type(outcome.error)) == ("unsent", NotAnApi)


def test_a_slow_answer_leaves_it_unknown(session: OutboundSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lumaboard.upstream.client.CREATE_SECONDS", 0.2)
    with scripted_server(saying()) as server:
        outcome = client_at(session, server.url).create("/generations", BODY)
    assert outcome.verdict == "unknown"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (400, {"detail": "Prompt is required"}, "refused"),
        (400, {"detail": "Advanced prompt moderation failed"}, "refused"),
        (401, {"detail": "Not authenticated"}, "refused"),
        (403, {"code": "quota_not_enough", "message": "quota", "data": None}, "refused"),
        (404, {"detail": "Generation not found"}, "refused"),
        (422, {"detail": [{"msg": "field required"}]}, "refused"),
        (429, {"detail": "slow down"}, "refused"),
        (500, {"error": {"message": "bad request", "code": "invalid_request"}}, "refused"),
        (500, {"detail": "Internal server error"}, "unknown"),
        (502, {"detail": "Bad gateway"}, "unknown"),
        (503, {"error": {"message": "no available channel", "code": "model_not_found"}}, "refused"),
        (504, {"detail": "timeout"}, "unknown"),
        (200, {"error": {"message": "saturated"}}, "refused"),
        (201, {"message": "thanks"}, "unknown"),
        (200, {"id": "abc"}, "accepted"),
        (200, {"code": "success", "data": "task_1"}, "accepted"),
        (200, {"code": "success", "data": {"task_id": "task_1"}}, "accepted"),
    ],
)
def test_what_an_answer_means(status: int, document: Any, verdict: str) -> None:
    assert outcome_of(saying_document(document, status=status)).verdict == verdict


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, "<html>Welcome</html>", "refused"),
        (301, "", "refused"),
        (404, "<html>Not found</html>", "refused"),
        (503, "<html>Sorry</html>", "unknown"),
        (504, "<html>Gateway timeout</html>", "unknown"),
        (201, '{"id": "0b3', "unknown"),
        (200, "", "unknown"),
    ],
)
def test_what_a_body_that_is_no_document_means(status: int, body: str, verdict: str) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    assert outcome_of(answering(body, status=status, content_type=kind)).verdict == verdict


def test_a_429_tells_how_long_to_wait() -> None:
    outcome = outcome_of(answering('{"detail": "slow"}', status=429, Retry_After="7"))
    assert isinstance(outcome.error, RateLimited)
    assert outcome.error.retry_after == 7


def test_every_recorded_create_is_accepted_with_its_id() -> None:
    created = [vector for vector in all_vectors() if "created" in vector.name and vector.name.startswith("luma_")]
    assert created
    for vector in created:
        outcome = outcome_of(vector.answer)
        assert (outcome.verdict, bool(outcome.task_id)) == ("accepted", True), vector.name


@pytest.mark.parametrize(
    "path",
    [
        *("/generations", "/generations/video", "/generations/image", "/generations/video/modify"),
        *("/generations/video/reframe", "/generations/image/reframe", "/generations/abc/upscale"),
        "/generations/abc/audio",
    ],
)
def test_the_paths_that_make_something(path: str) -> None:
    assert is_create("POST", path)
    assert not is_create("GET", path)


@pytest.mark.parametrize("path", ["/credits", "/ping", "/generations/abc", "/generations/a/b/upscale", "/generations/"])
def test_the_paths_that_make_nothing(path: str) -> None:
    assert not is_create("POST", path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "generations", "//evil.example/x", "/generations/../credits", "/generations/%2e%2e/credits"),
        *("/generations?x=1", "/generations#x", "/a b", "/a\\b", "/gener\u00e4tions", "/a\r\nX: y", "/" + "x" * 1000),
    ],
)
def test_what_could_lead_elsewhere_is_no_path(session: OutboundSession, path: str) -> None:
    assert not is_path(path)
    with scripted_server(saying(answer())) as server, pytest.raises(RequestRefused) as refused:
        client_at(session, server.url).exchange("GET", path)
    assert refused.value.was_sent is False
    assert server.requests == []


def test_a_call_is_passed_through_with_the_connections_key_and_its_answer_untouched(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b"<p>no</p>", status="418 Teapot", headers="X-Request-Id: r1\r\n"))) as server:
        said = client_at(session, server.url).exchange(
            "DELETE", "/generations/a%2Fb", query="x=1", headers={"authorization": "Bearer stolen", "X-Mine": "yes"}
        )
    assert (said.status, said.body, said.headers["x-request-id"]) == (418, b"<p>no</p>", "r1")
    (request,) = server.requests
    assert request.startswith(b"DELETE /dream-machine/v1/generations/a%2Fb?x=1 HTTP/1.1\r\n")
    assert b"X-Mine: yes\r\n" in request
    assert b"stolen" not in request


def test_an_answer_over_the_cap_is_not_passed_through(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b"x" * 2000))) as server, pytest.raises(UpstreamError):
        client_at(session, server.url).exchange("GET", "/ping", max_bytes=1000)


def test_the_list_is_read_page_by_page(session: OutboundSession) -> None:
    listed = json.dumps(read_vector("luma_official_list.json")).encode()
    with scripted_server(saying(answer(listed))) as server:
        batch = client_at(session, server.url).list_generations(limit=50, offset=100)
    assert batch.snapshots
    assert server.requests[0].startswith(b"GET /dream-machine/v1/generations?limit=50&offset=100 HTTP/1.1\r\n")


def test_where_there_is_no_list_nothing_is_asked(session: OutboundSession) -> None:
    with scripted_server(saying(answer())) as server, pytest.raises(NotAnApi):
        client_at(session, server.url, kind="cometapi").list_generations()
    assert server.requests == []
