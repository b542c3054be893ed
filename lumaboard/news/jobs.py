"""What the worker runs so that people and programs hear of things. All of it may run twice, or beside itself."""

from __future__ import annotations

from time import monotonic

from django.utils import timezone

from lumaboard.core.queue import enqueue
from lumaboard.news import mailing, outbox, spreading
from lumaboard.news.hooks import delivering, forgetting
from lumaboard.news.hooks.models import Delivery

_BUDGET_SECONDS = 20.0


def spread() -> None:
    """Empty the outbox, as far as it goes within the budget."""
    ends_at = monotonic() + _BUDGET_SECONDS
    while spreading.spread(now=timezone.now()) and monotonic() < ends_at:
        pass


def look_around() -> None:
    """What the clock brings: files that come into danger, and whatever a killed worker has left unsaid."""
    outbox.note_risks(now=timezone.now())
    spread()
    deliver()


def deliver() -> None:
    """Tell programs what is due, and go on in another job where this one's time was too short."""
    if delivering.deliver_due(clock=timezone.now) and Delivery.objects.due(timezone.now()).exists():
        enqueue("lumaboard.news.jobs.deliver")


def mail() -> None:
    """Mail people what is due to them, as far as it goes within the budget."""
    ends_at = monotonic() + _BUDGET_SECONDS
    mailing.send_due(clock=timezone.now, may_go_on=lambda: monotonic() < ends_at)


def forget() -> None:
    """Forget what happened long ago."""
    outbox.forget(now=timezone.now())
    forgetting.forget(now=timezone.now())
