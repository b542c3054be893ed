"""What people do with generations: track, rename, trash, restore, check now.

Each operation is one transaction: rows, transitions, counts, the change counter and the audit row land together or not
at all. Who may is asked by the view before; these functions trust their caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from lumaboard.audit.operations import change_readers, keep_to, record
from lumaboard.connections.models import Connection
from lumaboard.core.queue import enqueue
from lumaboard.generations.counters import Wait
from lumaboard.generations.counts import Bucket, Cell, add_counts, cells_of_row, difference, raise_seq
from lumaboard.generations.models import (
    ACT_COLUMNS,
    PENDING,
    SETTLED,
    Act,
    Attention,
    Cause,
    Generation,
    State,
    Transition,
)
from lumaboard.generations.naming import name_of
from lumaboard.generations.remarks import Favourite

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """One generation that somebody wants tracked: the id, and what is known about it already.

    `made_at` is given for what belongs to the past: it then stands in the gallery where it would stand had it been
    tracked when it was made.
    """

    task_id: str
    prompt: str = ""
    model: str = ""
    aspect_ratio: str = ""
    resolution: str = ""
    request: dict[str, Any] | None = None
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tracked:
    """What tracking did: the new rows' keys, and how many were here before."""

    created: tuple[int, ...]
    known_count: int


def track(
    connection: Connection,
    wanted: Iterable[Wanted],
    *,
    created_by_id: int | None,
    is_private: bool = False,
    act: Act = Act.TRACKED,
    verb: str = "",
    now: datetime,
) -> Tracked:
    """Begin to watch these generations; twice is once. The first look upstream is queued at once.

    `act` tells whether somebody tracked what was made elsewhere, or submitted it here; `verb` is what the audit row says, if
    it says more. Either way a generation begins as queued: its state comes only from asking about it.

    A generation that lies in the trash is known, and stays there; so is one that a colleague keeps private. Private
    work needs an owner. Cost: a handful of statements per 500 ids.
    """
    by_id = {item.task_id: item for item in wanted}
    created: list[int] = []
    ids = list(by_id)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        created.extend(
            _track_chunk(
                connection,
                [by_id[i] for i in chunk],
                created_by_id=created_by_id,
                is_private=is_private,
                act=act,
                verb=verb or act.value,
                now=now,
            )
        )
    if created:
        enqueue("lumaboard.refresh.jobs.refresh_due")
    return Tracked(created=tuple(created), known_count=len(by_id) - len(created))


def _track_chunk(
    connection: Connection,
    wanted: Sequence[Wanted],
    *,
    created_by_id: int | None,
    is_private: bool,
    act: Act,
    verb: str,
    now: datetime,
) -> list[int]:
    workspace_id = connection.workspace_id
    with transaction.atomic():
        seq = raise_seq(workspace_id)  # from here on nobody else tracks in this workspace
        task_ids = [item.task_id for item in wanted]
        rows = Generation.objects.filter(connection=connection, task_id__in=task_ids)
        known = set(rows.values_list("task_id", flat=True))
        wait = Wait.objects.filter(workspace_id=workspace_id, connection_kind=connection.kind).first()
        new = [
            Generation(
                workspace_id=workspace_id,
                connection=connection,
                created_by_id=created_by_id,
                is_private=is_private,
                acted_by_id=created_by_id,
                act=act if created_by_id else None,
                acted_at=now if created_by_id else None,
                task_id=item.task_id,
                prompt=item.prompt,
                model=item.model[:80],
                aspect_ratio=item.aspect_ratio[:20],
                resolution=item.resolution[:20],
                request=item.request,
                created_at=min(item.made_at or now, now),
                upstream_created_at=item.made_at,
                next_refresh_at=now,
                seq=seq,
                usual_low_s=wait.low_s if wait else None,
                usual_high_s=wait.high_s if wait else None,
                usual_p90_s=wait.p90_s if wait else None,
            )
            for item in wanted
            if item.task_id not in known
        ]
        created = Generation.objects.bulk_create(new)
        Transition.objects.bulk_create(
            Transition(generation=row, number=1, from_state="", to_state=State.QUEUED, cause=Cause.TRACKED, at=now)
            for row in created
        )
        if created:
            add_counts(workspace_id, {Cell(created[0].private_to, Bucket.QUEUED): len(created)})
            told = record(
                verb,
                workspace_id=workspace_id,
                actor_id=created_by_id,
                target=created[0] if len(created) == 1 else connection,
                generation_count=len(created),
            )
            if created_by_id is not None and is_private:
                keep_to(told, created_by_id)
    return [row.pk for row in created]


def rename(generation: Generation, title: str, *, actor_id: int, now: datetime) -> None:
    """Give a generation a title of our own; an empty one shows the prompt again."""
    with transaction.atomic():
        seq = raise_seq(generation.workspace_id)
        row = Generation.objects.select_for_update().get(pk=generation.pk)
        old = name_of(row)
        row.title, row.seq, row.rev = title, seq, row.rev + 1
        row.note_act(Act.RENAMED, actor_id=actor_id, at=now)
        row.save(update_fields=["title", "seq", "rev", *ACT_COLUMNS])
        verb = "rename" if title else "untitle"
        record(
            verb,
            workspace_id=row.workspace_id,
            actor_id=actor_id,
            target=row,
            old=old,
            new=name_of(row),
        )
    generation.title, generation.rev, generation.seq = row.title, row.rev, row.seq


def set_private(generation: Generation, *, is_private: bool, actor_id: int, now: datetime) -> None:
    """Keep a generation to its owner alone, or share it with the workspace. Twice is once."""
    with transaction.atomic():
        seq = raise_seq(generation.workspace_id)
        row = Generation.objects.select_for_update().get(pk=generation.pk)
        if row.is_private == is_private:
            return
        before = cells_of_row(row)
        row.is_private, row.privacy_seq, row.seq, row.rev = is_private, seq, seq, row.rev + 1
        act = Act.MADE_PRIVATE if is_private else Act.MADE_SHARED
        row.note_act(act, actor_id=actor_id, at=now)
        row.save(update_fields=["is_private", "privacy_seq", "seq", "rev", *ACT_COLUMNS])
        add_counts(row.workspace_id, difference(before, cells_of_row(row)))
        record(act.value, workspace_id=row.workspace_id, actor_id=actor_id, target=row)
        change_readers(row)


def trash(generations: Iterable[Generation], *, actor_id: int, now: datetime) -> int:
    """Move these to the trash; they are watched and kept as before, and `restore` brings them back. Twice is once."""
    return _move(generations, is_trashed=True, verb="trash", actor_id=actor_id, now=now)


def restore(generations: Iterable[Generation], *, actor_id: int, now: datetime) -> int:
    """Bring these back from the trash, and ask again about those that were stopped. Twice is once."""
    generations = list(generations)
    with transaction.atomic():
        moved = _move(generations, is_trashed=False, verb="restore", actor_id=actor_id, now=now)
        if moved:
            stopped = Generation.objects.filter(pk__in=[row.pk for row in generations], next_refresh_at=None)
            stopped.filter(state__in=PENDING).exclude(attention=Attention.PARKED).update(next_refresh_at=now)
    return moved


def _move(generations: Iterable[Generation], *, is_trashed: bool, verb: str, actor_id: int, now: datetime) -> int:
    moved = 0
    by_workspace: dict[int, list[int]] = {}
    for generation in generations:
        by_workspace.setdefault(generation.workspace_id, []).append(generation.pk)
    for workspace_id, pks in sorted(by_workspace.items()):
        with transaction.atomic():
            seq = raise_seq(workspace_id)
            rows = Generation.objects.select_for_update().filter(pk__in=pks, trashed_at__isnull=is_trashed)
            changes: Counter[Cell] = Counter()
            for row in rows:
                before = cells_of_row(row)
                row.trashed_at, row.seq, row.rev = now if is_trashed else None, seq, row.rev + 1
                row.note_act(Act.TRASHED if is_trashed else Act.RESTORED, actor_id=actor_id, at=now)
                row.save(update_fields=["trashed_at", "seq", "rev", *ACT_COLUMNS])
                changes.update(difference(before, cells_of_row(row)))
                record(verb, workspace_id=workspace_id, actor_id=actor_id, target=row)
                moved += 1
            add_counts(workspace_id, changes)
    return moved


def check_now(generation: Generation, *, actor_id: int, now: datetime, may_reopen: bool = False) -> bool:
    """Ask upstream again at once: a pending one early, a parked or missing one awake, a failed one once more by hand.

    A failed generation becomes due again only for this one asking, which is the recorded manual act by which a settled
    state may change. `may_reopen` says that whoever asks has seen that it failed: on a page of a moment ago it may still
    run. False, with nothing done, where there is nothing to ask.
    """
    with transaction.atomic():
        seq = raise_seq(generation.workspace_id)
        row = Generation.objects.select_for_update().get(pk=generation.pk)
        before = cells_of_row(row)
        if row.state == State.FAILED and may_reopen:
            _reopen(row, now=now)
        if row.is_settled:
            return False
        row.next_refresh_at = now
        if row.attention in (Attention.PARKED, Attention.MISSING):
            row.attention = ""
            row.not_found_count, row.not_found_since = 0, None
        row.seq, row.rev = seq, row.rev + 1
        row.note_act(Act.CHECKED, actor_id=actor_id, at=now)
        row.save()
        add_counts(row.workspace_id, difference(before, cells_of_row(row)))
        record("check_now", workspace_id=row.workspace_id, actor_id=actor_id, target=row)
        enqueue("lumaboard.refresh.jobs.refresh_due")
        return True


def _reopen(row: Generation, *, now: datetime) -> None:
    last = row.transitions.order_by("-number").first()
    Transition.objects.create(
        generation=row,
        number=last.number + 1 if last else 1,
        from_state=row.state,
        to_state=State.RUNNING,
        cause=Cause.PERSON,
        at=now,
    )
    row.state, row.settled_at = State.RUNNING, None
    row.failure_kind = row.failure_reason = ""
    row.answer_digest = ""


def stop_tracking(generation: Generation, *, actor_id: int, now: datetime) -> None:
    """Ask upstream no more about a pending generation and move it to the trash; `restore` and `check_now` undo it."""
    with transaction.atomic():
        Generation.objects.filter(pk=generation.pk).exclude(state__in=SETTLED).update(next_refresh_at=None)
        _move([generation], is_trashed=True, verb="stop_tracking", actor_id=actor_id, now=now)


def set_favourite(generation: Generation, *, is_favourite: bool, user_id: int) -> None:
    """Give a generation this person's star, or take it back. Nobody else sees it, so nothing else changes. Twice is once."""
    if is_favourite:
        Favourite.objects.bulk_create([Favourite(user_id=user_id, generation=generation)], ignore_conflicts=True)
    else:
        Favourite.objects.filter(user=user_id, generation=generation).delete()
