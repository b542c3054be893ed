"""What a card says: one table from state and copy state to words, icons, custody and the actions that help.

A card depends on its row alone (and on the reader's language and time zone), so a settled one can be cached by (id, rev).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from lumaboard.accounts.models import User
from lumaboard.connections.models import Kind
from lumaboard.generations.models import Act, Attention, CopyState, FailureKind, Generation, State
from lumaboard.generations.naming import short_id
from lumaboard.generations.shape import duration_text, ratio_class

ScreenState = Literal["queued", "running", "saving", "ready", "failed", "attention"]

ICONS: dict[ScreenState, str] = {
    "queued": "queued",
    "running": "running",
    "saving": "saving",
    "ready": "circle-check",
    "failed": "octagon-x",
    "attention": "triangle-alert",
}
URGENT = timedelta(minutes=10)
SOON = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """How safe our copy is; `ends_at` is when the upstream link dies, where known."""

    kind: Literal["safe", "at_risk", "lost"]
    word: str
    icon: str
    level: Literal["quiet", "warn", "bad"] = "quiet"
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that helps, as a button on the card."""

    label: str
    url: str
    method: Literal["get", "post"]
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a generation: the fact, what it means, and what helps."""

    title: str
    sentence: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAct:
    """What a person did to a generation last."""

    sentence: str
    by: User
    at: datetime
    is_owners: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One generation in the grid; the template `gallery/_card.html` reads every field."""

    pk: int
    rev: int
    url: str
    state: ScreenState
    word: str
    icon: str
    custody: Custody | None
    prompt: str
    short_task_id: str
    ratio_class: str
    poster_url: str | None
    preview_url: str | None
    preview_type: str
    width: int | None
    height: int | None
    duration_text: str
    owner_name: str
    owner_initials: str
    owner_hue: int
    last_act: LastAct | None
    note_count: int
    created_at: datetime
    since: datetime
    usual_low_s: int | None
    usual_high_s: int | None
    usual_p90_s: int | None
    next_check_at: datetime | None
    is_finalising: bool
    copied_bytes: int | None
    total_bytes: int | None
    title: str | None
    sentence: str | None
    actions: tuple[Action, ...]
    is_lost: bool
    is_private: bool
    is_simulated: bool
    connection_name: str
    model: str


def card_of(row: Generation, *, workspace_slug: str, now: datetime) -> Card:
    """Build the card of a row that carries what `with_people` loads."""
    state = screen_state(row)
    problem = problem_of(row, workspace_slug=workspace_slug)
    owner = row.created_by
    has_file = row.copy_state == CopyState.ARCHIVED
    address = {"workspace": workspace_slug, "pk": row.pk}
    return Card(
        pk=row.pk,
        rev=row.rev,
        url=reverse("gallery:detail", kwargs=address),
        state=state,
        word=word_of(state),
        icon=ICONS[state],
        custody=custody_of(row, now=now),
        prompt=row.title or row.prompt,
        short_task_id=short_id(row.task_id),
        ratio_class=ratio_class(row),
        poster_url=reverse("archive:media", kwargs={**address, "role": "card"}) if row.has_poster else None,
        preview_url=(
            reverse("archive:media", kwargs={**address, "role": "main"})
            if has_file and row.media_kind == "video"
            else None
        ),
        preview_type="video/mp4",
        width=row.width,
        height=row.height,
        duration_text=duration_text(row.duration_s) if row.media_kind == "video" else "",
        owner_name=str(owner) if owner else "",
        owner_initials=owner.initials if owner else "",
        owner_hue=owner.hue if owner else 1,
        last_act=last_act_of(row),
        note_count=row.note_count,
        created_at=row.created_at,
        since=row.created_at,
        usual_low_s=row.usual_low_s,
        usual_high_s=row.usual_high_s,
        usual_p90_s=row.usual_p90_s,
        next_check_at=row.next_refresh_at if not row.is_settled else None,
        is_finalising=row.finalising_since is not None,
        copied_bytes=row.copied_bytes,
        total_bytes=row.total_bytes,
        title=problem.title if problem else None,
        sentence=problem.sentence if problem else None,
        actions=problem.actions if problem else (),
        is_lost=row.copy_state == CopyState.LOST,
        is_private=row.is_private,
        is_simulated=row.connection.kind == Kind.SIMULATOR,
        connection_name=row.connection.name,
        model=row.model,
    )


def last_act_of(row: Generation) -> LastAct | None:
    """Say who acted last, and what they did; None where nobody has."""
    if row.acted_by is None or row.act is None or row.acted_at is None:
        return None
    sentence = _("%(act)s by %(name)s") % {"act": Act(row.act).label, "name": row.acted_by}
    return LastAct(sentence=sentence, by=row.acted_by, at=row.acted_at, is_owners=row.acted_by_id == row.created_by_id)


def screen_state(row: Generation) -> ScreenState:
    """Say the one state a person sees, from our state, the copy's and what needs attention."""
    if row.attention or row.copy_state == CopyState.LOST:
        return "attention"
    match row.state:
        case State.QUEUED:
            return "queued"
        case State.FAILED:
            return "failed"
        case State.SUCCEEDED:
            return "ready" if row.copy_state == CopyState.ARCHIVED else "saving"
        case _:
            return "running"


def is_steady(row: Generation) -> bool:
    """Whether time alone changes nothing on the row's card, so that its fragment may be kept."""
    return row.copy_state not in (CopyState.WANTED, CopyState.COPYING) and screen_state(row) in ("ready", "failed")


def word_of(state: ScreenState) -> str:
    return {
        "queued": pgettext("state", "Queued"),
        "running": pgettext("state", "Generating"),
        "saving": pgettext("state", "Saving copy"),
        "ready": pgettext("state", "Ready"),
        "failed": pgettext("state", "Failed"),
        "attention": pgettext("state", "Needs attention"),
    }[state]


def custody_of(row: Generation, *, now: datetime) -> Custody | None:
    """Say how safe the copy of the main file is; None before there is anything to keep."""
    match row.copy_state:
        case CopyState.ARCHIVED:
            return Custody(kind="safe", word=pgettext("custody", "Safe"), icon="shield-check")
        case CopyState.LOST:
            return Custody(kind="lost", word=pgettext("custody", "Lost"), icon="shield-off", level="bad")
        case CopyState.WANTED | CopyState.COPYING:
            return Custody(
                kind="at_risk",
                word=pgettext("custody", "At risk"),
                icon="shield-clock",
                level=_risk_level(row, now=now),
                ends_at=row.link_expires_at,
            )
    return None


def _risk_level(row: Generation, *, now: datetime) -> Literal["quiet", "warn", "bad"]:
    left = row.link_expires_at - now if row.link_expires_at else None
    if left is not None and left <= URGENT:
        return "bad"
    return "warn" if row.copy_error or (left is not None and left <= SOON) else "quiet"


def problem_of(row: Generation, *, workspace_slug: str) -> Problem | None:
    """Say what is wrong and which action helps; None where nothing is."""
    if not row.attention and row.state != State.FAILED and row.copy_state != CopyState.LOST:
        return None  # most rows; the addresses below would cost more than all else about their cards
    address = {"workspace": workspace_slug, "pk": row.pk}
    check = Action(
        label=_("Check now"), url=reverse("gallery:check_now", kwargs=address), method="post", icon="refresh-cw"
    )
    stop = Action(
        label=_("Stop tracking"), url=reverse("gallery:stop_tracking", kwargs=address), method="post", icon="x"
    )
    fetch = Action(
        label=_("Fetch again"), url=reverse("gallery:fetch_again", kwargs=address), method="post", icon="download"
    )
    keys = Action(
        label=_("Replace key"),
        url=reverse("connections:index", kwargs={"workspace": workspace_slug}),
        method="get",
        icon="key-round",
    )
    if row.copy_state == CopyState.LOST:
        return Problem(
            title=_("File lost"),
            sentence=row.copy_error or _("Its link ended before a copy was made."),
            actions=(fetch,),
        )
    match row.attention:
        case Attention.COPY_FAILED:
            return Problem(title=_("Copy keeps failing"), sentence=row.copy_error, actions=(fetch,))
        case Attention.NO_LINK:
            sentence = _("The provider says it is finished, but has given no file for 30 minutes. We go on asking.")
            return Problem(title=_("Finished without a file"), sentence=sentence, actions=(check, stop))
        case Attention.MISSING:
            return Problem(title=_("Not found upstream"), sentence=_missing_sentence(row), actions=(check, stop))
        case Attention.PARKED:
            sentence = _("No end after seven days. We ask no more unless you do.")
            return Problem(title=_("Still not finished"), sentence=sentence, actions=(check, stop))
        case Attention.KEY_REFUSED:
            sentence = _("The provider refuses the key of “%(name)s”. Nothing is lost; it goes on with a new key.")
            sentence %= {"name": row.connection.name}
            return Problem(title=_("Key refused"), sentence=sentence, actions=(keys, stop))
        case Attention.NOT_AN_API:
            sentence = _("The address of “%(name)s” answers, but not as the provider's API does.")
            return Problem(
                title=_("Not an API"), sentence=sentence % {"name": row.connection.name}, actions=(keys, check)
            )
        case Attention.UNKNOWN_ID:
            return Problem(title=_("Not found upstream yet"), sentence=_missing_sentence(row), actions=(check, stop))
    edit_url = f"{reverse('gallery:new', args=[workspace_slug])}?from={row.pk}"
    edit = Action(label=_("Edit and retry"), url=edit_url, method="get", icon="pencil")
    return _failure(row, edit) if row.state == State.FAILED else None


def _missing_sentence(row: Generation) -> str:
    sentence = _("“%(name)s” does not know this id. It may be too young, mistyped, or of another account.")
    return sentence % {"name": row.connection.name}


def _failure(row: Generation, edit: Action) -> Problem:
    title = FailureKind(row.failure_kind).label if row.failure_kind else _("Failed at the provider")
    sentence = row.failure_reason or {
        FailureKind.MODERATION: _(
            "The provider refused the prompt or a picture. The same request will be refused again."
        ),
        FailureKind.INPUT: _("The provider could not read a picture that was sent along."),
    }.get(
        FailureKind(row.failure_kind) if row.failure_kind else FailureKind.PROVIDER, _("The provider gave no reason.")
    )
    return Problem(title=str(title), sentence=sentence, actions=(edit,))


def cards_of(rows: list[Generation], *, workspace_slug: str) -> list[Card]:
    now = timezone.now()
    return [card_of(row, workspace_slug=workspace_slug, now=now) for row in rows]
