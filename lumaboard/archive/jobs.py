"""What the worker runs for the archive. All of it may run twice, or beside itself."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.archive import engine, sweeping
from lumaboard.core.queue import enqueue

CLUSTER = "archive"


def copy_due() -> None:
    """Copy every file that is due; belongs into the cluster `archive`, because it may take half an hour."""
    engine.copy_all_due()


def wake() -> None:
    """Queue `copy_due` if a copy is due and none runs: for tries that come due by the clock. Cheap enough for every tick."""
    if engine.take_turn(timezone.now()):
        enqueue("lumaboard.archive.jobs.copy_due", cluster=CLUSTER)


def sweep() -> None:
    """Remove what killed copies left behind."""
    sweeping.sweep(now=timezone.now())
