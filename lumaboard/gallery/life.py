"""The life of one generation on its page: a bar from first sight to safe copy, and the list of what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from lumaboard.generations.models import Asset, AssetRole, Cause, Generation, State, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the generation's life: from when, how long, and its place on the bar in percent."""

    kind: str
    word: str
    icon: str
    started_at: datetime
    seconds: int | None  # None: it goes on
    x: float
    width: float

    @property
    def spoken(self) -> str:
        return "" if self.seconds is None else spoken(timedelta(seconds=self.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the history."""

    at: datetime
    word: str
    icon: str
    note: str


def life_of(generation: Generation, transitions: list[Transition], main: Asset | None, *, now: datetime) -> list[Span]:
    """Cut the time from first sight to safe copy into queued, generating and saving, in proportion."""
    marks: list[tuple[str, str, str, datetime]] = []
    for step in transitions:
        if step.to_state == State.QUEUED:
            marks.append(("queued", _("Queued"), "queued", step.at))
        elif step.to_state == State.RUNNING:
            marks.append(("running", _("Generating"), "running", step.at))
        elif step.to_state == State.SUCCEEDED and main is not None:
            marks.append(("saving", _("Saving copy"), "saving", step.at))
    if not marks:
        return []
    ended_at = _end_of_life(generation, transitions, main)
    last = ended_at or now
    total = max((last - marks[0][3]).total_seconds(), 1.0)
    spans = []
    for (kind, word, icon, started_at), following in zip(marks, [*[mark[3] for mark in marks[1:]], last], strict=True):
        seconds = max((following - started_at).total_seconds(), 0.0)
        goes_on = following is last and ended_at is None
        spans.append(
            Span(
                kind=kind,
                word=word,
                icon=icon,
                started_at=started_at,
                seconds=None if goes_on else round(seconds),
                x=round(100 * (started_at - marks[0][3]).total_seconds() / total, 2),
                width=round(100 * seconds / total, 2),
            )
        )
    return spans


def _end_of_life(generation: Generation, transitions: list[Transition], main: Asset | None) -> datetime | None:
    if generation.state == State.FAILED or (generation.state == State.SUCCEEDED and main is None):
        return transitions[-1].at if transitions else generation.settled_at
    return main.archived_at if main is not None and main.archived_at else None


def history_of(generation: Generation, transitions: list[Transition], main: Asset | None) -> list[Event]:
    """The list of what happened, oldest first: every observed state, and the copy."""
    words = {
        State.QUEUED: (_("Queued"), "queued"),
        State.RUNNING: (_("Generating"), "running"),
        State.SUCCEEDED: (_("Finished at the provider"), "circle-check"),
        State.FAILED: (_("Failed"), "octagon-x"),
    }
    events = []
    before: Transition | None = None
    for step in transitions:
        word, icon = (_("Tracked"), "clipboard-paste") if step.cause == Cause.TRACKED else words[State(step.to_state)]
        events.append(Event(at=step.at, word=word, icon=icon, note=_transition_note(step, before)))
        before = step
    if main is not None and main.archived_at:
        note = _("%(name)s, checked from first to last byte") % {"name": AssetRole(main.role).label}
        events.append(Event(at=main.archived_at, word=_("Safe"), icon="shield-check", note=note))
    if generation.trashed_at:
        events.append(Event(at=generation.trashed_at, word=_("Moved to trash"), icon="trash-2", note=""))
    return sorted(events, key=lambda event: event.at)


def _transition_note(step: Transition, before: Transition | None) -> str:
    parts = []
    if step.cause == Cause.PERSON:
        parts.append(_("checked again by hand"))
    if step.upstream_state:
        parts.append(_("the provider says “%s”") % step.upstream_state)
    if before is not None:
        parts.append(_("after %s") % spoken(step.at - before.at))
    return ", ".join(parts)


def spoken(wait: timedelta) -> str:
    """A wait in words: 18 s, 1 min 24 s, 2 h 5 min."""
    seconds = max(round(wait.total_seconds()), 0)
    if seconds < 60:
        return _("%d s") % seconds
    if seconds < 3600:
        return _("%(min)d min %(s)d s") % {"min": seconds // 60, "s": seconds % 60}
    return _("%(h)d h %(min)d min") % {"h": seconds // 3600, "min": seconds % 3600 // 60}
