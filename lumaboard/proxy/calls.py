"""What a program wants: one call, read from its request and checked before anything is done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from lumaboard.core.http import whole_number
from lumaboard.proxy.answers import Refused
from lumaboard.upstream.client import LONGEST_PATH, is_path
from lumaboard.upstream.creates import is_create

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
LARGEST_BODY: Final = 2 * 2**20
LONGEST_QUERY: Final = 2_000

_SAFE_PATH: Final = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=/-]+")
_SAFE_QUERY: Final = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=/?%\[\]-]*")
_OF_ONE: Final = re.compile(r"/generations/(?P<id>[^/]+)(?P<more>/.*)?")
_NO_IDS: Final = frozenset({"concepts", "camera_motion", "video", "image"})
_PASSED_ON: Final = ("Accept", "Content-Type")
_FOR_EVERYBODY: Final = frozenset(
    {"/ping", "/credits", "/generations/concepts/list", "/generations/camera_motion/list"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the provider's API; `path` is what comes behind `/dream-machine/v1`."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str = ""
    connection: str = ""  # that was asked for by name or number
    is_fresh_wanted: bool = False

    @property
    def right(self) -> str:
        """The right it takes. Documents of the provider hold links to raw files, which not every role may have."""
        if self.method != "GET":
            return "submit"
        return "see" if self.path in _FOR_EVERYBODY else "see_raw_answer"

    @property
    def is_create(self) -> bool:
        return is_create(self.method, self.path)

    @property
    def task_id(self) -> str:
        """The generation that the path names, alone or with something of it; empty where it names none."""
        found = _OF_ONE.fullmatch(self.path)
        is_one = found is not None and not (found["id"] in _NO_IDS and found["more"])
        return found["id"] if found is not None and is_one else ""

    @property
    def is_about_one(self) -> bool:
        """Whether the path is a generation's own."""
        return bool(self.task_id) and self.path == f"/generations/{self.task_id}"


def read_call(request: HttpRequest, path: str) -> Call:
    """Read a request; raises `Refused` for one that is not passed on, whoever sends it.

    Of its headers only those named here go anywhere. The path goes on as it was judged, so upstream cannot read another
    one into it: it holds no escapes, because no path of this API needs any.
    """
    method = "GET" if request.method == "HEAD" else request.method or ""
    if method not in METHODS:
        raise Refused(405, f"{method[:20]} is not passed on.", headers={"Allow": ", ".join(METHODS)})
    if not _SAFE_PATH.fullmatch(path) or len(path) > LONGEST_PATH or not is_path(path):
        raise Refused(404, "There is no such path below /dream-machine/v1/.")
    query = request.META.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY or not _SAFE_QUERY.fullmatch(query) or "\x00" in unquote(query):
        raise Refused(400, "The query cannot be passed on.")
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    call = Call(
        method=method,
        path=path,
        query=query,
        body=_body(request),
        headers={name: value for name, value in headers.items() if value.isascii() and value.isprintable()},
        idempotency_key=request.headers.get("Idempotency-Key", ""),
        connection=request.headers.get("X-Lumaboard-Connection", "").strip(),
        is_fresh_wanted="no-cache" in request.headers.get("Cache-Control", "").lower(),
    )
    if call.is_create:
        _check_create(call)
    return call


def _body(request: HttpRequest) -> bytes:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise Refused(411, "Send the body in one piece, with a Content-Length.")
    if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise Refused(415, "Send the body as it is, without a Content-Encoding.")
    length = whole_number(request.META.get("CONTENT_LENGTH") or "0")
    if length is None or length > LARGEST_BODY:
        raise Refused(
            413, f"The body is longer than {LARGEST_BODY // 2**20} MiB. Give pictures and films as addresses."
        )
    try:
        return request.body
    except UnreadablePostError:
        raise Refused(400, "The body did not arrive whole.") from None


def _check_create(call: Call) -> None:
    if call.query:
        raise Refused(400, "A request to make something takes no query: put everything into the body.")
    kind = call.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "Send the body as JSON, with Content-Type: application/json.")
