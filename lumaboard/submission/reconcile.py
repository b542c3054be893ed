"""What came of requests whose answer was lost: found in upstream's list of what was made, where it has one.

A generation answers a request when it echoes what was asked, came about at that time and belongs to no other request. Where
more than one could be meant, a person chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from lumaboard.connections.budget import askable, take_call
from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.connections.outcomes import Book
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.querysets import CLOCK_SLACK
from lumaboard.submission.models import Intent, IntentState
from lumaboard.submission.settling import accept, asked_of, expect_no_more, first_look
from lumaboard.upstream.client import Client
from lumaboard.upstream.creates import generation_type_of
from lumaboard.upstream.errors import UpstreamError
from lumaboard.upstream.types import Snapshot

STALE_AFTER: Final = timedelta(seconds=120)
"""A sending that has no outcome after so long has lost its process: an exchange takes 90 s at most."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
LONGEST_EXCHANGE: Final = timedelta(seconds=90)
NOT_MADE_AFTER: Final = timedelta(minutes=15)
"""What upstream's list does not hold by then was not made."""

GIVE_UP_AFTER: Final = timedelta(hours=24)
_SOONEST = timedelta(seconds=30)
_PAGE, _MOST_PAGES = 100, 20
_BUDGET_SECONDS = 20.0
_MOST_CANDIDATES = 20
_NOT_ECHOED: Final = frozenset({"callback_url", "generation_type"})


def settle_stale(*, now: datetime) -> int:
    """Call every sending whose process died unknown, and say how many those were. Twice is once."""
    settled = 0
    stale = Intent.objects.open().filter(
        Q(sent_at__lte=now - STALE_AFTER) | Q(sent_at__gt=now + CLOCK_SLACK), state=IntentState.SENDING
    )
    for intent in stale.select_related("connection").order_by("pk"):
        with transaction.atomic():
            raise_seq(intent.workspace_id)
            settled += Intent.objects.filter(pk=intent.pk, state=IntentState.SENDING).update(
                state=IntentState.UNKNOWN,
                error_kind="interrupted",
                error_text="Lumaboard was interrupted before the answer came.",
                next_look_at=first_look(intent, now=now),
            )
    return settled


def look_for_due(*, clock: Callable[[], datetime], seconds: float = _BUDGET_SECONDS) -> None:
    """Look through the list of every connection with something to look for, within its budget of calls."""
    ends_at = monotonic() + seconds
    now = clock()
    due = Intent.objects.open().filter(state=IntentState.UNKNOWN, next_look_at__lte=now)
    ready = askable(Connection.objects.filter(pk__in=due.values("connection")), now).filter(pause_reason="")
    for connection in ready.order_by("pk"):
        if monotonic() >= ends_at:
            return
        look(connection, clock=clock)


def look(connection: Connection, *, clock: Callable[[], datetime]) -> None:
    """Look once for everything of this connection whose outcome is unknown."""
    now = clock()
    lost = Intent.objects.open().filter(connection=connection, state=IntentState.UNKNOWN)
    intents = list(lost.exclude(next_look_at=None).select_related("connection").order_by("sent_at", "pk"))
    if not intents:
        return
    since = min(_window(intent)[0] for intent in intents)
    try:
        listed = _listed(client_for(connection), connection, since=since, clock=clock)
    except (UpstreamError, KeyUnreadable):
        listed = None
    if listed is None:  # upstream did not tell everything: next time
        _postpone(intents, now=now)
        return
    under_way = Intent.objects.open().filter(connection=connection, state=IntentState.SENDING)
    taken = set(
        Intent.objects.filter(connection=connection, task_id__in=[one.task_id for one in listed]).values_list(
            "task_id", flat=True
        )
    )
    free = [one for one in listed if one.task_id not in taken]
    for finding in match([*intents, *under_way], free):
        _write(finding, now=now)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look gave for one intent: `found` if it is certain, else what it could be."""

    intent: Intent
    found: Snapshot | None
    candidates: tuple[Snapshot, ...]


def match(intents: Sequence[Intent], listed: Sequence[Snapshot]) -> list[Finding]:
    """Say for each lost intent what answers it. Certain is what no unlike intent could claim as well.

    Of intents that are alike (the same request of the same person) it does not matter which gets which. Intents that are
    on their way claim too, and are given nothing.
    """
    claims = {intent.pk: [one for one in listed if answers(intent, one)] for intent in intents}
    findings: dict[int, Finding] = {}
    for intent in intents:
        if intent.pk in findings or intent.state == IntentState.SENDING:
            continue
        rivals = _rivals(intent, intents, claims)
        in_order = sorted({one.task_id: one for rival in rivals for one in claims[rival.pk]}.values(), key=_age)
        is_certain = len({_likeness(rival) for rival in rivals}) == 1 and len(in_order) <= len(rivals)
        if not is_certain:
            findings[intent.pk] = Finding(intent, None, tuple(claims[intent.pk]))
            continue
        for number, rival in enumerate(rivals):
            found = in_order[number] if number < len(in_order) else None
            findings[rival.pk] = Finding(rival, found, ())
    return list(findings.values())


def _rivals(intent: Intent, intents: Sequence[Intent], claims: Mapping[int, Sequence[Snapshot]]) -> list[Intent]:
    """Give every intent that claims what this one claims, or what those claim, and so on; itself too if it claims anything."""
    rivals: list[Intent] = []
    wanted, before = {one.task_id for one in claims[intent.pk]}, -1
    while len(wanted) != before:
        before = len(wanted)
        rivals = [other for other in intents if wanted & {one.task_id for one in claims[other.pk]}]
        wanted |= {one.task_id for rival in rivals for one in claims[rival.pk]}
    return rivals


def answers(intent: Intent, snapshot: Snapshot) -> bool:
    """Say whether a generation of upstream's list can have come of this intent, by its time and what it echoes."""
    begins, ends = _window(intent)
    if snapshot.task_id is None or snapshot.created_at is None or not begins <= snapshot.created_at <= ends:
        return False
    asked, echo = asked_of(intent), snapshot.request or {}
    kind = generation_type_of(intent.route)
    if "generation_type" in echo and echo["generation_type"] != kind:
        return False
    prompt = _words(asked.get("prompt"))
    if prompt and prompt != _words(echo.get("prompt") or snapshot.prompt):
        return False
    if not prompt and "generation_type" not in echo:
        return False  # nothing tells it from any other
    return all(_same(value, echo[name]) for name, value in asked.items() if name in echo and name not in _NOT_ECHOED)


def may_have_made(connection: Connection) -> Callable[[Snapshot], bool]:
    """Give a question about what upstream lists: can an open request of this connection have made it?

    Only time decides, so that nothing is taken from a request whose owner is not told yet. One query, made now.
    """
    on_their_way = Intent.objects.open().filter(connection=connection, sent_at__isnull=False)
    windows = [_window(intent) for intent in on_their_way.only("sent_at", "created_at")]

    def is_awaited(snapshot: Snapshot) -> bool:
        made_at = snapshot.created_at
        return any(made_at is None or begins <= made_at <= ends for begins, ends in windows)

    return is_awaited


def _same(asked: object, echoed: object) -> bool:
    if isinstance(asked, str) and isinstance(echoed, str):
        return _words(asked) == _words(echoed)
    return asked == echoed or (not asked and not echoed)


def _words(text: object) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _likeness(intent: Intent) -> tuple[object, ...]:
    return intent.digest, intent.created_by_id, intent.is_private, intent.state


def _age(snapshot: Snapshot) -> tuple[datetime, str]:
    assert snapshot.created_at is not None
    return snapshot.created_at, snapshot.task_id or ""


def _window(intent: Intent) -> tuple[datetime, datetime]:
    """Between which moments, by upstream's clock, it can have come about."""
    sent_at = intent.sent_at or intent.created_at
    return sent_at - CLOCKS_DIFFER, sent_at + LONGEST_EXCHANGE + CLOCKS_DIFFER


def _listed(
    client: Client, connection: Connection, *, since: datetime, clock: Callable[[], datetime]
) -> list[Snapshot] | None:
    """Read the list back to this moment; None where the budget, or the patience, ends before it."""
    found: dict[str, Snapshot] = {}
    book = Book()
    try:
        for number in range(_MOST_PAGES):
            asked_at, started = clock(), monotonic()
            if not take_call(connection, now=asked_at):
                return None
            error: UpstreamError | None = None
            try:
                page = client.list_generations(limit=_PAGE, offset=number * _PAGE)
            except UpstreamError as upstream_error:
                error = upstream_error
                raise
            finally:
                heard_at = clock()
                book.add(connection, error, asked_at=asked_at, heard_at=heard_at, seconds=monotonic() - started)
            found |= {one.task_id: one for one in page.snapshots if one.task_id}
            moments = [one.created_at for one in page.snapshots if one.created_at]
            if not page.has_more or (moments and min(moments) < since):
                return list(found.values())
    finally:
        for workspace_id in sorted(book.write(now=clock())):
            raise_seq(workspace_id)
    return None


def _write(finding: Finding, *, now: datetime) -> None:
    intent = finding.intent
    if finding.found is not None and finding.found.task_id:
        accept(intent, finding.found.task_id, finding.found, now=now)
        return
    assert intent.sent_at is not None
    if not finding.candidates and now - intent.sent_at >= NOT_MADE_AFTER:
        _change(
            intent,
            now=now,
            state=IntentState.REFUSED,
            error_kind="not_made",
            error_text="The provider's list holds nothing that was made of it.",
            next_look_at=None,
            looked_at=now,
            candidates=[],
        )
        return
    choice = [_as_candidate(one) for one in sorted(finding.candidates, key=_age)[:_MOST_CANDIDATES]]
    _postpone([intent], now=now, looked_at=now, candidates=choice)


def _as_candidate(snapshot: Snapshot) -> Mapping[str, str]:
    return {"task_id": snapshot.task_id or "", "created_at": _age(snapshot)[0].isoformat()}


def _postpone(intents: Iterable[Intent], *, now: datetime, **fields: Any) -> None:
    """Look again when half the time since the sending has passed once more, and not at all after a day."""
    for intent in intents:
        age = now - (intent.sent_at or intent.created_at)
        next_look_at = now + max(age / 2, _SOONEST) if age < GIVE_UP_AFTER else None
        _change(intent, now=now, next_look_at=next_look_at, **fields)


def _change(intent: Intent, *, now: datetime, **fields: Any) -> None:
    """Change it as long as nobody knows more about it than we did; a change that people see raises the counter."""
    with transaction.atomic():
        raise_seq(intent.workspace_id)
        changed = Intent.objects.filter(pk=intent.pk, state=IntentState.UNKNOWN).update(**fields)
        if changed and fields.get("state") == IntentState.REFUSED:
            expect_no_more(intent, now=now)
