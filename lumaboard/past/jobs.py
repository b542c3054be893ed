"""What the worker does to bring in the past. It may run twice, or beside itself."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.core.queue import enqueue
from lumaboard.past import walking

_SLICE_SECONDS = 6.0
"""So long it keeps a worker from other things before it queues up again."""


def walk() -> None:
    """Go on with the walk that has waited longest, for a moment; the schedule finds what a lost job left behind."""
    if walking.go_on(clock=timezone.now, seconds=_SLICE_SECONDS):
        enqueue("lumaboard.past.jobs.walk")
