"""The camera concepts that upstream lists: short keys, as a create takes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from lumaboard.outbound import Answer
from lumaboard.upstream.errors import NotUnderstood
from lumaboard.upstream.fields import mapping
from lumaboard.upstream.parse import read_answer

MOST: Final = 500
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def parse_concepts(answer: Answer, *, now: datetime) -> tuple[str, ...]:
    """Read a list of names, or of objects with a `key`; what can be none is left out. Raises UpstreamError."""
    value: Any = read_answer(answer, now=now).value
    if not isinstance(value, list):
        raise NotUnderstood("The answer is no list of concepts.")
    keys = (item if isinstance(item, str) else mapping(item).get("key") for item in value)
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str) and _KEY.fullmatch(key)))[:MOST]
