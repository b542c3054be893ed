"""From a connection row to something that can ask upstream."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from lumaboard.connections.keys import unseal
from lumaboard.connections.models import Connection
from lumaboard.outbound.guard import AddressPolicy
from lumaboard.outbound.session import OutboundSession
from lumaboard.upstream.client import Client


@cache
def passing_session() -> OutboundSession:
    """The session for what people and programs ask upstream through us; apart, so that slow creates keep no refresh waiting."""
    return OutboundSession(
        AddressPolicy(settings.ALLOW_NETWORKS),
        pool_size=settings.CREATES_AT_ONCE,
        max_answer_bytes=settings.MAX_JSON_BYTES,
    )


@cache
def outbound_session() -> OutboundSession:
    """The one session of this process: it lives as long as the process, because new TLS connections cost more than answers."""
    return OutboundSession(
        AddressPolicy(settings.ALLOW_NETWORKS),
        pool_size=settings.REFRESH_CONCURRENCY,
        max_answer_bytes=settings.MAX_JSON_BYTES,
    )


def client_for(connection: Connection, *, session: OutboundSession | None = None) -> Client:
    """Give a client that asks with this connection's key, and only at its own address; raises `KeyUnreadable`."""
    return Client(
        session or outbound_session(), kind=connection.kind, base_url=connection.base_url, key=unseal(connection)
    )
