"""The concepts that a connection's provider lists, kept for a day, so that no page waits for the provider."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.core.cache import cache

from lumaboard.connections.budget import take_call
from lumaboard.connections.clients import client_for, passing_session
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.submission.slots import Busy, slot
from lumaboard.upstream.client import KINDS_WITH_CONCEPTS
from lumaboard.upstream.errors import UpstreamError

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 24 * 3600
FAILURE_KEPT_SECONDS: Final = 300
"""A provider that did not tell is not asked by every page that is opened."""


def known_concepts(connection: Connection) -> tuple[str, ...] | None:
    """What is known without asking: empty where the provider has no list or did not tell; None where it was not asked yet."""
    if connection.kind not in KINDS_WITH_CONCEPTS:
        return ()
    kept: list[str] | None = cache.get(_key(connection))
    return tuple(kept) if kept is not None else None


def concepts_of(connection: Connection, *, now: datetime) -> tuple[str, ...]:
    """What the provider lists, asked at most once a day; empty where it cannot be had. May take some seconds."""
    known = known_concepts(connection)
    if known is not None:
        return known
    if not _may_ask(connection, now=now):
        return ()
    try:
        with slot():
            found = client_for(connection, session=passing_session()).list_concepts()
    except Busy:
        return ()
    except (UpstreamError, KeyUnreadable) as error:
        logger.info("The concepts of connection %s could not be had: %s", connection.pk, error)
        found = ()
    cache.set(_key(connection), list(found), KEPT_SECONDS if found else FAILURE_KEPT_SECONDS)
    return found


def _may_ask(connection: Connection, *, now: datetime) -> bool:
    """Take one call of the key's budget, unless the key has to rest."""
    if connection.pause_reason or (connection.blocked_until is not None and connection.blocked_until > now):
        return False
    return take_call(connection, now=now)


def _key(connection: Connection) -> str:
    return f"concepts:{connection.pk}:{connection.key_last4}"
