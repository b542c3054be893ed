"""Answers requests for archived bytes: ranges, conditions, and headers that let nothing in a file act as a page.

Who may have the bytes is the view's question, asked at every request before it comes here. Needs a WSGI server: under
ASGI Django would read a streamed file into memory.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags
from django.utils.translation import gettext as _

from lumaboard.archive.ranges import Span, UnsatisfiableRange, parse_range

PLAYBACK_CAP: Final = 1024 * 1024
"""The most a range answer of a playback route carries: a paused player then holds no thread."""

LONG_ANSWER: Final = PLAYBACK_CAP
"""Answers with more bytes than this take a download slot."""

_BLOCK: Final = 256 * 1024
_RETRY_AFTER_SECONDS: Final = 5


_Response = TypeVar("_Response", bound=HttpResponseBase)


class FileCutShort(OSError):
    """The stored file is shorter than its record. The answer breaks off, so that the receiver notices as well."""


class DownloadSlots:
    """How many long answers may run at once in this process; each of them holds a thread for as long as it lasts."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = threading.BoundedSemaphore(limit)

    def take(self) -> bool:
        """Take a slot if one is free; never waits."""
        return self._free.acquire(blocking=False)

    def give_back(self) -> None:
        self._free.release()


DOWNLOAD_SLOTS: Final = DownloadSlots(limit=16)
"""The process's own: half of the web server's threads."""

GUEST_SLOTS: Final = DownloadSlots(limit=6)
"""Of people who have nothing but a link: however slowly they read, members' downloads go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Representation:
    """What the headers say about the file, whichever part of it is answered."""

    size: int
    etag: str
    content_type: str
    disposition: str | None


def serve_file(
    request: HttpRequest,
    file: BinaryIO | Path,
    *,
    size: int,
    etag: str,
    content_type: str,
    filename: str | None = None,
    as_attachment: bool = False,
    cap: int | None = None,
    slots: DownloadSlots = DOWNLOAD_SLOTS,
) -> HttpResponseBase:
    """Answer a GET or HEAD for this file, which is closed in every case.

    `etag` is the sha256 of the bytes, unquoted; `content_type` our own finding. With a `cap` (playback) a range answer may be
    shorter than asked, which players handle by asking on; without one (downloads) it is complete, because `curl -C -` takes
    a short answer for the end. A GET without a range is always answered whole. A HEAD gets the headers of that whole
    answer: the RFC defines ranges for GET only.
    """
    about = _Representation(
        size=size,
        etag=f'"{etag}"',
        content_type=content_type,
        disposition=content_disposition_header(as_attachment, filename or ""),
    )
    with ExitStack() as cleanup:
        # Opened before anything else, so that a missing file is an error for every method and condition alike.
        stream = file.open("rb") if isinstance(file, Path) else file
        cleanup.callback(stream.close)
        if (status := _status_by_conditions(request, about)) is not None:
            return _without_body(about, status)
        if request.method == "HEAD":
            return _described(HttpResponse(), about, Span(0, size))
        try:
            asked = _asked_span(request, about)
        except UnsatisfiableRange:
            return _unsatisfiable(about)
        answered = _capped(asked, cap) if asked else Span(0, size)
        is_long = answered.length > LONG_ANSWER
        if is_long and not slots.take():
            return _busy()
        cleanup.pop_all()
        body = _Body(stream, answered, slots if is_long else None)
        return _described(StreamingHttpResponse(body, status=206 if asked else 200), about, answered)


class _Body:
    """The bytes of one span, in blocks. Whoever drops it, closed or not, frees the file and the download slot once."""

    def __init__(self, stream: BinaryIO, span: Span, slots: DownloadSlots | None) -> None:
        self.close = weakref.finalize(self, _release, stream, slots)
        self._stream = stream
        self._left = span.length
        stream.seek(span.first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        block = self._stream.read(min(_BLOCK, self._left))
        if not block:
            raise FileCutShort(f"{self._left} bytes are missing from a stored file")
        self._left -= len(block)
        return block


def _release(stream: BinaryIO, slots: DownloadSlots | None) -> None:
    stream.close()
    if slots is not None:
        slots.give_back()


def _status_by_conditions(request: HttpRequest, about: _Representation) -> int | None:
    """412, 304 or None, in the order RFC 9110 section 13.2.2 prescribes; we send no dates, so conditions on them are void."""
    if (wanted := request.headers.get("If-Match")) is not None:
        tags = parse_etags(wanted)
        if "*" not in tags and about.etag not in tags:
            return 412
    if (known := request.headers.get("If-None-Match")) is not None:
        tags = parse_etags(known)
        if "*" in tags or about.etag in {tag.removeprefix("W/") for tag in tags}:
            return 304
    return None


def _asked_span(request: HttpRequest, about: _Representation) -> Span | None:
    """The range to answer, or None for the whole file. `If-Range` holds only for exactly our tag: no date, no weak one."""
    header = request.headers.get("Range")
    if header is None or request.headers.get("If-Range", about.etag).strip() != about.etag:
        return None
    return parse_range(header, size=about.size)


def _capped(span: Span, cap: int | None) -> Span:
    return span if cap is None else Span(span.first, min(span.end, span.first + cap))


def _described(response: HttpResponseBase, about: _Representation, span: Span) -> HttpResponseBase:
    """Put on everything a receiver is told about the bytes it gets."""
    response.headers["Content-Type"] = about.content_type
    response.headers["Content-Length"] = str(span.length)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = about.etag
    if about.disposition is not None:
        response.headers["Content-Disposition"] = about.disposition
    if response.status_code == 206:
        response.headers["Content-Range"] = f"bytes {span.first}-{span.end - 1}/{about.size}"
    return _guarded(response)


def _without_body(about: _Representation, status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    response.headers["ETag"] = about.etag
    return _guarded(response)


def _unsatisfiable(about: _Representation) -> HttpResponse:
    response = _without_body(about, 416)
    response.headers["Content-Range"] = f"bytes */{about.size}"
    return response


def _busy() -> HttpResponse:
    text = _("Too many downloads are running. Please try again in a few seconds.")
    response = HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return _guarded(response)


def _guarded(response: _Response) -> _Response:
    """Whatever the bytes are, a browser neither guesses at them nor lets them act, and asks again before using its copy."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
