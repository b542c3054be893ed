from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from lumaboard.outbound import AddressPolicy, OutboundSession
from lumaboard.upstream.client import NOBODYS_ID, Client, normalised_base_url
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    NotAnApi,
    NotUnderstood,
    RequestRefused,
    UpstreamError,
    UpstreamUnavailable,
)
from tests.outbound.scripted import Script, answer, scripted_server
from tests.outbound.scripted import saying as saying_bytes
from tests.upstream.recorded import FOLDER, NOW, read_vector

ID = "7c1d0f52-3b0e-4c53-9a51-0d6f3a1b2c01"
KEY = "luma-test-key"


@pytest.fixture
def session() -> Iterator[OutboundSession]:
    session = OutboundSession(AddressPolicy.from_text("127.0.0.0/8"))
    yield session
    session.close()


def client_at(session: OutboundSession, base_url: str, *, kind: str = "luma", key: str = KEY) -> Client:
    return Client(session, kind=kind, base_url=base_url, key=key, clock=lambda: NOW)


def saying(document: Any, *, status: str = "200 OK") -> Script:
    return saying_bytes(
        answer(json.dumps(document).encode(), status=status, headers="Content-Type: application/json\r\n")
    )


def by_path(**documents: tuple[str, Any]) -> Script:
    """Answer by the last part of the path; anything else is an id nobody has."""

    def script(connection: socket.socket, request: bytes) -> None:
        last = request.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode()
        status, document = documents.get(last, ("404 Not Found", {"detail": "Generation not found"}))
        connection.sendall(answer(json.dumps(document).encode(), status=status))

    return script


def test_a_generation_is_asked_for_once_with_the_key(session: OutboundSession) -> None:
    with scripted_server(saying_bytes(answer((FOLDER / "luma_legacy_completed.json").read_bytes()))) as server:
        snapshot = client_at(session, f"{server.url}/dream-machine/v1/").get_generation(ID)
    assert snapshot.state == "succeeded"
    assert len(server.requests) == 1
    assert server.requests[0].startswith(f"GET /dream-machine/v1/generations/{ID} HTTP/1.1\r\n".encode())
    assert f"Authorization: Bearer {KEY}\r\n".encode() in server.requests[0]


def test_an_id_is_quoted_and_cannot_reach_another_path(session: OutboundSession) -> None:
    with scripted_server(saying({"detail": "no"}, status="404 Not Found")) as server, pytest.raises(GenerationNotFound):
        client_at(session, server.url).get_generation("../credits?x=1#y")
    assert server.requests[0].startswith(b"GET /dream-machine/v1/generations/..%2Fcredits%3Fx%3D1%23y HTTP/1.1\r\n")


@pytest.mark.parametrize("task_id", ["", "  ", ".", "..", "x" * 192])
def test_what_cannot_be_an_id_is_not_asked_for(session: OutboundSession, task_id: str) -> None:
    with scripted_server(saying({})) as server, pytest.raises(RequestRefused):
        client_at(session, server.url).get_generation(task_id)
    assert server.requests == []


def test_an_answer_about_another_generation_is_not_understood(session: OutboundSession) -> None:
    script = saying(read_vector("luma_legacy_completed.json"))
    with scripted_server(script) as server, pytest.raises(NotUnderstood, match="another generation"):
        client_at(session, server.url).get_generation("another-id")


def test_either_id_of_an_envelope_is_the_one_asked_for(session: OutboundSession) -> None:
    document = read_vector("luma_envelope_success.json")
    document["data"]["task_id"] = "task_0123"
    with scripted_server(saying(document)) as server:
        client = client_at(session, server.url, kind="cometapi")
        assert client.get_generation("task_0123").state == "succeeded"
        assert client.get_generation(ID).state == "succeeded"


def test_the_right_entry_of_a_list_is_taken(session: OutboundSession) -> None:
    with scripted_server(saying(read_vector("luma_official_list.json"))) as server:
        assert client_at(session, server.url).get_generation(ID[:-1] + "2").state == "running"


def test_nobody_listening_is_an_outage(session: OutboundSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(UpstreamUnavailable):
        client_at(session, url).get_generation(ID)


def test_a_refused_address_is_a_wrong_base_url() -> None:
    with pytest.raises(NotAnApi):
        client_at(OutboundSession(AddressPolicy()), "http://127.0.0.1:1").get_generation(ID)


def test_a_cut_answer_is_not_understood(session: OutboundSession) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}"
    with scripted_server(saying_bytes(cut, then_close=True)) as server, pytest.raises(NotUnderstood):
        client_at(session, server.url).get_generation(ID)


def test_an_answer_over_one_mebibyte_is_not_understood(session: OutboundSession) -> None:
    with scripted_server(saying_bytes(answer(b'"' + b"x" * 1_048_576 + b'"'))) as server, pytest.raises(NotUnderstood):
        client_at(session, server.url).get_generation(ID)


@pytest.mark.parametrize("key", ["", "   ", "schlüssel", "two words", "a\r\nb"])
def test_a_key_that_cannot_be_one_is_not_sent(session: OutboundSession, key: str) -> None:
    with scripted_server(saying({})) as server, pytest.raises(KeyRefused):
        client_at(session, server.url, key=key).get_generation(ID)
    assert server.requests == []


def test_the_credits_are_read_in_dollars(session: OutboundSession) -> None:
    with scripted_server(saying({"credit_balance": 4213.0})) as server:
        balance = client_at(session, server.url).get_balance()
    assert balance is not None
    assert (balance.amount, balance.unit) == (Decimal("42.13"), "USD")
    assert server.requests[0].startswith(b"GET /dream-machine/v1/credits HTTP/1.1\r\n")


def test_the_key_of_another_relay_is_not_sent_to_the_balance_host(session: OutboundSession) -> None:
    with scripted_server(saying({})) as server:
        assert client_at(session, server.url, kind="cometapi").get_balance() is None
    assert server.requests == []


def test_the_balance_of_cometapi_is_asked_at_its_own_host_and_errors_hide_the_key() -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    session = OutboundSession(AddressPolicy(), resolver=resolver)
    with pytest.raises(NotAnApi) as caught:
        client_at(session, "https://api.cometapi.com/v1", kind="cometapi").get_balance()
    assert asked == ["query.cometapi.com"]
    assert KEY not in str(caught.value)


def test_a_check_is_content_with_not_found_and_gives_the_balance(session: OutboundSession) -> None:
    with scripted_server(by_path(credits=("200 OK", {"credit_balance": 100}))) as server:
        balance = client_at(session, server.url).check()
    assert balance is not None
    assert balance.amount == 1
    assert NOBODYS_ID.encode() in server.requests[0]


def test_a_check_needs_no_balance(session: OutboundSession) -> None:
    with scripted_server(by_path()) as server:
        assert client_at(session, server.url).check() is None


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (saying({"detail": "Invalid API key is provided"}, status="401 Unauthorized"), "auth_error"),
        (saying({"detail": "not allowed"}, status="403 Forbidden"), "auth_error"),
        (saying({"code": "quota_not_enough", "message": "x"}, status="403 Forbidden"), "balance_error"),
        (saying({"detail": "down"}, status="503 Service Unavailable"), "transient_error"),
        (saying_bytes(answer(b"<html></html>", headers="Content-Type: text/html\r\n")), "configuration_error"),
        (saying_bytes(answer(b"", status="301 Moved", headers="Location: /\r\n")), "configuration_error"),
    ],
)
def test_a_check_says_what_is_wrong(session: OutboundSession, script: Script, kind: str) -> None:
    with scripted_server(script) as server, pytest.raises(UpstreamError) as caught:
        client_at(session, server.url).check()
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com",
        " https://api.example.com/ ",
        "https://api.example.com/v1/",
        "https://api.example.com/dream-machine/v1",
        "https://API.example.com/dream-machine/v1/generations/abc?x=1",
    ],
)
def test_a_pasted_base_url_is_cut_down_to_its_host(text: str) -> None:
    assert normalised_base_url(text) == "https://api.example.com"


def test_a_prefix_port_and_ipv6_host_stay() -> None:
    assert normalised_base_url("http://[::1]:8001/relay/v1") == "http://[::1]:8001/relay"


@pytest.mark.parametrize(
    "text", ["", "api.example.com", "ftp://a/", "https://u:p@a.example/", "https://[bad", "https://a:b/"]
)
def test_what_is_no_base_url_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotAnApi):
        normalised_base_url(text)


def test_a_kind_nobody_knows_is_a_mistake_of_the_program(session: OutboundSession) -> None:
    with pytest.raises(ValueError):
        client_at(session, "https://api.example.com", kind="other")
