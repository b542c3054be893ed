"""What the worker runs to keep the record in step with upstream. All of it may run twice, or beside itself."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils import timezone

from lumaboard.archive import jobs as archive_jobs
from lumaboard.refresh import balances, waits
from lumaboard.refresh.beats import beat
from lumaboard.refresh.engine import Engine

_AT_ONCE_SECONDS = 6.0
"""The budget of a round that somebody's click began: it must not keep the worker from the probe for long."""


@cache
def engine() -> Engine:
    """The engine of this process: its threads and connections outlive the round."""
    return Engine(concurrency=settings.REFRESH_CONCURRENCY)


def tick() -> None:
    """One round within its budget; the beat at its end is what the supervisor takes for life."""
    engine().run(seconds=settings.REFRESH_BUDGET_SECONDS)
    archive_jobs.wake()
    beat("tick", now=timezone.now())


def probe() -> None:
    """Do nothing: that it was done, and acknowledged, is what the broker notes as a beat."""


def refresh_due() -> None:
    """Ask at once about what somebody has just tracked or wants checked; with nothing due it costs three queries.

    Many of these may be queued for the same rows: the first takes them all, and the others find nothing.
    """
    engine().run(seconds=_AT_ONCE_SECONDS)


def learn_waits() -> None:
    """Learn how long generations usually take, for every workspace and kind of connection."""
    waits.learn(now=timezone.now())


def read_balances() -> None:
    """Ask what is left on each account, where upstream tells."""
    balances.read(now=timezone.now())
