"""What is left on each account, where upstream has a question for it."""

from __future__ import annotations

import logging
from datetime import datetime
from time import monotonic

from django.db.models import F

from lumaboard.connections.budget import askable, take_call
from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.upstream.errors import UpstreamError

logger = logging.getLogger(__name__)

BUDGET_SECONDS = 8.0
"""No asking begins later than this; the oldest balance goes first, so that the next run takes up the others."""


def read(*, now: datetime) -> None:
    """Read the balances of all connections that may be asked, each within its budget of calls."""
    ends_at = monotonic() + BUDGET_SECONDS
    ready = askable(Connection.objects.filter(pause_reason=""), now)
    for connection in ready.order_by(F("balance_at").asc(nulls_first=True), "pk"):
        if monotonic() >= ends_at:
            break
        if take_call(connection, now=now):
            read_one(connection, now=now)


def read_one(connection: Connection, *, now: datetime) -> None:
    """Read one balance. What goes wrong is logged only: the page shows how old the last one is.

    It says nothing about the key either, for a key may be allowed to ask about generations and not about money.
    """
    try:
        balance = client_for(connection).get_balance()
    except (UpstreamError, KeyUnreadable) as error:
        logger.info("The balance of connection %s could not be read: %s", connection.pk, error)
        return
    if balance is not None:
        Connection.objects.filter(pk=connection.pk).update(
            balance_amount=balance.amount, balance_unit=balance.unit[:10], balance_at=now
        )
