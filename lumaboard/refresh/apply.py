"""Write what was heard: a chunk of outcomes in one short transaction."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from lumaboard.archive.links import as_stored
from lumaboard.connections.models import Connection
from lumaboard.core.bulk import update_rows
from lumaboard.core.queue import enqueue
from lumaboard.core.transactions import forgettable
from lumaboard.generations.counts import Cell, add_counts, buckets_of, cells_of, cells_of_row, difference, raise_seq
from lumaboard.generations.models import (
    SETTLED,
    Asset,
    Cause,
    CopyState,
    Generation,
    RawAnswer,
    Transition,
)
from lumaboard.news.batches import close_done_with
from lumaboard.news.hooks.callbacks import cleaned, note_changes
from lumaboard.news.models import Event, EventKind
from lumaboard.news.outbox import note
from lumaboard.refresh.decide import Change, Heard, decide

MayFlag = Callable[[Connection], bool]


class _RowsMoved(Exception):
    """Somebody changed one of the rows since it was read."""


@dataclass(frozen=True, slots=True)
class _Item:
    row: Generation
    heard: Heard
    change: Change


def apply(
    chunk: Sequence[Heard],
    *,
    now: datetime,
    may_flag_missing: MayFlag = lambda connection: True,
    draw: Callable[[], float] = random.random,
) -> int:
    """Apply these outcomes, at most one for each generation, and say how many cards changed. Twice is the same as once.

    First with the rows as they were claimed, so that the transaction holds nothing but writes. Where a person changed one
    of them meanwhile, nothing is written, and it is done again on rows read under lock.
    """

    def decided(row: Generation, heard: Heard) -> _Item:
        may_flag = may_flag_missing(heard.claim.connection)
        return _Item(row, heard, decide(row, heard, now=now, draw=draw(), may_flag_missing=may_flag))

    chunk = sorted(map(_without_ours, chunk), key=lambda heard: heard.claim.row.pk)
    items = [decided(heard.claim.row, heard) for heard in chunk]
    try:
        with transaction.atomic() if any(item.change.is_visible for item in items) else forgettable():
            seqs = _raise_seqs(item.row.workspace_id for item in items if item.change.is_visible)
            return _write(items, seqs, now=now)
    except _RowsMoved:
        with transaction.atomic():
            seqs = _raise_seqs(heard.claim.row.workspace_id for heard in chunk)
            pks = [heard.claim.row.pk for heard in chunk]
            rows = {row.pk: row for row in Generation.objects.select_for_update().filter(pk__in=pks).order_by("pk")}
            items = [decided(rows[pk], heard) for pk, heard in zip(pks, chunk, strict=True) if pk in rows]
            return _write(items, seqs, now=now)


def _without_ours(heard: Heard) -> Heard:
    """Put the program's own address where upstream was given one of ours, so that no record holds it."""
    if heard.snapshot is None:
        return heard
    return replace(heard, snapshot=cleaned(heard.snapshot, workspace_id=heard.claim.row.workspace_id))


def _raise_seqs(workspace_ids: Iterable[int]) -> dict[int, int]:
    """Raise the change counters, in a fixed order, so that two transactions cannot wait for each other."""
    return {workspace_id: raise_seq(workspace_id) for workspace_id in sorted(set(workspace_ids))}


def _write(items: Sequence[_Item], seqs: dict[int, int], *, now: datetime) -> int:
    quiet = [item for item in items if item.change.fields and not item.change.is_visible]
    loud = [item for item in items if item.change.is_visible]
    _write_columns(quiet, {})
    if _write_columns(loud, seqs) != len(loud):
        raise _RowsMoved
    numbers = _write_transitions([item for item in loud if item.change.moves_state])
    if numbers:
        note_changes(numbers, now=now)
    _write_raw_answers([item for item in items if item.change.raw is not None])
    _write_counts(loud)
    _write_assets([item for item in loud if item.change.files], now=now)
    _note_settled([item for item in loud if item.change.fields.get("state") in SETTLED], numbers, now=now)
    return len(loud)


def _write_columns(items: Sequence[_Item], seqs: dict[int, int]) -> int:
    """Write the columns that differ, one statement for each set of columns; rows with another `rev` by now are left alone.

    What nobody sees is dropped silently then: the row has already been given its next time by whoever changed it.
    """
    groups: defaultdict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for item in items:
        fields = dict(item.change.fields)
        if item.change.is_visible:
            fields.update(seq=seqs[item.row.workspace_id], rev=item.row.rev + 1)
            guards: tuple[Any, ...] = (item.row.rev,)
        else:
            guards = (item.row.rev, item.row.lease)
        names = tuple(sorted(fields))
        groups[names].append((item.row.pk, *(fields[name] for name in names), *guards))
    return sum(
        update_rows(Generation, names, rows, guards=("rev",) if "rev" in names else ("rev", "lease"))
        for names, rows in groups.items()
    )


def _write_transitions(items: Sequence[_Item]) -> dict[int, int]:
    """Note each change of state under the next number, and give those numbers by generation.

    `rev` has just been won, so nobody else numbers these rows.
    """
    if not items:
        return {}
    numbered = Transition.objects.filter(generation__in=[item.row.pk for item in items]).order_by()
    last = dict(numbered.values_list("generation").annotate(Max("number")))
    numbers = {item.row.pk: last.get(item.row.pk, 0) + 1 for item in items}
    Transition.objects.bulk_create(
        Transition(
            generation_id=item.row.pk,
            number=numbers[item.row.pk],
            from_state=item.row.state,
            to_state=item.change.fields["state"],
            upstream_state=item.change.fields.get("upstream_state", item.row.upstream_state),
            cause=Cause.REFRESH,
            at=item.heard.heard_at,
        )
        for item in items
    )
    return numbers


def _note_settled(items: Sequence[_Item], numbers: Mapping[int, int], *, now: datetime) -> None:
    """Put what has settled into the outbox, and close the batches that became complete by it."""
    if not items:
        return
    note(
        Event(
            workspace_id=item.row.workspace_id,
            kind=EventKind(item.change.fields["state"]),
            generation_id=item.row.pk,
            number=numbers[item.row.pk],
            at=item.heard.heard_at,
        )
        for item in items
        if not (
            item.row.is_of_the_past and item.row.applied_at is None
        )  # it had settled before anybody here knew of it
    )
    close_done_with([item.row.pk for item in items], now=now)


def _write_raw_answers(items: Sequence[_Item]) -> None:
    RawAnswer.objects.bulk_create(
        [
            RawAnswer(generation_id=item.row.pk, body=item.change.raw or "", received_at=item.heard.heard_at)
            for item in items
        ],
        update_conflicts=True,
        unique_fields=["generation"],
        update_fields=["body", "received_at"],
    )


def _write_counts(items: Sequence[_Item]) -> None:
    by_workspace: defaultdict[int, Counter[Cell]] = defaultdict(Counter)
    for item in items:
        after = {name: item.change.fields.get(name, getattr(item.row, name)) for name in _COUNTED}
        buckets = buckets_of(**after, is_trashed=item.row.trashed_at is not None)
        now_in = cells_of(buckets, private_to=item.row.private_to)
        by_workspace[item.row.workspace_id].update(difference(cells_of_row(item.row), now_in))
    for workspace_id, changes in sorted(by_workspace.items()):
        add_counts(workspace_id, changes)


_COUNTED = ("state", "copy_state", "attention")


def _write_assets(items: Sequence[_Item], *, now: datetime) -> None:
    """Ask for a copy of every file upstream offers, and wake the archive once for all of them."""
    if not items:
        return
    Asset.objects.bulk_create(
        [
            Asset(
                generation_id=item.row.pk,
                role=file.role,
                copy_state=CopyState.WANTED,
                links=as_stored(file.links),
                expires_at=file.links[0].expires_at if file.links else None,
                next_copy_at=now,
                width=file.width,
                height=file.height,
                duration_s=file.duration_s,
            )
            for item in items
            for file in item.change.files
        ],
        update_conflicts=True,
        unique_fields=["generation", "role"],
        update_fields=["links", "expires_at", "next_copy_at"],
    )
    enqueue("lumaboard.archive.jobs.copy_due", cluster="archive")
