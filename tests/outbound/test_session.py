from __future__ import annotations

import gzip
import http.cookiejar
import logging
import socket
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from lumaboard.outbound import (
    AddressPolicy,
    AddressRefused,
    AnswerCut,
    AnswerTooLarge,
    ConnectionFailed,
    ExchangeTimeout,
    NotSendable,
    OutboundError,
    OutboundSession,
    RedirectRefused,
)
from tests.outbound.scripted import Script, answer, dripping, saying, scripted_server

LOOPBACK = AddressPolicy.from_text("127.0.0.0/8")


@pytest.fixture
def session() -> Iterator[OutboundSession]:
    session = OutboundSession(LOOPBACK)
    yield session
    session.close()


def test_an_answer_comes_whole_with_headers_in_any_case(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b'{"a": 1}', headers="Retry-After: 7\r\n"))) as server:
        got = session.exchange("GET", f"{server.url}/x", headers={"Authorization": "Bearer k"}, params={"q": "ä b"})
    assert (got.status, got.headers["retry-after"], got.body) == (200, "7", b'{"a": 1}')
    assert server.requests[0].startswith(b"GET /x?q=%C3%A4+b HTTP/1.1\r\n")
    assert b"Authorization: Bearer k\r\n" in server.requests[0]


def test_a_json_body_is_sent_as_json(session: OutboundSession) -> None:
    with scripted_server(saying(answer(status="201 Created"))) as server:
        assert session.exchange("POST", server.url, json={"prompt": "ein Fuß"}).status == 201
    assert b"Content-Type: application/json" in server.requests[0]
    assert '{"prompt": "ein Fuß"}'.encode() in server.requests[0]


def test_an_address_is_sent_as_it_is_written(session: OutboundSession) -> None:
    with scripted_server(saying(answer())) as server:
        session.exchange("GET", f"{server.url}/a%2Db%7E.mp4?signature=a%2Bb%7E%2D")
    assert server.requests[0].startswith(b"GET /a%2Db%7E.mp4?signature=a%2Bb%7E%2D HTTP/1.1\r\n")


def test_many_threads_share_a_few_kept_connections() -> None:
    session = OutboundSession(LOOPBACK, pool_size=4)
    with scripted_server(saying(answer())) as server, ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: session.exchange("GET", server.url).status, range(60)))
    assert statuses == [200] * 60
    assert server.connections <= 4


def test_closing_ends_idle_connections_and_the_session_still_works(session: OutboundSession) -> None:
    ended = threading.Event()

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer())
        if not ended.is_set() and connection.recv(1) == b"":
            ended.set()

    with scripted_server(script) as server:
        session.exchange("GET", server.url)
        session.close()
        assert ended.wait(5)
        assert session.exchange("GET", server.url).status == 200


def test_a_failed_exchange_gives_its_place_in_the_pool_back() -> None:
    session = OutboundSession(LOOPBACK, pool_size=1)
    with scripted_server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then_close=True)) as server:
        for _ in range(3):
            with pytest.raises(AnswerCut):
                session.exchange("GET", server.url, deadline=2)


def test_a_busy_pool_is_a_timeout_with_nothing_sent() -> None:
    session = OutboundSession(LOOPBACK, pool_size=1)
    with (
        scripted_server(saying(answer(b"abc"))) as server,
        session.stream(server.url, max_bytes=9, deadline=5),
        pytest.raises(ExchangeTimeout) as caught,
    ):
        session.exchange("GET", server.url, deadline=0.1)
    assert caught.value.was_sent is False


def test_a_redirect_is_never_followed(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b"", status="302 Found", headers="Location: /elsewhere\r\n"))) as server:
        got = session.exchange("GET", server.url)
    assert (got.status, got.headers["Location"], len(server.requests)) == (302, "/elsewhere", 1)


def test_the_body_of_a_redirect_is_not_waited_for(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b"file"))) as other:
        head = f"HTTP/1.1 302 Found\r\nLocation: {other.url}/f\r\nContent-Length: 9999\r\n\r\n"
        with (
            scripted_server(saying(head.encode())) as first,
            session.stream(first.url, max_bytes=9, deadline=2) as stream,
        ):
            assert b"".join(stream.chunks()) == b"file"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
    ],
    ids=["status line", "header", "body", "endless body", "chunk"],
)
def test_a_dripping_server_does_not_outlast_the_deadline(session: OutboundSession, head: bytes) -> None:
    started = monotonic()
    with scripted_server(dripping(head=head)) as server, pytest.raises(ExchangeTimeout) as caught:
        session.exchange("GET", server.url, deadline=0.3)
    assert monotonic() - started < 5
    assert caught.value.was_sent is True


def test_a_silent_server_ends_with_the_read_timeout(session: OutboundSession) -> None:
    with scripted_server(saying()) as server, pytest.raises(ExchangeTimeout):
        session.exchange("GET", server.url, read_timeout=0.1)


def test_an_answer_over_the_cap_is_not_kept(session: OutboundSession) -> None:
    with scripted_server(saying(answer(b"x" * 1001))) as server, pytest.raises(AnswerTooLarge):
        session.exchange("GET", server.url, max_bytes=1000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_small_answer_that_unpacks_to_a_huge_one_is_stopped(session: OutboundSession, encoding: str) -> None:
    bomb = b"\0" * 50_000_000
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "gzip, gzip": lambda b: gzip.compress(gzip.compress(b))}
    body = packed[encoding](bomb)
    with scripted_server(saying(answer(body, headers=f"Content-Encoding: {encoding}\r\n"))) as server:
        with pytest.raises(AnswerTooLarge):
            session.exchange("GET", server.url)
        with session.stream(server.url, max_bytes=1_000_000, deadline=5) as stream, pytest.raises(AnswerTooLarge):
            list(stream.chunks())


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"nonsense\r\n\r\n",
    ],
    ids=["nothing", "length", "chunked", "not gzip", "not http"],
)
def test_a_cut_answer_is_an_error(session: OutboundSession, said: bytes) -> None:
    with scripted_server(saying(said, then_close=True)) as server, pytest.raises(AnswerCut) as caught:
        session.exchange("GET", server.url, deadline=2)
    assert caught.value.was_sent is True


def test_nobody_listening_is_a_connection_that_failed(session: OutboundSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionFailed) as caught:
        session.exchange("GET", f"http://127.0.0.1:{port}/?key=verysecret")
    assert caught.value.was_sent is False
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://u:p@example.org/",
        "http://[::1/",
    ],
)
def test_what_is_no_web_address_is_not_sent(session: OutboundSession, url: str) -> None:
    with pytest.raises(NotSendable):
        session.exchange("GET", url)


@pytest.mark.parametrize("key", ["a\r\nX-Injected: 1", "schlüssel", "a\0b"])
def test_a_header_that_would_break_the_request_is_not_sent(session: OutboundSession, key: str) -> None:
    with scripted_server(saying(answer())) as server, pytest.raises(NotSendable) as caught:
        session.exchange("GET", server.url, headers={"Authorization": key})
    assert server.requests == []
    assert key not in str(caught.value)


def test_proxies_of_the_environment_are_not_used(session: OutboundSession, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server(saying(answer(b"proxy"))) as proxy, scripted_server(saying(answer(b"direct"))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert session.exchange("GET", server.url).body == b"direct"


def test_a_netrc_file_is_not_used(session: OutboundSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login alice password verysecret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted_server(saying(answer())) as server:
        session.exchange("GET", server.url)
    assert b"authorization" not in server.requests[0].lower()


def test_a_cookie_is_not_kept_between_exchanges(session: OutboundSession) -> None:
    with scripted_server(saying(answer(headers="Set-Cookie: a=b\r\n"))) as server:
        session.exchange("GET", server.url)
        session.exchange("GET", server.url)
    assert b"cookie" not in server.requests[1].lower()


def test_a_cookie_is_not_even_parsed_which_could_outlast_the_deadline(
    session: OutboundSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(http.cookiejar, "parse_ns_headers", parsed.extend)
    with scripted_server(saying(answer(headers="Set-Cookie: a=b\r\n"))) as server:
        session.exchange("GET", server.url)
    assert parsed == []


@pytest.mark.parametrize("headers", ["", "no colon in this line\r\n"], ids=["well-formed", "malformed"])
def test_the_query_string_is_not_logged(
    session: OutboundSession, caplog: pytest.LogCaptureFixture, headers: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted_server(saying(answer(headers=headers), then_close=True)) as server:
        session.exchange("GET", server.url, params={"key": "verysecret"})
    assert "verysecret" not in caplog.text


def test_a_file_streams_with_its_length(session: OutboundSession) -> None:
    with (
        scripted_server(saying(answer(b"m" * 200_000))) as server,
        session.stream(server.url, max_bytes=200_000, deadline=5) as stream,
    ):
        assert (stream.status, stream.content_length, stream.url_host) == (200, 200_000, "127.0.0.1")
        assert sum(map(len, stream.chunks())) == 200_000


def test_a_file_over_the_cap_is_refused_before_it_is_read(session: OutboundSession) -> None:
    with (
        scripted_server(saying(answer(b"m" * 2000))) as server,
        session.stream(server.url, max_bytes=1999, deadline=5) as stream,
        pytest.raises(AnswerTooLarge),
    ):
        next(stream.chunks())


def test_a_file_that_hides_its_length_is_stopped_at_the_cap(session: OutboundSession) -> None:
    said = b"HTTP/1.1 200 OK\r\n\r\n" + b"m" * 300_000
    with (
        scripted_server(saying(said, then_close=True)) as server,
        session.stream(server.url, max_bytes=100_000, deadline=5) as stream,
        pytest.raises(AnswerTooLarge),
    ):
        list(stream.chunks())


def test_a_cut_file_is_an_error(session: OutboundSession) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"m" * 200_000
    with (
        scripted_server(saying(said, then_close=True)) as server,
        session.stream(server.url, max_bytes=10**6, deadline=5) as stream,
        pytest.raises(AnswerCut),
    ):
        list(stream.chunks())


def test_a_dripping_file_does_not_outlast_the_deadline(session: OutboundSession) -> None:
    with (
        scripted_server(dripping(head=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")) as server,
        session.stream(server.url, max_bytes=10**6, deadline=0.3) as stream,
        pytest.raises(ExchangeTimeout),
    ):
        list(stream.chunks())


def test_a_file_below_the_least_pace_is_stalled(session: OutboundSession) -> None:
    with (
        scripted_server(dripping(head=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")) as server,
        session.stream(server.url, max_bytes=10**6, deadline=20, pace_window=0.2) as stream,
        pytest.raises(ExchangeTimeout),
    ):
        list(stream.chunks())


def test_a_consumers_own_error_is_left_alone(session: OutboundSession) -> None:
    with (
        scripted_server(saying(answer(b"m"))) as server,
        pytest.raises(OSError, match="disk full"),
        session.stream(server.url, max_bytes=9, deadline=5),
    ):
        raise OSError("disk full")


def redirecting_to(location: str) -> Script:
    return saying(answer(b"", status="302 Found", headers=f"Location: {location}\r\n"))


def test_a_key_does_not_follow_a_redirect_to_another_host(session: OutboundSession) -> None:
    with (
        scripted_server(saying(answer(b"file"))) as other,
        scripted_server(redirecting_to(f"{other.url}/f")) as first,
        session.stream(first.url, max_bytes=9, deadline=5, headers={"Authorization": "k", "X-Own": "1"}) as stream,
    ):
        assert b"".join(stream.chunks()) == b"file"
    assert b"Authorization: k" in first.requests[0]
    assert b"Authorization" not in other.requests[0]
    assert b"X-Own" not in other.requests[0]


def test_a_redirect_to_a_private_address_is_not_connected_to() -> None:
    policy = AddressPolicy.from_text("127.0.0.1/32")
    with (
        scripted_server(redirecting_to("http://169.254.169.254/latest/meta-data")) as server,
        pytest.raises(AddressRefused),
        OutboundSession(policy).stream(server.url, max_bytes=9, deadline=5),
    ):
        raise AssertionError("unreachable")


@pytest.mark.parametrize("location", ["ftp://example.org/f", "file:///etc/passwd", "//u:p@127.0.0.1/f", "http://[bad/"])
def test_a_redirect_to_no_web_address_is_refused(session: OutboundSession, location: str) -> None:
    with (
        scripted_server(redirecting_to(location)) as server,
        pytest.raises(RedirectRefused),
        session.stream(server.url, max_bytes=9, deadline=5),
    ):
        raise AssertionError("unreachable")


def test_a_circle_of_redirects_ends(session: OutboundSession) -> None:
    with (
        scripted_server(redirecting_to("/again")) as server,
        pytest.raises(RedirectRefused),
        session.stream(server.url, max_bytes=9, deadline=5),
    ):
        raise AssertionError("unreachable")
    assert len(server.requests) == 4


def test_every_error_is_one_of_ours() -> None:
    assert issubclass(AnswerCut, OutboundError)
