"""What came of what: written down when a submission becomes a generation, and read for whoever may see both ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from django.db.models import Q

from lumaboard.generations.models import Generation
from lumaboard.submission.models import Intent, Kinship, Lineage
from lumaboard.upstream.fields import identifier, mapping

MOST_RELATIVES: Final = 24
_MOST_WORDS: Final = 1_000
"""Beyond that a comparison takes longer than anybody waits for a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A generation at the other end, and what lies between."""

    generation: Generation
    kind: Kinship


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of words that both prompts have (`same`), or that was taken out (`del`) or put in (`ins`)."""

    kind: str
    text: str


def note_origins(intent: Intent, *, child_id: int, asked: Mapping[str, Any]) -> None:
    """Write down what a new generation came of: what its maker said, and what its request names. Twice is once.

    Only what the maker may see counts: a guessed id of somebody's private work leads nowhere.
    """
    said = {(number, kind) for number, kind in intent.made_from if isinstance(number, int)}
    named = dict(_named_in(asked))
    seen = Generation.objects.in_workspace(intent.workspace_id)
    seen = seen.visible_to(intent.created_by_id) if intent.created_by_id else seen.filter(is_private=False)
    meant = Q(pk__in=[number for number, _kind in said])
    meant |= Q(connection=intent.connection_id, task_id__in=list(named.values()))
    rows = seen.filter(meant).exclude(pk=child_id)
    by_task, present = {}, set()
    for pk, connection_id, task_id in rows.values_list("pk", "connection_id", "task_id"):
        present.add(pk)
        if connection_id == intent.connection_id:
            by_task[task_id] = pk
    kin = {(number, kind) for number, kind in said if number in present and kind in Kinship.values}
    kin |= {(by_task[task_id], kind) for kind, task_id in named.items() if task_id in by_task}
    Lineage.objects.bulk_create(
        [Lineage(parent_id=parent_id, child_id=child_id, kind=kind) for parent_id, kind in sorted(kin)],
        ignore_conflicts=True,
    )


def made_anew(source: Generation, prompt: str) -> tuple[int, Kinship]:
    """What a wish that took over another generation's comes of: made again where it says the same, else varied."""
    is_same = " ".join(source.prompt.split()) == " ".join(prompt.split())
    return source.pk, Kinship.AGAIN if is_same else Kinship.VARY


def origins_of(generation: Generation, *, seen_by: int) -> list[Relative]:
    """What it came of, as far as this person may know; one query."""
    return _relatives(generation, "parent", "child", seen_by=seen_by)


def offspring_of(generation: Generation, *, seen_by: int) -> list[Relative]:
    """What came of it, newest first, as far as this person may know; one query."""
    return _relatives(generation, "child", "parent", seen_by=seen_by)


def difference(before: str, after: str) -> list[Piece]:
    """Compare two prompts word by word; nothing where they are the same, or too long to compare."""
    old, new = before.split(), after.split()
    if old == new or max(len(old), len(new)) > _MOST_WORDS:
        return []
    pieces = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", " ".join(old[old_from:old_to])))
            continue
        if old_to > old_from:
            pieces.append(Piece("del", " ".join(old[old_from:old_to])))
        if new_to > new_from:
            pieces.append(Piece("ins", " ".join(new[new_from:new_to])))
    return pieces


def _named_in(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the kinship and the task id of each generation that a request continues or leads into."""
    keyframes = mapping(asked.get("keyframes"))
    for name, kind in (("frame0", Kinship.EXTEND), ("frame1", Kinship.REVERSE)):
        frame = mapping(keyframes.get(name))
        task_id = identifier(frame.get("id"))
        if frame.get("type") == "generation" and task_id:
            yield kind, task_id


def _relatives(generation: Generation, end: str, own: str, *, seen_by: int) -> list[Relative]:
    visible = Q(**{f"{end}__is_private": False}) | Q(**{f"{end}__created_by": seen_by})
    rows = Lineage.objects.filter(visible, **{own: generation, f"{end}__trashed_at": None})
    rows = rows.select_related(end, f"{end}__created_by").order_by(f"-{end}_id", "id")[:MOST_RELATIVES]
    return [Relative(generation=getattr(row, end), kind=Kinship(row.kind)) for row in rows]
