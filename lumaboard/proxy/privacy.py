"""What colleagues keep to themselves, kept out of what the provider tells everybody who has the key.

The provider knows keys and no people: its list holds private work too. An answer goes on as it came unless it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation
from lumaboard.upstream.documents import read_document
from lumaboard.upstream.errors import NotUnderstood

_NAMES: Final = ("id", "task_id")
_MOST_AT_ONCE: Final = 500


class NotForThem(Exception):
    """The answer is about private work of somebody else, and about nothing else."""


def hidden_among(member: Member, connection: Connection, task_ids: set[str]) -> set[str]:
    """Give those of these ids that a colleague keeps private."""
    theirs = Generation.objects.filter(connection=connection, is_private=True).exclude(created_by=member.user)
    found: set[str] = set()
    waiting = iter(sorted(task_ids))
    while chunk := list(islice(waiting, _MOST_AT_ONCE)):
        found.update(theirs.filter(task_id__in=chunk).values_list("task_id", flat=True))
    return found


def named_in_request(body: bytes) -> set[str]:
    """Give the generations that the body of a create refers to: `{"type": "generation", "id": …}`, wherever it stands."""
    return {
        one["id"]
        for one in _objects(_value(body))
        if one.get("type") == "generation" and isinstance(one.get("id"), str)
    }


def without_hidden(body: bytes, *, member: Member, connection: Connection) -> bytes:
    """Give the body as it came, or without the entries that a colleague keeps private.

    Raises `NotForThem` where what is private is no entry of a list.
    """
    value = _value(body)
    hidden = hidden_among(member, connection, {task_id for one in _objects(value) for task_id in _ids(one)})
    if not hidden:
        return body
    value = _sifted(value, hidden)
    if any(hidden.intersection(_ids(one)) for one in _objects(value)):
        raise NotForThem
    return json.dumps(value, ensure_ascii=False).encode()


def _value(body: bytes) -> Any:
    try:
        return read_document(body).value
    except NotUnderstood:
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _objects(child)


def _ids(one: dict[str, Any]) -> list[str]:
    return [one[name] for name in _NAMES if isinstance(one.get(name), str)]


def _sifted(value: Any, hidden: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _sifted(child, hidden) for name, child in value.items()}
    if isinstance(value, list):
        return [_sifted(child, hidden) for child in value if not _is_hidden(child, hidden)]
    return value


def _is_hidden(value: Any, hidden: set[str]) -> bool:
    return isinstance(value, dict) and any(hidden.intersection(_ids(one)) for one in _objects(value))
