"""What came of a try, written down: delivered, to be tried again, or given up; and what it says about the webhook."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from lumaboard.audit.operations import record
from lumaboard.connections.budget import full_jitter
from lumaboard.news.hooks.claims import Claim
from lumaboard.news.hooks.models import TRIED_FOR, Delivery, DeliveryState, Webhook, WhyPaused

MANY_FAILURES: Final = 50
MANY_TAKE: Final = timedelta(days=1)
FAILS_FOR: Final = timedelta(days=3)
"""A webhook is paused after so many failures in a row that took a day at least, or after three days of nothing else."""

GONE: Final = 410
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one try brought. Without an error it is delivered; a hopeless one is not tried again."""

    error: str = ""
    status: int | None = None
    is_hopeless: bool = False
    counts: bool = True  # against the webhook
    retry_after: float | None = None

    @property
    def is_delivered(self) -> bool:
        return not self.error


def finish(
    claim: Claim, result: Result, *, now: datetime, draw: Callable[[], float] = random.random, is_last: bool = False
) -> bool:
    """Write down what came of it, where the delivery is still ours; says whether it was. `is_last`: it is tried no more.

    The webhook is held before its delivery, as by everybody who changes both; so nobody waits for each other.
    """
    with transaction.atomic():
        Webhook.objects.select_for_update(of=("self",), no_key=True).filter(deliveries=claim.delivery_id).first()
        row = Delivery.objects.select_for_update(of=("self",)).filter(pk=claim.delivery_id, lease=claim.lease).first()
        if row is None:
            return False
        changes: dict[str, Any] = {"lease": "", "answer_status": result.status, "error_text": result.error[:400]}
        is_over = is_last or result.is_hopeless or now - row.begun_at >= TRIED_FOR
        if result.is_delivered:
            changes |= {"state": DeliveryState.DELIVERED, "delivered_at": now, "next_try_at": None}
        elif is_over:
            changes |= {"state": DeliveryState.GIVEN_UP, "next_try_at": None}
        else:
            changes["next_try_at"] = now + wait_after(row.attempts, retry_after=result.retry_after, draw=draw())
        Delivery.objects.filter(pk=row.pk).update(**changes)
        if row.webhook_id is not None:
            _note_about(row.webhook_id, result, now=now)
    return True


def wait_after(attempts: int, *, retry_after: float | None, draw: float) -> timedelta:
    """Say how long to wait after so many tries: at least as long as the receiver wishes."""
    drawn = full_jitter(attempts - 1, base=_FIRST_WAIT, cap=_LONGEST_WAIT, draw=draw)
    return max(drawn, timedelta(seconds=retry_after or 1.0))


def _note_about(webhook_id: int, result: Result, *, now: datetime) -> None:
    rows = Webhook.objects.present().filter(pk=webhook_id)
    if result.is_delivered:
        rows.update(failure_count=0, failing_since=None, delivered_at=now)
    elif result.counts:
        rows.update(failure_count=F("failure_count") + 1, failing_since=Coalesce("failing_since", now))
        _pause_if_hopeless(webhook_id, result, now=now)


def _pause_if_hopeless(webhook_id: int, result: Result, *, now: datetime) -> None:
    """Pause a webhook that is gone, or has failed for too long; what waits for it is given up, and can be replayed."""
    webhook = Webhook.objects.listening().filter(pk=webhook_id).first()
    if webhook is None or webhook.failing_since is None:
        return
    failing = now - webhook.failing_since
    if result.status == GONE:
        reason = WhyPaused.GONE
    elif failing >= FAILS_FOR or (webhook.failure_count >= MANY_FAILURES and failing >= MANY_TAKE):
        reason = WhyPaused.FAILING
    else:
        return
    Webhook.objects.filter(pk=webhook_id).update(pause_reason=reason, paused_at=now)
    webhook.deliveries.filter(state=DeliveryState.WAITING).update(
        state=DeliveryState.GIVEN_UP, next_try_at=None, lease=""
    )
    record(
        "webhook.paused",
        workspace_id=webhook.workspace_id,
        actor_id=None,
        target=webhook,
        name=webhook.name,
        reason=reason.value,
    )
