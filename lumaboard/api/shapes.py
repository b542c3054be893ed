"""What the API says of each thing: from rows to documents. What is not named here leaves the server by no answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from ninja import Schema

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, User, Workspace
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Asset, CopyState, Generation, Transition
from lumaboard.sharing.addresses import url_of
from lumaboard.sharing.models import ShareLink
from lumaboard.submission.models import Intent, Picture

StateWord = Literal["queued", "running", "succeeded", "failed"]
CopyWord = Literal["none", "wanted", "copying", "archived", "lost"]
TakeWord = Literal["intended", "sending", "unsent", "accepted", "refused", "unknown"]
DownloadWord = Literal["nothing", "watermarked", "raw"]


class PersonOut(Schema):
    id: int
    name: str


class NamedOut(Schema):
    id: int
    name: str


class WorkspaceOut(Schema):
    name: str
    slug: str


class TokenOut(Schema):
    name: str
    scopes: list[str]
    expires_at: datetime | None


class MeOut(Schema):
    """Whose token this is, and what it may do right now."""

    person: PersonOut
    workspace: WorkspaceOut
    role: str
    token: TokenOut
    rights: list[str]


class GenerationOut(Schema):
    id: int
    task_id: str
    title: str
    prompt: str
    model: str
    aspect_ratio: str
    resolution: str
    media_kind: str
    width: int | None
    height: int | None
    duration_s: float | None
    state: StateWord
    upstream_state: str
    failure_kind: str
    failure_reason: str
    attention: str
    copy_state: CopyWord
    is_private: bool
    is_settled: bool
    owner: PersonOut | None
    connection: NamedOut
    created_at: datetime
    settled_at: datetime | None
    trashed_at: datetime | None
    rev: int


class GenerationPage(Schema):
    """One page, newest first. `next` is the `after` of the page that follows; null at the end."""

    items: list[GenerationOut]
    next: str | None


class TransitionOut(Schema):
    number: int
    from_state: str
    to_state: StateWord
    upstream_state: str
    cause: str
    at: datetime


class TransitionList(Schema):
    items: list[TransitionOut]


class AssetOut(Schema):
    role: str
    copy_state: CopyWord
    content_type: str
    size: int | None
    sha256: str
    width: int | None
    height: int | None
    duration_s: float | None
    url: str | None
    """Where its bytes are, for this token; null until they are safe."""


class AssetList(Schema):
    items: list[AssetOut]


class DownloadLinkOut(Schema):
    url: str
    expires_at: datetime
    size: int | None
    sha256: str
    content_type: str


class TrackedOut(Schema):
    task_id: str
    id: int | None
    """Null in a dry run of a new one, and where it is here already but not for this person to see."""


class TrackResult(Schema):
    is_dry_run: bool
    connection: NamedOut
    new: list[TrackedOut]
    known: list[TrackedOut]
    unreadable: list[str]


class PictureOut(Schema):
    """One that you have uploaded."""

    id: int
    content_type: str
    size: int
    sha256: str
    width: int
    height: int


class MoneyOut(Schema):
    """By the workspace's own prices."""

    amount: str
    currency: str


class TakeOut(Schema):
    """One take. `state`: *intended* will be sent, *unsent* could not be and nothing was made, *unknown* may have been made."""

    id: int
    state: TakeWord
    task_id: str | None
    generation: int | None
    error_kind: str
    error: str
    estimate: MoneyOut | None


class TakeList(Schema):
    """The takes of one order, in their order. `is_answered`: none is on its way any more."""

    order: UUID
    connection: NamedOut
    is_answered: bool
    takes: list[TakeOut]


class MemberOut(Schema):
    id: int
    name: str
    email: str
    role: str
    since: datetime


class MemberList(Schema):
    items: list[MemberOut]


class ConnectionOut(Schema):
    id: int
    name: str
    kind: str


class ConnectionList(Schema):
    items: list[ConnectionOut]


class ActorOut(Schema):
    id: int
    name: str


class EventOut(Schema):
    id: int
    at: datetime
    verb: str
    kind: str
    actor: ActorOut | None
    """Null where the program did it by itself."""
    target_kind: str
    target_id: str
    detail: dict[str, Any]


class ActivityPage(Schema):
    """One page, newest first. `next` is the `after` of the page that follows; null at the end."""

    items: list[EventOut]
    next: str | None


class ShareOut(Schema):
    id: int
    name: str
    url: str | None
    state: Literal["open", "revoked", "expired", "used_up"]
    created_by: PersonOut | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    has_password: bool
    view_limit: int | None
    view_count: int
    download: DownloadWord
    shows_details: bool
    slug: str | None
    generation_count: int


class ShareDetailOut(ShareOut):
    generations: list[int]
    """Those that it shows now, in their order."""


class SharePage(Schema):
    """One page, newest first. `next` is the `after` of the page that follows; null at the end."""

    items: list[ShareOut]
    next: str | None


def person_of(user: User | None) -> dict[str, Any] | None:
    return None if user is None else {"id": user.pk, "name": str(user)}


def me_of(member: Member, rights: list[str]) -> dict[str, Any]:
    assert member.token is not None  # nobody comes here without one
    workspace: Workspace = member.workspace
    return {
        "person": person_of(member.user),
        "workspace": {"name": workspace.name, "slug": workspace.slug},
        "role": str(member.role),
        "token": {"name": member.token.name, "scopes": member.token.scopes, "expires_at": member.token.expires_at},
        "rights": rights,
    }


_AS_THEY_STAND = (
    "task_id",
    "title",
    "prompt",
    "model",
    "aspect_ratio",
    "resolution",
    "media_kind",
    "width",
    "height",
    "duration_s",
    "state",
    "upstream_state",
    "failure_kind",
    "failure_reason",
    "attention",
    "copy_state",
    "is_private",
    "is_settled",
    "created_at",
    "settled_at",
    "trashed_at",
    "rev",
)


def generation_of(row: Generation) -> dict[str, Any]:
    """Needs the owner and the connection read along (`with_people`)."""
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in _AS_THEY_STAND},
        "owner": person_of(row.created_by),
        "connection": {"id": row.connection.pk, "name": row.connection.name},
    }


def transition_of(row: Transition) -> dict[str, Any]:
    told = ("number", "from_state", "to_state", "upstream_state", "cause", "at")
    return {name: getattr(row, name) for name in told}


def asset_of(row: Asset) -> dict[str, Any]:
    told = ("role", "copy_state", "content_type", "size", "sha256", "width", "height", "duration_s")
    is_safe = row.copy_state == CopyState.ARCHIVED
    url = reverse("api:asset_file", args=[row.generation_id, row.role]) if is_safe else None
    return {**{name: getattr(row, name) for name in told}, "url": url}


def takes_as_they_are(order: UUID, intents: Sequence[Intent]) -> dict[str, Any]:
    """Needs the connection read along; there is always one take."""
    connection = intents[0].connection
    return {
        "order": order,
        "connection": {"id": connection.pk, "name": connection.name},
        "is_answered": not any(intent.is_under_way for intent in intents),
        "takes": [_take_of(intent) for intent in intents],
    }


def picture_of(picture: Picture) -> dict[str, Any]:
    told = ("content_type", "size", "sha256", "width", "height")
    return {"id": picture.pk, **{name: getattr(picture, name) for name in told}}


def _take_of(intent: Intent) -> dict[str, Any]:
    return {
        "id": intent.pk,
        "state": "unsent" if intent.never_left else str(intent.state),
        "task_id": intent.task_id or None,
        "generation": intent.generation_id,
        "error_kind": intent.error_kind,
        "error": intent.error_text,
        "estimate": _money_of(intent),
    }


def _money_of(intent: Intent) -> dict[str, str] | None:
    if intent.estimate is None:
        return None
    return {"amount": f"{intent.estimate.normalize():f}", "currency": intent.estimate_currency}


def membership_of(row: Membership) -> dict[str, Any]:
    return {
        "id": row.user.pk,
        "name": str(row.user),
        "email": row.user.email,
        "role": row.role,
        "since": row.created_at,
    }


def connection_of(row: Connection) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "kind": row.kind}


def event_of(row: AuditEvent) -> dict[str, Any]:
    told = ("at", "verb", "kind", "target_kind", "target_id", "detail")
    return {"id": row.pk, **{name: getattr(row, name) for name in told}, "actor": person_of(row.actor)}


def share_of(link: ShareLink, *, generation_count: int, now: datetime) -> dict[str, Any]:
    told = ("name", "created_at", "expires_at", "revoked_at", "has_password", "view_limit", "view_count", "download")
    return {
        "id": link.pk,
        **{name: getattr(link, name) for name in told},
        "url": url_of(link),
        "state": _share_state(link, now),
        "created_by": person_of(link.created_by),
        "shows_details": link.shows_details,
        "slug": link.slug,
        "generation_count": generation_count,
    }


def _share_state(link: ShareLink, now: datetime) -> str:
    if link.revoked_at is not None:
        return "revoked"
    if link.is_over(now):
        return "expired"
    return "used_up" if link.is_used_up else "open"
