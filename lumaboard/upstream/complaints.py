"""Errors in the ten or so bodies in which relays and the provider say them, and what each stands for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from lumaboard.outbound import Answer
from lumaboard.upstream.documents import Document
from lumaboard.upstream.errors import (
    GenerationNotFound,
    KeyRefused,
    LinkExpired,
    NotAnApi,
    NotUnderstood,
    OutOfCredit,
    RateLimited,
    RequestRefused,
    UpstreamError,
    UpstreamUnavailable,
)
from lumaboard.upstream.fields import mapping
from lumaboard.upstream.words import is_about_credit, is_about_moderation, is_not_found

_SUCCESS_CODES = frozenset({"success", "ok", "0", "200"})
_STORAGE_REFUSAL = re.compile(rb"<Code>\s*(?:AccessDenied|ExpiredToken|RequestExpired)", re.IGNORECASE)
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 900.0


class Complaint(NamedTuple):
    """The provider's own words about what is wrong. Both may be empty."""

    code: str
    message: str


def is_complaint(value: Any) -> bool:
    """Say whether a document is an error, even if it came with status 200."""
    document = mapping(value)
    if not document or (isinstance(document.get("state"), str) and "id" in document):
        return False
    if document.get("error") or document.get("success") is False:
        return True
    if "detail" in document or mapping(document.get("base_resp")).get("status_code"):
        return True
    if "code" in document and ("message" in document or "description" in document):
        return str(document["code"]).lower() not in _SUCCESS_CODES
    return False


def complaint_in(value: Any) -> Complaint:
    """Find code and message, wherever this kind of body keeps them."""
    document = mapping(value)
    for key in ("error", "detail", "base_resp"):
        inside = document.get(key)
        if isinstance(inside, list) and inside:
            inside = inside[0]  # validation errors come as a list; the first is enough to say what is wrong
        if isinstance(inside, dict):
            code = inside.get("code", inside.get("status_code"))
            return Complaint(_word(code), _first_text(inside, "message", "reason", "status_msg", "msg"))
        if isinstance(inside, str):
            return Complaint(_word(document.get("code")), inside)
    return Complaint(_word(document.get("code")), _first_text(document, "message", "description"))


def error_for(answer: Answer, document: Document | None, *, now: datetime) -> UpstreamError | None:
    """Give the error this answer stands for; None if it is a 2xx whose body says nothing we could name."""
    code, message = complaint_in(document.value) if document else Complaint("", "")
    if document is None and (error := _without_json(answer, now)) is not None:
        return error
    if answer.status >= 300:
        return _for_status(answer, code, message, is_glued=document is not None and document.has_more, now=now)
    return _for_success(code, message) if document is not None else None


def _without_json(answer: Answer, now: datetime) -> UpstreamError | None:
    """Judge a web page, an XML refusal or an empty body."""
    if answer.status == 403 and _STORAGE_REFUSAL.search(answer.body[:4096]):
        return LinkExpired("The link to the file has expired.")
    if answer.status in {401, 429} or answer.status >= 500:
        return _for_status(answer, "", "", is_glued=False, now=now)
    content_type = next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "")
    is_page = "html" in content_type.lower() or answer.body.lstrip()[:1] == b"<"
    if answer.status >= 300 or is_page:
        return NotAnApi("The address answers with something that is no API: check host and path.")
    return None


def _for_status(answer: Answer, code: str, message: str, *, is_glued: bool, now: datetime) -> UpstreamError:
    status, said = answer.status, f"{code} {message}"
    if status < 400:
        return NotAnApi("The address redirects elsewhere, as an API does not: check host and path.")
    if is_glued:
        # A relay that adds its own error behind the provider's: which of the two the status belongs to, nobody knows.
        return NotUnderstood("Upstream reported an error without a clear cause.", quote=message)
    if status == 401:
        return KeyRefused("Upstream does not accept the key.", quote=message)
    if status == 429:
        return RateLimited("Upstream asks for fewer requests.", quote=message, retry_after=retry_after(answer, now=now))
    if status >= 500 and code != "invalid_request":
        return UpstreamUnavailable(f"Upstream is not available at the moment (status {status}).", quote=message)
    if status in {408, 425}:
        return UpstreamUnavailable("Upstream did not get the request in time.", quote=message)
    if status == 402 or (status in {400, 403} and is_about_credit(said, loosely=status == 403)):
        return OutOfCredit("The account or key has no credit left.", quote=message)
    if status == 403 and not is_about_moderation(said):
        return KeyRefused("Upstream does not allow this key to do that.", quote=message)
    return _for_refusal(status, code, message)


def _for_refusal(status: int, code: str, message: str) -> UpstreamError:
    said = f"{code} {message}"
    if status == 405 or (status == 404 and "invalid url" in message.lower()):
        return NotAnApi("The host does not know this path: check the base URL.", quote=message)
    if status in {404, 410}:
        return GenerationNotFound("Upstream does not know this generation.", quote=message)
    if is_not_found(said):
        return GenerationNotFound("Upstream does not know this generation (yet).", quote=message, may_be_too_young=True)
    if is_about_moderation(said):
        return RequestRefused("Upstream's moderation refused the request.", quote=message, is_moderation=True)
    return RequestRefused(f"Upstream refused the request (status {status}).", quote=message)


def _for_success(code: str, message: str) -> UpstreamError:
    """Judge an error that came with a status of success."""
    said = f"{code} {message}"
    if is_not_found(said):
        return GenerationNotFound("Upstream does not know this generation (yet).", quote=message, may_be_too_young=True)
    if is_about_moderation(said):
        return RequestRefused("Upstream's moderation refused the request.", quote=message, is_moderation=True)
    if is_about_credit(said, loosely=False):
        return OutOfCredit("The account or key has no credit left.", quote=message)
    return NotUnderstood("Upstream reported an error without a clear cause.", quote=message)


def retry_after(answer: Answer, *, now: datetime, longest: float = _LONGEST_WAIT) -> float | None:
    """Read the wish to wait, in seconds or as a date; clamped, because a mistake there would stop a key for days."""
    value = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        wait = float(value[:10])
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        wait = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(wait, _SHORTEST_WAIT), longest)


def _word(value: object) -> str:
    return str(value)[:100] if isinstance(value, str | int) else ""


def _first_text(document: dict[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := document.get(key), str)), "")
