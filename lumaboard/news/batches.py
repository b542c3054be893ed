"""What was asked for together: begun when it is, and done when the last of it is settled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from lumaboard.generations.models import PENDING
from lumaboard.news.models import Batch, BatchMember, Event, EventKind
from lumaboard.news.outbox import note

LEAST = 2
"""Fewer are no batch: the generation itself is news enough."""


def begin(
    workspace_id: int,
    *,
    created_by_id: int | None,
    wanted_count: int,
    is_private: bool = False,
    uid: UUID | None = None,
    now: datetime,
) -> Batch | None:
    """Expect so many generations; None where they are too few to be a batch.

    `uid` is the token of an order; twice with the same of one person is once.
    """
    if wanted_count < LEAST:
        return None
    batch, _is_new = Batch.objects.get_or_create(
        workspace_id=workspace_id,
        created_by_id=created_by_id,
        uid=uid or uuid4(),
        defaults={
            "is_order": uid is not None,
            "wanted_count": wanted_count,
            "is_private": is_private,
            "created_at": now,
        },
    )
    return batch


def join(batch_id: int, generation_ids: Iterable[int]) -> None:
    """Say which generations these became; one that belongs to a batch already stays there. Twice is once."""
    BatchMember.objects.bulk_create(
        [BatchMember(batch_id=batch_id, generation_id=pk) for pk in generation_ids],
        ignore_conflicts=True,
        batch_size=500,
    )


def gather(
    workspace_id: int,
    generation_ids: Sequence[int],
    *,
    created_by_id: int | None,
    is_private: bool = False,
    now: datetime,
) -> None:
    """Make a batch of generations that are there already."""
    with transaction.atomic():
        batch = begin(
            workspace_id,
            created_by_id=created_by_id,
            wanted_count=len(generation_ids),
            is_private=is_private,
            now=now,
        )
        if batch is not None:
            join(batch.pk, generation_ids)
            close_done([batch.pk], now=now)


def expect_one_less(batch_id: int, *, now: datetime) -> None:
    """One of the batch will never come: it was refused, or let go."""
    Batch.objects.filter(pk=batch_id, wanted_count__gt=0).update(wanted_count=F("wanted_count") - 1)
    close_done([batch_id], now=now)


def close_done_with(generation_ids: Collection[int], *, now: datetime) -> None:
    """Close the batches that became complete when these generations settled; one query where there are none."""
    open_ids = Batch.objects.filter(done_at=None, members__generation__in=generation_ids).values_list("pk", flat=True)
    close_done(open_ids.distinct(), now=now)


def close_done(batch_ids: Iterable[int], *, now: datetime) -> None:
    """Close those of these batches that are complete, and note each once; a batch that nothing came of is closed in silence."""
    for batch_id in batch_ids:
        with transaction.atomic():
            batch = Batch.objects.select_for_update().filter(pk=batch_id, done_at=None).first()
            if batch is None:
                continue
            members = batch.members.all()
            come = members.count()
            if come < batch.wanted_count or members.filter(generation__state__in=PENDING).exists():
                continue
            batch.done_at = now
            batch.save(update_fields=["done_at"])
            if come:
                note([Event(workspace_id=batch.workspace_id, kind=EventKind.BATCH_DONE, batch=batch, at=now)])
