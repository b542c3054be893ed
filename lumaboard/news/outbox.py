"""Write down what is worth telling, in the transaction of what happened; `spreading` hands it on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from lumaboard.core.queue import enqueue
from lumaboard.generations.models import Generation
from lumaboard.generations.querysets import IsToCopy
from lumaboard.news.models import Batch, Event, EventKind

RISKY: Final = timedelta(minutes=30)
"""So long before a link ends, a file that is not copied yet is at risk."""

KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 200


def note(events: Iterable[Event]) -> None:
    """Put these into the outbox, and have them told after the commit. What was noted before is not noted again."""
    events = list(events)
    if events:
        Event.objects.bulk_create(events, ignore_conflicts=True)
        enqueue("lumaboard.news.jobs.spread")


def note_risks(*, now: datetime) -> None:
    """Note every file that is not copied and whose link ends soon, once for each.

    A copy that keeps failing is noted by the archive, under the same name.
    """
    told = Event.objects.filter(generation=OuterRef("pk"), kind=EventKind.AT_RISK)
    in_danger = Generation.objects.filter(
        IsToCopy("copy_state"),
        ~Exists(told),
        Q(upstream_created_at=None) | ~Q(created_at=F("upstream_created_at")),  # of the past nobody is told
        trashed_at=None,
        link_expires_at__gt=now,
        link_expires_at__lte=now + RISKY,
    )
    with transaction.atomic():
        note(
            Event(workspace_id=workspace_id, kind=EventKind.AT_RISK, generation_id=pk, at=now)
            for pk, workspace_id in in_danger.values_list("pk", "workspace_id").order_by("pk")[:_AT_ONCE]
        )


def forget(*, now: datetime) -> None:
    """Forget what happened long ago, with all that was told of it; in batches, so that nobody waits."""
    old_events = Event.objects.filter(at__lte=now - KEPT).order_by("at", "pk")
    while keys := list(old_events.values_list("pk", flat=True)[:_AT_ONCE]):
        Event.objects.filter(pk__in=keys).delete()
    old_batches = Batch.objects.filter(created_at__lte=now - KEPT).order_by("created_at", "pk")
    while keys := list(old_batches.values_list("pk", flat=True)[:_AT_ONCE]):
        Batch.objects.filter(pk__in=keys).delete()
