"""Notes that people write on a generation: write, change, delete, bring back.

Each is one transaction, under the lock of the workspace's change counter, and shows at once on every page of the generation.
Who may is asked by the view before; these functions trust their caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from lumaboard.audit.operations import record
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import ACT_COLUMNS, Act, Generation
from lumaboard.generations.remarks import Note

LONGEST: Final = 2000
_KEPT: Final = timedelta(days=1)
"""So long a deleted note can be brought back."""


def write(generation: Generation, text: str, *, author_id: int, now: datetime) -> Note:
    with _changing(generation, "note.written", actor_id=author_id, now=now):
        return Note.objects.create(generation=generation, author_id=author_id, text=text, created_at=now)


def change(note: Note, text: str, *, now: datetime) -> None:
    """Give a note another text; the same one again changes nothing."""
    if note.text == text or note.author_id is None:
        return
    with _changing(note.generation, "note.changed", actor_id=note.author_id, now=now):
        Note.objects.filter(pk=note.pk).update(text=text, edited_at=now)


def delete(note: Note, *, actor_id: int, now: datetime) -> None:
    """Take a note off the page; one that is off it already stays as it was deleted."""
    with _changing(note.generation, "note.deleted", actor_id=actor_id, now=now):
        if not Note.objects.present().filter(pk=note.pk).update(deleted_at=now, deleted_by=actor_id):
            raise _NothingToDo


def bring_back(note: Note, *, actor_id: int, now: datetime) -> None:
    """Put a deleted note back on the page; one that is on it already stays."""
    with _changing(note.generation, "note.brought_back", actor_id=actor_id, now=now):
        deleted = Note.objects.filter(pk=note.pk, deleted_at__isnull=False)
        if not deleted.update(deleted_at=None, deleted_by=None):
            raise _NothingToDo


def forget_deleted(*, now: datetime) -> None:
    """Remove the notes that were deleted a day ago; nobody sees them any more."""
    Note.objects.filter(deleted_at__lt=now - _KEPT).delete()


class _NothingToDo(Exception):
    """Somebody else, or the same click twice, did it already."""


@contextmanager
def _changing(generation: Generation, verb: str, *, actor_id: int, now: datetime) -> Iterator[None]:
    """Change notes inside; then count them, show the change, and record it. The audit row does not hold what was written.

    `_NothingToDo` raised inside ends it there, as if it had not begun.
    """
    with suppress(_NothingToDo), transaction.atomic():
        seq = raise_seq(generation.workspace_id)
        row = Generation.objects.select_for_update().get(pk=generation.pk)
        yield
        row.note_count = Note.objects.present().filter(generation=row).count()
        row.seq, row.rev = seq, row.rev + 1
        row.note_act(Act.NOTED, actor_id=actor_id, at=now)
        row.save(update_fields=["note_count", "seq", "rev", *ACT_COLUMNS])
        record(verb, workspace_id=row.workspace_id, actor_id=actor_id, target=row)
