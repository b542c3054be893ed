"""Several takes of one wish: written down together, sent beside each other, and told one by one.

They are sent by threads of the process that took the form, so that its page answers at once and no worker that watches
generations is held up. What a process that dies leaves unsent, the worker sends (`send_left`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from lumaboard.accounts.access import Member
from lumaboard.connections.models import Connection
from lumaboard.news.batches import begin
from lumaboard.submission.models import Intent, IntentState, Picture, Source
from lumaboard.submission.operations import KEYS_LIVE, KeyReused, NotIntended, StillSending, intend, send
from lumaboard.submission.pricing import estimate_of, prices_of
from lumaboard.submission.settling import expect_no_more
from lumaboard.submission.wishes import MOST_TAKES, route_for

logger = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""How many creates of forms and programs one process sends beside each other."""

LEFT_AFTER: Final = timedelta(seconds=30)
LET_GO_AFTER: Final = timedelta(minutes=10)
"""What has not left by then is not sent any more: who asked for it has long gone on."""

_BUDGET_SECONDS: Final = 20.0
_ORDERED: Final = (Source.FORM, Source.API)
"""Ways in that write down first and send afterwards; the proxy sends while its caller waits."""


@dataclass(slots=True)
class Order:
    """The takes of one order, and what this process does about sending them, which begins with the commit."""

    intents: list[Intent]
    sendings: list[Future[None]] = field(default_factory=list)


def order(
    member: Member,
    connection: Connection,
    request: Mapping[str, Any],
    *,
    count: int,
    token: UUID,
    source: Source = Source.FORM,
    is_private: bool = False,
    made_from: Sequence[tuple[int, str]] = (),
    pictures: Sequence[int] = (),
    now: datetime,
) -> Order:
    """Write down so many takes, and have them sent after the commit. Twice with the same token is once.

    A program that sends the same again has what was refused for the moment tried again; a person edits it first. Raises
    `PermissionDenied`, and what `intend` raises: `KeyReused` where the token was used for something else.
    """
    member.require("submit")
    with transaction.atomic():
        before = takes_of(member, token)
        known = [one for one in before if one.created_at > now - KEYS_LIVE]
        if len(known) not in (0, count):
            raise KeyReused
        estimate = estimate_of(request, kind=connection.kind, prices=prices_of(connection.workspace_id))
        batch = begin(
            member.workspace.pk,
            created_by_id=member.user.pk,
            wanted_count=count,
            is_private=is_private,
            uid=token if known or not before else None,  # what an old key stood for was another batch
            now=now,
        )
        intents = [
            intend(
                connection,
                created_by_id=member.user.pk,
                route=route_for(connection.kind),
                request=request,
                source=source,
                idempotency_key=key,
                is_private=is_private,
                made_from=made_from,
                estimate=estimate,
                batch=batch,
                now=now,
            )
            for key in _keys(token)[:count]
        ]
        Picture.objects.filter(pk__in=pictures).update(used_at=now)
        made = Order(intents)
        ready = (IntentState.INTENDED, IntentState.REFUSED) if source == Source.API else (IntentState.INTENDED,)
        numbers = [intent.pk for intent in intents if intent.is_sendable and intent.state in ready]
        transaction.on_commit(lambda: made.sendings.extend(_send_beside(numbers)))
    return made


def takes_of(member: Member, token: UUID) -> list[Intent]:
    """What this person ordered with this token, in order, each with its generation; one query."""
    rows = Intent.objects.filter(
        workspace=member.workspace, created_by=member.user, source__in=_ORDERED, idempotency_key__in=_keys(token)
    )
    related = ("connection", "generation__created_by", "generation__acted_by", "generation__connection")
    return list(rows.select_related(*related).order_by("pk"))


def send_left(*, clock: Callable[[], datetime], seconds: float = _BUDGET_SECONDS) -> None:
    """Send what was ordered and no process has sent, oldest first."""
    ends_at, now = monotonic() + seconds, clock()
    left = Intent.objects.open().filter(
        state=IntentState.INTENDED,
        source__in=_ORDERED,
        is_sendable=True,
        created_at__lte=now - LEFT_AFTER,
        created_at__gt=now - LET_GO_AFTER,
    )
    for intent_id in list(left.order_by("pk").values_list("pk", flat=True)):
        if monotonic() >= ends_at:
            return
        send_one(intent_id, clock=clock)


def send_one(intent_id: int, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Send a take that nobody else is sending, and note it where it cannot be sent at all."""
    try:
        send(intent_id, patience=0.0, clock=clock)
    except StillSending:
        return
    except NotIntended as error:
        _refuse(intent_id, str(error), now=clock())


def _refuse(intent_id: int, why: str, *, now: datetime) -> None:
    with transaction.atomic():
        intent = Intent.objects.filter(pk=intent_id, state=IntentState.INTENDED).first()
        if intent is not None and Intent.objects.filter(pk=intent_id, state=IntentState.INTENDED).update(
            state=IntentState.REFUSED, is_sendable=False, error_kind="not_sent", error_text=why[:400]
        ):
            expect_no_more(intent, now=now)


def _keys(token: UUID) -> list[str]:
    return [f"form {token} {number}" for number in range(1, MOST_TAKES + 1)]


def _send_beside(intent_ids: Sequence[int]) -> list[Future[None]]:
    return [_threads().submit(_send_in_thread, intent_id) for intent_id in intent_ids]


def _send_in_thread(intent_id: int) -> None:
    try:
        send_one(intent_id)
    except Exception:
        logger.exception("Take %s could not be sent", intent_id)  # it stays in its row, and the worker finds it
    finally:
        database.close()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="takes")
