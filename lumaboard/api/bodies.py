"""What programs send: JSON, of a bounded size and depth, and nothing that a database cannot keep."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import AfterValidator, Field

from lumaboard.api.errors import ApiError
from lumaboard.core.http import whole_number
from lumaboard.core.places import Place

MOST_BYTES: Final = 2**20
_DEEPEST: Final = 32


class JsonParser(Parser):
    """Ninja calls this for each body, and wraps what it raises; `errors` unwraps it."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise ApiError(415)
        if (whole_number(request.META.get("CONTENT_LENGTH") or "0") or 0) > MOST_BYTES:
            raise ApiError(413)
        try:
            document = json.loads(request.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "The body is not JSON.") from error
        if _depth_exceeds(document, _DEEPEST):
            raise ApiError(400, f"The body is nested more than {_DEEPEST} levels deep.")
        return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth_exceeds(document: Any, most: int) -> bool:
    level = [document]
    for _ in range(most):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("has a NUL in it")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
"""Words that every database keeps."""


def _readable(text: str) -> str:
    if text and Place.parse(text) is None:
        raise ValueError("is no cursor that a page of ours gave")
    return text


Cursor = Annotated[str, AfterValidator(_readable)]
"""Where a page begins: the `next` of the page before."""

RowId = Annotated[int, Field(ge=1, lt=10**18)]
"""The id of a row, such as every database takes."""
