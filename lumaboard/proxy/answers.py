"""What programs are answered: the provider's words as they came, or ours in the provider's shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from django.http import HttpResponse

from lumaboard.connections.models import Connection
from lumaboard.news.hooks.callbacks import with_theirs
from lumaboard.outbound import Answer
from lumaboard.upstream.errors import NotUnderstood, UpstreamError, UpstreamUnavailable

SOURCE: Final = "X-Lumaboard-Source"
"""Who says it: `upstream`, `record; age=<seconds>`, or `lumaboard` where it is an error of ours."""

_PASSED_ON: Final = ("content-type", "retry-after", "request-id", "x-request-id")
_LONGEST_HEADER: Final = 500
_HEADERS: Final = {
    # An upstream may answer a web page: whoever opens it here gets a page that may do nothing at all.
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Authorization",
}


class ProxyResponse(HttpResponse):
    """An answer of the proxy, with the headers that every one of them has."""

    def __init__(self, body: bytes, *, status: int, content_type: str, source: str) -> None:
        super().__init__(body, status=status, content_type=content_type or None)
        if not content_type:
            del self.headers["Content-Type"]
        for name, value in _HEADERS.items():
            self.headers[name] = value
        self.headers[SOURCE] = source
        self._left: Callable[[], object] | None = None

    def leave(self, act: Callable[[], object]) -> None:
        """Leave something to do for when the answer has gone out; whoever asked does not wait for it."""
        self._left = act

    def close(self) -> None:
        """Do what was left, in the thread of the request. The server calls this when it has sent the last byte."""
        act, self._left = self._left, None
        try:
            if act is not None:
                act()
        finally:
            super().close()


class Refused(Exception):
    """Nothing was, or could be, passed on: what the program is told instead, in words that say what to do."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def response(self) -> ProxyResponse:
        body = json.dumps({"detail": self.detail}, ensure_ascii=False).encode()
        made = ProxyResponse(body, status=self.status, content_type="application/json", source="lumaboard")
        for name, value in self.headers.items():
            made.headers[name] = value
        return made


def later(status: int, detail: str, *, seconds: float) -> Refused:
    """Refuse for a while, and say for how long."""
    return Refused(status, detail, headers={"Retry-After": str(max(round(seconds), 1))})


def passed_on(answer: Answer, *, body: bytes | None = None) -> ProxyResponse:
    """Give upstream's answer: status and bytes as they came, and of its headers those that say something about them.

    A redirect loses its goal: nobody is led to another host with a token of ours.
    """
    named = {name.lower(): value for name, value in answer.headers.items()}
    made = ProxyResponse(
        answer.body if body is None else body,
        status=answer.status,
        content_type=_clean(named.get("content-type", "")),
        source="upstream",
    )
    for name in _PASSED_ON[1:]:
        if value := _clean(named.get(name, "")):
            made.headers[name.title()] = value
    return made


def recorded(body: str, *, age: float) -> ProxyResponse:
    """Give what upstream said last, and say how long ago."""
    source = f"record; age={max(int(age), 0)}"
    return ProxyResponse(body.encode(), status=200, content_type="application/json", source=source)


def without_ours(answer: Answer, connection: Connection) -> Answer:
    """Give the answer with the programs' own callback addresses where the provider was given ours; else as it came."""
    return replace(answer, body=with_theirs(answer.body, workspace_id=connection.workspace_id))


def unanswered(error: UpstreamError) -> Refused:
    """Say that no whole answer came."""
    if not error.was_sent:
        return Refused(502, f"The provider could not be asked, and nothing was sent. {error}")
    if isinstance(error, UpstreamUnavailable):
        return Refused(504, f"The provider did not answer. {error}")
    if isinstance(error, NotUnderstood):
        return Refused(502, f"The provider's answer did not arrive whole. {error}")
    return Refused(502, str(error))


def _clean(value: str) -> str:
    return value[:_LONGEST_HEADER] if value.isascii() and value.isprintable() else ""
