"""Addresses of files, and when they die. Signed links say so in their query, in one of several dialects."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lumaboard.upstream.types import Link

LONGEST_URL = 8_192
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000


def web_url(value: object) -> str | None:
    """Give the value back if it is a usable http(s) address, else None."""
    if (
        not isinstance(value, str)
        or len(value) > LONGEST_URL
        or not value[:8].lower().startswith(("http://", "https://"))
    ):
        return None
    if " " in value or not value.isprintable():  # no other white space is printable
        return None
    try:
        return value if urlsplit(value).hostname else None
    except ValueError:
        return None


def link(url: str, *, expires_at: object = None) -> Link:
    """Make a link, reading its end from a value given beside it or from its own query, whichever is sooner."""
    ends = [moment for moment in (moment_of(expires_at), expiry_of(url)) if moment is not None]
    return Link(url=url, expires_at=min(ends) if ends else None)


def in_order(links: Iterable[Link], *, now: datetime) -> tuple[Link, ...]:
    """Keep the order of preference, put expired links last, name none twice."""
    once: dict[str, Link] = {}
    for one in links:
        once.setdefault(one.url, one)
    return tuple(sorted(once.values(), key=lambda one: one.expires_at is not None and one.expires_at <= now))


def expiry_of(url: str) -> datetime | None:
    """Read when a signed link dies: S3 and its kin, Google, CloudFront-like `Expires`, Azure, and JWTs."""
    query_text = urlsplit(url).query
    if not query_text:
        return None
    try:
        query = {name.lower(): value for name, value in parse_qsl(query_text, max_num_fields=100)}
    except ValueError:
        return None
    for dialect in ("x-amz", "x-goog", "x-tos", "x-oss"):
        if f"{dialect}-expires" in query:
            return _signed_then(query.get(f"{dialect}-date", ""), query[f"{dialect}-expires"])
    for name in ("expires", "exp", "se", "expires_at"):
        if name in query:
            return moment_of(query[name])
    return _expiry_of_jwt(query["_jwt"]) if "_jwt" in query else None


def moment_of(value: object) -> datetime | None:
    """Read an ISO 8601 text or a Unix time, in seconds or milliseconds. Years no answer can mean (1, 9999) give None."""
    try:
        if isinstance(value, str) and not value.isdigit():
            moment = datetime.fromisoformat(value)
        elif isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        else:
            seconds = float(value)
            moment = datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds, UTC)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def _signed_then(signed_at: str, lifetime: str) -> datetime | None:
    try:
        start = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = float(lifetime)
        return start + timedelta(seconds=seconds) if math.isfinite(seconds) else None
    except (ValueError, OverflowError):
        return None


def _expiry_of_jwt(token: str) -> datetime | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return moment_of(claims.get("exp")) if isinstance(claims, dict) else None
