"""What a colleague keeps private, and so may not be built on: a key of the workspace's opens it, and people do not know of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from lumaboard.generations.models import Generation
from lumaboard.upstream.documents import read_document
from lumaboard.upstream.errors import NotUnderstood

_MOST_AT_ONCE: Final = 500


def hidden_among(connection_id: int, task_ids: set[str], *, from_user_id: int) -> set[str]:
    """Give those of these ids that somebody else keeps private; one query per 500."""
    theirs = Generation.objects.filter(connection=connection_id, is_private=True).exclude(created_by=from_user_id)
    found: set[str] = set()
    waiting = iter(sorted(task_ids))
    while chunk := list(islice(waiting, _MOST_AT_ONCE)):
        found.update(theirs.filter(task_id__in=chunk).values_list("task_id", flat=True))
    return found


def named_in_request(body: bytes) -> set[str]:
    """Give the generations that the body of a create refers to: `{"type": "generation", "id": …}`, wherever it stands."""
    return {
        one["id"]
        for one in objects_in(value_of(body))
        if one.get("type") == "generation" and isinstance(one.get("id"), str)
    }


def value_of(body: bytes) -> Any:
    """Read a document as the most lenient reader would; None where it is none.

    What we would not store, such as NaN or a hundred levels, a provider may well read.
    """
    try:
        return read_document(body).value
    except NotUnderstood:
        pass
    try:
        return json.loads(body, strict=False, parse_int=float)
    except (ValueError, RecursionError):
        return None


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object in a document, at any depth."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
