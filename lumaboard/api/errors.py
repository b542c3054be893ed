"""Every failure of the API, in one shape: a code for programs, a sentence for people, and the fields it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

logger = logging.getLogger(__name__)

CODES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "The request could not be read."),
    401: ("unauthorized", "Send a token that works: Authorization: Bearer lb_…"),
    403: ("forbidden", "This token does not allow this."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take this method."),
    409: ("conflict", "This does not go with what is there."),
    412: ("precondition_failed", "The file is another one by now."),
    413: ("too_large", "This is more than can be sent at once."),
    415: ("unsupported_media_type", "Send the body as JSON: Content-Type: application/json"),
    416: ("range_not_satisfiable", "The file is shorter than that."),
    422: ("invalid", "Some values cannot be used."),
    429: ("too_many_requests", "Too many requests. Wait as long as Retry-After says."),
    500: ("internal_error", "Something went wrong on our side. It is written down."),
    503: ("busy", "Too much is going on at the moment. Please try again."),
}


class FieldError(Schema):
    """One value that cannot be used."""

    where: str
    """Such as `body.title` or `query.limit`."""
    message: str


class ErrorBody(Schema):
    code: str
    message: str
    fields: list[FieldError]


class Error(Schema):
    """What every failure looks like."""

    error: ErrorBody


@dataclass
class ApiError(Exception):
    """A request that fails in a way the caller can be told about."""

    status: int
    message: str = ""
    fields: Sequence[tuple[str, str]] = ()


def document(status: int, message: str = "", fields: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    code, usual = CODES.get(status, CODES[400])
    told = [{"where": where, "message": said} for where, said in fields]
    return {"error": {"code": code, "message": message or usual, "fields": told}}


def response(status: int, message: str = "", fields: Sequence[tuple[str, str]] = ()) -> HttpResponse:
    body = json.dumps(document(status, message, fields), ensure_ascii=False)
    return HttpResponse(body, status=status, content_type="application/json; charset=utf-8")


def register(api: NinjaAPI) -> None:
    """Have every exception below `api` answered in our shape, also those for which Ninja has an answer of its own."""
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, _answer)


def _answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    match error:
        case ApiError():
            return response(error.status, error.message, error.fields)
        case PermissionDenied():
            return response(403, str(error))
        case Http404():
            return response(404)
        case HttpError(__cause__=ApiError() as cause):  # Ninja wraps what reading the body raised
            return response(cause.status, cause.message, cause.fields)
        case RequestDataTooBig() | HttpError(__cause__=RequestDataTooBig()):  # who reads the body first decides which
            return response(413)
        case HttpError():
            return response(error.status_code)
        case ValidationError():  # which value and why, and never the value: it may be a password
            said = [(_where(one.get("loc", ())), str(one.get("msg", ""))) for one in error.errors[:20]]
            return response(422, fields=said)
    logger.error("Unhandled error at %s %s", request.method, request.path, exc_info=error)  # type: ignore[arg-type]  # an instance
    return response(500)


def _where(parts: Sequence[object]) -> str:
    """`("body", "payload", "title")` is `body.title`: the name of our parameter is nothing to the caller."""
    words = [str(part) for part in parts]
    return ".".join(word for number, word in enumerate(words) if not (number == 1 and word in ("payload", "query")))
