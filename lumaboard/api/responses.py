"""Which statuses an operation may answer with; the document lists them all, and a test with made-up requests holds it to that."""

from __future__ import annotations

from typing import Any, Final

from lumaboard.api.errors import Error

_ALWAYS: Final = (401, 403, 404, 405, 422, 429, 500)
"""404 and 405 also where nothing is named in the path: a made-up path is sorted to the operation it resembles."""


def reads(shape: Any) -> dict[int, Any]:
    return {200: shape, 304: None, **_errors()}


def writes(shape: Any, *, ok: int = 200) -> dict[int, Any]:
    return {ok: shape, **_errors(400, 409, 413, 415)}


def sends_bytes() -> dict[int, Any]:
    return {200: None, 206: None, 304: None, **_errors(412, 416, 503)}


def _errors(*more: int) -> dict[int, Any]:
    return dict.fromkeys(sorted({*_ALWAYS, *more}), Error)
