"""What the worker runs after somebody has gone. All of it may run twice, or beside itself."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.core.queue import enqueue
from lumaboard.generations import notes
from lumaboard.leaving import belongings, deletion

_BUDGET_SECONDS = 10.0
"""Short, so that the workers come to their other work; what is left is queued again."""


def purge_deleted() -> None:
    """Remove deleted notes, what deleted workspaces left behind, and the private work of people who were erased."""
    notes.forget_deleted(now=timezone.now())
    is_more = deletion.purge(now=timezone.now(), seconds=_BUDGET_SECONDS)
    if belongings.purge_private_work(seconds=_BUDGET_SECONDS) or is_more:
        enqueue("lumaboard.leaving.jobs.purge_deleted")
