"""What a notice says, wherever it is read: a word with its icon, what it is about, and where that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.generations.models import State
from lumaboard.generations.naming import name_of
from lumaboard.news.models import Batch, BatchMember, EventKind, Notice

ICONS: Final[Mapping[str, str]] = {
    EventKind.SUCCEEDED: "circle-check",
    EventKind.FAILED: "octagon-x",
    EventKind.AT_RISK: "shield-clock",
    EventKind.LOST: "shield-off",
    EventKind.BATCH_DONE: "images",
}
TONES: Final[Mapping[str, str]] = {
    EventKind.SUCCEEDED: "good",
    EventKind.FAILED: "bad",
    EventKind.AT_RISK: "warn",
    EventKind.LOST: "bad",
    EventKind.BATCH_DONE: "good",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One notice as people read it."""

    pk: int
    uid: UUID
    word: str
    icon: str
    tone: str
    about: str
    """The generation's name, or what became of a batch."""
    owner: str
    """Whose it is, where that is somebody else."""
    url: str
    at: datetime
    is_unread: bool

    @property
    def tone_class(self) -> str:
        return f"news__icon--{self.tone}"

    @property
    def sentence(self) -> str:
        return f"{self.word}: {self.about}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a batch, as far as one person sees it, and the generation that shows it best."""

    ready_count: int
    failed_count: int
    best_pk: int | None

    @property
    def sentence(self) -> str:
        ready = ngettext("%(n)d ready", "%(n)d ready", self.ready_count) % {"n": self.ready_count}
        failed = ngettext("%(n)d failed", "%(n)d failed", self.failed_count) % {"n": self.failed_count}
        if self.ready_count and self.failed_count:
            return _("%(ready)s, %(failed)s") % {"ready": ready, "failed": failed}
        return failed if self.failed_count else ready


def lines_of(notices: Sequence[Notice], *, user_id: int, workspace_slug: str) -> list[Line]:
    """Say these notices to one person, in their order; one query at most, for all batches together."""
    outcomes = _outcomes([notice.event.batch_id for notice in notices if notice.event.batch_id], user_id=user_id)
    return [_line(notice, outcomes, user_id=user_id, workspace_slug=workspace_slug) for notice in notices]


def _line(notice: Notice, outcomes: Mapping[int, _Outcome], *, user_id: int, workspace_slug: str) -> Line:
    event = notice.event
    if event.generation is not None:
        about, owner = name_of(event.generation), event.generation.created_by
        url = reverse("gallery:detail", args=[workspace_slug, event.generation.pk])
    else:
        assert event.batch is not None  # a constraint says so
        outcome = outcomes.get(event.batch.pk, _Outcome(0, 0, None))
        about, owner = outcome.sentence, event.batch.created_by
        url = _url_of_batch(event.batch, outcome, user_id=user_id, workspace_slug=workspace_slug)
    return Line(
        pk=notice.pk,
        uid=event.uid,
        word=str(EventKind(event.kind).label),
        icon=ICONS[event.kind],
        tone=TONES[event.kind],
        about=about,
        owner=str(owner) if owner is not None and owner.pk != user_id else "",
        url=url,
        at=event.at,
        is_unread=notice.seen_at is None,
    )


def _url_of_batch(batch: Batch, outcome: _Outcome, *, user_id: int, workspace_slug: str) -> str:
    """Where all of it is told of: an order's page, which is for whoever ordered alone. Of others the best, if there is one."""
    if batch.is_order and batch.created_by_id == user_id:
        return reverse("gallery:takes", args=[workspace_slug, batch.uid])
    if outcome.best_pk is None:
        return reverse("gallery:index", args=[workspace_slug])
    return reverse("gallery:detail", args=[workspace_slug, outcome.best_pk])


def _outcomes(batch_ids: Iterable[int], *, user_id: int) -> dict[int, _Outcome]:
    """What became of each batch; what somebody else keeps private is not counted."""
    if not batch_ids:
        return {}
    seen = Q(generation__is_private=False) | Q(generation__created_by=user_id)
    ready, failed = (Q(generation__state=state) for state in (State.SUCCEEDED, State.FAILED))
    rows = BatchMember.objects.filter(seen, batch__in=batch_ids).values("batch")
    told = rows.annotate(
        ready_count=Count("generation", filter=ready),
        failed_count=Count("generation", filter=failed),
        best_pk=Coalesce(Min("generation", filter=ready), Min("generation")),
    )
    return {row["batch"]: _Outcome(row["ready_count"], row["failed_count"], row["best_pk"]) for row in told}
