"""The counts on screen, and the cursor of the change feed: both written in the transaction of the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import models
from django.db.models import F, Q

from lumaboard.accounts.models import Workspace
from lumaboard.generations.counters import Count
from lumaboard.generations.models import CopyState, Generation, State


class Bucket(models.TextChoices):
    """What is counted. A generation lies in exactly one of the first six, and may lie in the last two beside."""

    QUEUED = "queued"
    RUNNING = "running"
    SAVING = "saving"
    READY = "ready"
    FAILED = "failed"
    TRASH = "trash"
    ATTENTION = "attention"
    SAFE = "safe"


PRESENT = (Bucket.QUEUED, Bucket.RUNNING, Bucket.SAVING, Bucket.READY, Bucket.FAILED)


def buckets_of(*, state: str, copy_state: str, attention: str, is_trashed: bool) -> frozenset[Bucket]:
    """Say in which buckets a generation with these columns is counted."""
    if is_trashed:
        return frozenset({Bucket.TRASH})
    buckets = set()
    if state == State.SUCCEEDED:
        settled_copy = copy_state in (CopyState.ARCHIVED, CopyState.LOST)
        buckets.add(Bucket.READY if settled_copy else Bucket.SAVING)
    else:
        buckets.add(Bucket(state))
    if attention:
        buckets.add(Bucket.ATTENTION)
    if copy_state == CopyState.ARCHIVED:
        buckets.add(Bucket.SAFE)
    return frozenset(buckets)


class Cell(NamedTuple):
    """One count: of a bucket, in shared work or (with an owner) in that person's private work."""

    owner_id: int | None
    bucket: Bucket


def cells_of(buckets: Iterable[Bucket], *, private_to: int | None) -> frozenset[Cell]:
    """Say which counts these buckets stand for, of shared work or of one person's private work."""
    return frozenset(Cell(private_to, bucket) for bucket in buckets)


def cells_of_row(generation: Generation) -> frozenset[Cell]:
    """Say in which counts this generation is."""
    buckets = buckets_of(
        state=generation.state,
        copy_state=generation.copy_state,
        attention=generation.attention,
        is_trashed=generation.trashed_at is not None,
    )
    return cells_of(buckets, private_to=generation.private_to)


def add_counts(workspace_id: int, changes: Mapping[Cell, int]) -> None:
    """Add these differences to the workspace's counts; call it inside the transaction of the change.

    Rows are touched in a fixed order, so that two transactions cannot wait for each other.
    """
    changed = (cell for cell, difference in changes.items() if difference)
    for cell in sorted(changed, key=lambda cell: (cell.owner_id or 0, cell.bucket)):
        rows = Count.objects.filter(workspace_id=workspace_id, owner=cell.owner_id, bucket=cell.bucket)
        if not rows.update(total=F("total") + changes[cell]):
            Count.objects.create(
                workspace_id=workspace_id, owner_id=cell.owner_id, bucket=cell.bucket, total=changes[cell]
            )


def difference(before: frozenset[Cell], after: frozenset[Cell]) -> Counter[Cell]:
    """Say what a move from one set of counts to another changes; differences may be added up."""
    changes: Counter[Cell] = Counter()
    changes.update(after - before)
    changes.subtract(before - after)
    return changes


def counts_of(workspace_id: int, *, seen_by: int | None = None) -> dict[Bucket, int]:
    """Read the counts of a workspace's shared work, or what one person sees; one query, buckets without a row are 0."""
    seen = Q(owner=None) if seen_by is None else Q(owner=None) | Q(owner=seen_by)
    return summed(Count.objects.filter(seen, workspace_id=workspace_id).values_list("bucket", "total"))


def counts_of_everything(workspace_id: int) -> dict[Bucket, int]:
    """Read the counts of shared work and everybody's private work together, for totals in which nobody's is told apart."""
    return summed(Count.objects.filter(workspace_id=workspace_id).values_list("bucket", "total"))


def summed(rows: Iterable[tuple[str, int]]) -> dict[Bucket, int]:
    """Add up counts by bucket, with 0 where there are none."""
    totals = dict.fromkeys(Bucket, 0)
    for bucket, total in rows:
        totals[Bucket(bucket)] += total
    return totals


def raise_seq(workspace_id: int) -> int:
    """Raise the workspace's change counter and return it; the row stays locked until the transaction ends.

    Call it first in a transaction that changes what viewers see: transactions of one workspace then happen one after the
    other, and a page that saw a number has seen all that lies below it.
    """
    Workspace.objects.filter(pk=workspace_id).update(seq=F("seq") + 1)
    return Workspace.objects.values_list("seq", flat=True).get(pk=workspace_id)
