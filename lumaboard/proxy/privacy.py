"""What colleagues keep to themselves, kept out of what the provider tells everybody who has the key.

The provider knows keys and no people: its list holds private work too. An answer goes on as it came unless it does.
"""

from __future__ import annotations

import json
from typing import Any, Final

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.submission.hidden import hidden_among, objects_in, value_of

_NAMES: Final = ("id", "task_id")


class NotForThem(Exception):
    """The answer is about private work of somebody else, and about nothing else."""


def without_hidden(body: bytes, *, member: Member, connection: Connection) -> bytes:
    """Give the body as it came, or without the entries that a colleague keeps private.

    Raises `NotForThem` where what is private is no entry of a list.
    """
    value = value_of(body)
    named = {task_id for one in objects_in(value) for task_id in _ids(one)}
    hidden = hidden_among(connection.pk, named, from_user_id=member.user.pk)
    if not hidden:
        return body
    try:
        value = _sifted(value, hidden)
        if any(hidden.intersection(_ids(one)) for one in objects_in(value)):
            raise NotForThem
        return json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:  # too deep to be taken apart
        raise NotForThem from None


def _ids(one: dict[str, Any]) -> list[str]:
    return [one[name] for name in _NAMES if isinstance(one.get(name), str)]


def _sifted(value: Any, hidden: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _sifted(child, hidden) for name, child in value.items()}
    if isinstance(value, list):
        return [_sifted(child, hidden) for child in value if not _is_hidden(child, hidden)]
    return value


def _is_hidden(value: Any, hidden: set[str]) -> bool:
    return isinstance(value, dict) and any(hidden.intersection(_ids(one)) for one in objects_in(value))
