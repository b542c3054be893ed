"""Through which connection a call leaves, and whether that may be asked now."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from lumaboard.accounts.access import Member
from lumaboard.connections.budget import (
    CIRCUIT_OPENS_AFTER,
    answered_just_now,
    circuits,
    host_of,
    take_call,
    take_key_probe,
)
from lumaboard.connections.clients import client_for, passing_session
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.connections.outcomes import note_unreadable_key
from lumaboard.core.http import whole_number
from lumaboard.proxy.answers import Refused, later
from lumaboard.upstream.client import Client


def choose(member: Member, asked_for: str) -> Connection:
    """Give the connection of this name or number, else that of the token, else the workspace's oldest that is in use.

    Raises `Refused` where there is none; one of another workspace is none.
    """
    present = Connection.objects.present().filter(workspace=member.workspace).order_by("id")
    if asked_for:
        number = whole_number(asked_for)
        found = present.filter(Q(name=asked_for) | Q(pk=number) if number is not None else Q(name=asked_for)).first()
        if found is None:
            raise Refused(400, "X-Lumaboard-Connection names no connection of this workspace.")
        return found
    rows = list(present)
    if member.token is not None and member.token.connection_id is not None:
        for row in rows:
            if row.pk == member.token.connection_id:
                return row
        raise Refused(503, "The connection that this token is for was removed. Make another token.")
    if not rows:
        raise Refused(503, "This workspace has no connection to a provider. An admin can add one in its settings.")
    return next((row for row in rows if not row.pause_reason), rows[0])


def check_usable(connection: Connection, *, now: datetime) -> None:
    """Raise `Refused` for a connection that is switched off, or whose key the provider refuses.

    A refused key is let through now and then, as the refresh does: it may be good again.
    """
    if connection.removed_at is not None:
        raise Refused(503, f"The connection “{connection.name}” was removed.")
    if connection.pause_reason == PauseReason.PERSON:
        raise Refused(503, f"The connection “{connection.name}” is paused. An admin can resume it in the settings.")
    if connection.pause_reason and not take_key_probe(connection.pk, now=now):
        raise Refused(
            503, f"The provider refuses the key of the connection “{connection.name}”. An admin can enter a new one."
        )


def check_budget(connection: Connection, *, now: datetime) -> None:
    """Take one call of this connection's budget; raises `Refused` where none is left, or the key or the host has to wait."""
    check_usable(connection, now=now)
    if connection.blocked_until is not None and connection.blocked_until > now:
        seconds = (connection.blocked_until - now).total_seconds()
        raise later(429, "The provider asked for a pause with this key.", seconds=seconds)
    if not answered_just_now(connection, now):
        _check_circuit(connection, now=now)
    if not take_call(connection, now=now):
        raise later(429, "Too many requests with this connection. Wait as long as Retry-After says.", seconds=1)


def _check_circuit(connection: Connection, *, now: datetime) -> None:
    name = host_of(connection.base_url)
    host = circuits([name]).get(name)
    if host is not None and host.failure_count >= CIRCUIT_OPENS_AFTER and host.open_until and host.open_until > now:
        seconds = (host.open_until - now).total_seconds()
        raise later(503, "The provider has not answered for a while. It is tried again in a moment.", seconds=seconds)


def client_through(connection: Connection, *, now: datetime) -> Client:
    try:
        return client_for(connection, session=passing_session())
    except KeyUnreadable as error:
        note_unreadable_key(connection, str(error), now=now)
        raise Refused(503, "The stored key cannot be read; an admin has to enter it again.") from None
