"""Small pictures that lie in a row or are drawn for one answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags


def picture_answer(request: HttpRequest, body: bytes, *, etag: str, content_type: str) -> HttpResponse:
    """Answer with a small picture, or 304 to whoever has it; a browser asks each time, so that what is revoked is gone."""
    quoted = f'"{etag}"'
    is_known = quoted in parse_etags(request.headers.get("If-None-Match", ""))
    response = HttpResponseNotModified() if is_known else HttpResponse(body, content_type=content_type)
    response.headers["ETag"] = quoted
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
