"""Serving archived bytes: against a plain reading of RFC 9110, and over a real socket."""

import gc
import hashlib
import http.client
import io
import random
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lumaboard.archive.serve import LONG_ANSWER, PLAYBACK_CAP, DownloadSlots, FileCutShort, serve_file

CONTENT = random.Random(1).randbytes(1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{SHA256}"'
LONG = random.Random(2).randbytes(3 * LONG_ANSWER + 17)


class Tracked(io.BytesIO):
    """A file that remembers how much was asked of it at once."""

    largest_read = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.largest_read = max(self.largest_read, len(data))
        return data


def ask(
    headers: dict[str, str] | None = None, *, method: str = "GET", content: bytes = CONTENT, **options: Any
) -> HttpResponseBase:
    request = RequestFactory().generic(method, "/media/clip.mp4", headers=headers)
    options.setdefault("file", Tracked(content))
    options.setdefault("size", len(content))
    return serve_file(request, etag=SHA256, content_type="video/mp4", **options)


def body(response: HttpResponseBase) -> bytes:
    try:
        return b"".join(response)  # type: ignore[call-overload]  # both kinds of response yield bytes
    finally:
        response.close()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1),
        ("bytes=0-0", 0, 0),
        ("bytes=5-", 5, 999),
        ("bytes=-500", 500, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=0-" + "9" * 5000, 0, 999),
        ("Bytes=1-2", 1, 2),
        ("bytes= 1-2 ,", 1, 2),
    ],
)
def test_one_range_is_answered_exactly(asked: str, first: int, last: int) -> None:
    response = ask({"Range": asked})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/1000"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=2-1",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "0-1",
        "lines=0-1",
        "bytes=a-b",
        "bytes=٣-٤",
        "bytes=+1-2",
    ],
)
def test_several_ranges_and_malformed_ones_get_the_whole_file(asked: str) -> None:
    response = ask({"Range": asked})
    assert response.status_code == 200
    assert "Content-Range" not in response.headers
    assert body(response) == CONTENT


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_a_range_outside_the_file_is_refused_with_its_size(asked: str) -> None:
    response = ask({"Range": asked})
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */1000"
    assert body(response) == b""


def test_an_empty_file_has_no_satisfiable_range() -> None:
    assert ask({"Range": "bytes=0-"}, content=b"").status_code == 416
    assert ask({"Range": "bytes=-5"}, content=b"").status_code == 416
    assert body(ask(content=b"")) == b""


def reference(header: str, size: int) -> tuple[int, int, int]:
    """Status, first byte and byte after the last, written apart from the code under test and more slowly."""
    match = re.match(r"^bytes=(\d{0,30})-(\d{0,30})$", header, re.ASCII)
    if not match or match.groups() == ("", ""):
        return 200, 0, size
    positions = range(size)
    if match[1] == "":
        chosen = [p for p in positions if p >= size - int(match[2])]
    elif match[2] == "":
        chosen = [p for p in positions if p >= int(match[1])]
    elif int(match[2]) < int(match[1]):
        return 200, 0, size
    else:
        chosen = [p for p in positions if int(match[1]) <= p <= int(match[2])]
    return (206, chosen[0], chosen[-1] + 1) if chosen else (416, 0, 0)


_numbers = st.one_of(st.just(""), st.integers(0, 40).map(str), st.integers(0, 10**25).map(str), st.just("007"))
_headers = st.one_of(
    st.builds("bytes={}-{}".format, _numbers, _numbers),
    st.text(alphabet="bytes=0123456789-x", max_size=20).map("bytes={}".format),
    st.text(alphabet="bytes=-1;", max_size=12),
)


@settings(max_examples=2000, deadline=None)
@given(header=_headers, size=st.integers(0, 30))
@example(header="bytes=29-", size=30)
@example(header="bytes=10000000000000000001-10000000000000000000000000", size=0)
def test_random_range_headers_are_answered_as_the_reference_says(header: str, size: int) -> None:
    status, first, end = reference(header, size)
    response = ask({"Range": header}, content=CONTENT[:size])
    assert (response.status_code, body(response)) == (status, CONTENT[first:end])


def test_head_has_the_headers_of_the_whole_answer_and_no_body() -> None:
    whole, head = ask(), ask({"Range": "bytes=0-1"}, method="HEAD")
    assert head.status_code == 200
    assert dict(head.items()) == dict(whole.items())
    assert body(head) == b""


def test_the_headers_keep_a_file_from_acting_as_a_page() -> None:
    for headers in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=2000-"}, {"If-None-Match": ETAG}):
        response = ask(headers)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "private, no-cache"
        assert response["ETag"] == ETAG
    assert ask()["Content-Type"] == "video/mp4"
    assert ask()["Accept-Ranges"] == "bytes"


def test_a_download_is_named_also_beyond_ascii() -> None:
    assert "Content-Disposition" not in ask().headers
    assert (
        ask(filename="café.mp4", as_attachment=True)["Content-Disposition"]
        == "attachment; filename*=utf-8''caf%C3%A9.mp4"
    )
    assert ask(filename="clip.mp4")["Content-Disposition"] == 'inline; filename="clip.mp4"'
    assert "\n" not in ask(filename='a"\r\nX: y.mp4', as_attachment=True)["Content-Disposition"]


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_a_known_file_is_not_sent_again(known: str) -> None:
    response = ask({"If-None-Match": known, "Range": "bytes=0-1"})
    assert response.status_code == 304
    assert "Content-Type" not in response.headers
    assert body(response) == b""


def test_another_tag_gets_the_file() -> None:
    assert ask({"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(("wanted", "status"), [(ETAG, 206), ("*", 206), ('"other"', 412), (f"W/{ETAG}", 412)])
def test_if_match_wants_exactly_this_file(wanted: str, status: int) -> None:
    assert ask({"If-Match": wanted, "Range": "bytes=0-1"}).status_code == status


@pytest.mark.parametrize(
    ("condition", "status"),
    [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Sun, 06 Nov 1994 08:49:37 GMT", 200), ("", 200)],
)
def test_if_range_continues_only_the_same_bytes(condition: str, status: int) -> None:
    assert ask({"Range": "bytes=10-", "If-Range": condition}).status_code == status


def test_playback_ranges_are_capped_and_downloads_are_not() -> None:
    capped = ask({"Range": "bytes=100-"}, content=LONG, cap=PLAYBACK_CAP)
    assert capped["Content-Range"] == f"bytes 100-{100 + PLAYBACK_CAP - 1}/{len(LONG)}"
    assert body(capped) == LONG[100 : 100 + PLAYBACK_CAP]
    assert body(ask({"Range": "bytes=100-"}, content=LONG)) == LONG[100:]


def test_playback_without_a_range_is_answered_whole() -> None:
    response = ask(content=LONG, cap=PLAYBACK_CAP)
    assert (response.status_code, body(response)) == (200, LONG)


def test_a_long_file_is_never_held_in_memory() -> None:
    file = Tracked(LONG)
    response = ask(content=LONG, file=file)
    assert response.streaming
    assert body(response) == LONG
    assert file.largest_read <= 256 * 1024


@pytest.mark.parametrize(
    "headers", [{}, {"Range": "bytes=0-1"}, {"Range": "bytes=2000-"}, {"If-None-Match": ETAG}, {"If-Match": '"other"'}]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_file_is_closed_however_it_is_answered(headers: dict[str, str], method: str) -> None:
    file = Tracked(CONTENT)
    ask(headers, method=method, file=file).close()
    assert file.closed


def test_a_dropped_answer_closes_its_file_and_frees_its_slot() -> None:
    file, slots = Tracked(LONG), DownloadSlots(1)
    response = ask(content=LONG, file=file, slots=slots)
    del response
    gc.collect()
    assert file.closed
    assert slots.take()


def test_a_missing_file_is_an_error_for_every_method(tmp_path: Path) -> None:
    for method in ("GET", "HEAD"):
        with pytest.raises(FileNotFoundError):
            ask(method=method, file=tmp_path / "gone.mp4")


def test_a_file_shorter_than_its_record_breaks_off() -> None:
    with pytest.raises(FileCutShort):
        body(ask(file=Tracked(CONTENT[:500])))


def test_long_answers_wait_for_a_free_slot() -> None:
    slots = DownloadSlots(2)
    running = [ask(content=LONG, slots=slots) for _ in range(2)]
    file = Tracked(LONG)
    refused = ask(content=LONG, file=file, slots=slots)
    assert refused.status_code == 503
    assert int(refused["Retry-After"]) > 0
    assert file.closed
    assert ask(slots=slots).status_code == 200, "short answers take no slot"
    assert ask({"Range": "bytes=0-"}, content=LONG, cap=PLAYBACK_CAP, slots=slots).status_code == 206
    running[0].close()
    running[0].close()
    assert ask(content=LONG, slots=slots).status_code == 200


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


class ThreadedServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what is being tested."""


@contextmanager
def served(file: Path, *, size: int, slots: DownloadSlots) -> Iterator[tuple[str, int]]:
    """The file on a real socket, answered by `serve_file` as a WSGI server would."""

    def application(environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        response = serve_file(
            WSGIRequest(environ),
            file,
            size=size,
            etag=SHA256,
            content_type="video/mp4",
            as_attachment=True,
            slots=slots,
        )
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return response

    with make_server("127.0.0.1", 0, application, server_class=ThreadedServer, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield "127.0.0.1", server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_cut_download_resumes_to_the_last_byte(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(16 * 1024 * 1024 + 3)
    file, slots = tmp_path / "clip.mp4", DownloadSlots(1)
    file.write_bytes(content)
    with served(file, size=len(content), slots=slots) as address:
        cut = http.client.HTTPConnection(*address, timeout=10)
        cut.request("GET", "/")
        answer = cut.getresponse()
        received = answer.read(100_000)
        assert answer.headers["Content-Length"] == str(len(content))
        answer.close()
        cut.close()

        for _ in range(200):  # the server notices the hang-up at its next write, then frees the only slot
            again = http.client.HTTPConnection(*address, timeout=10)
            again.request("GET", "/", headers={"Range": f"bytes={len(received)}-", "If-Range": answer.headers["ETag"]})
            rest = again.getresponse()
            tail = rest.read()
            again.close()
            if rest.status != 503:
                break
            time.sleep(0.01)
        assert rest.status == 206
        assert received + tail == content
