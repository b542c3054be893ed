"""Share links: list, make, change, revoke, bring back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import AwareDatetime, Field, StringConstraints

from lumaboard.accounts.access import Member
from lumaboard.api.auth import ApiRequest
from lumaboard.api.bodies import Cursor, RowId, Text
from lumaboard.api.errors import ApiError
from lumaboard.api.responses import reads, writes
from lumaboard.api.shapes import DownloadWord, ShareDetailOut, SharePage, share_of
from lumaboard.core.places import Place
from lumaboard.sharing import operations
from lumaboard.sharing.members.forms import FURTHEST, MOST_VIEWS, SHORTEST_PASSWORD, say_breach
from lumaboard.sharing.models import LONGEST_SLUG, SHORTEST_SLUG, Download, ShareItem, ShareLink, open_at
from lumaboard.sharing.operations import (
    MOST_ITEMS,
    NothingToShare,
    SlugNeedsPassword,
    SlugTaken,
    Terms,
    shareable,
    terms_of,
)
from lumaboard.sharing.policies import PolicyBroken, demands_of, policy_of

router = Router(tags=["Share links"])
_USUAL_DAYS: Final = 30

Slug = Annotated[
    str, StringConstraints(min_length=SHORTEST_SLUG, max_length=LONGEST_SLUG, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
]
Password = Annotated[Text, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=128)]


class ShareQuery(Schema):
    state: Literal["open", "ended", "all"] = "open"
    by: RowId | None = Field(None, description="Made by this person")
    after: Cursor = ""
    limit: int = Field(50, ge=1, le=100)


class ShareTerms(Schema):
    """What a link allows. Whatever is left out stays as it is, or is the usual for a new one."""

    name: Text = Field("", max_length=120)
    expires_at: AwareDatetime | None = Field(None, description="Null: no end. Left out of a new link: in 30 days")
    password: Password | None = Field(None, description="Null takes it away")
    view_limit: int | None = Field(None, ge=1, le=MOST_VIEWS)
    download: DownloadWord = "nothing"
    shows_details: bool = False
    slug: Slug | None = Field(
        None, description="The last part of the address; it can be guessed, so it needs a password"
    )


class ShareIn(ShareTerms):
    generations: list[RowId] = Field(min_length=1, max_length=MOST_ITEMS)


@router.get("/shares", response=reads(SharePage), url_name="shares", summary="List share links")
def list_shares(request: ApiRequest, query: Query[ShareQuery]) -> dict[str, Any]:
    """Everybody's in the workspace, newest first. Scope: share."""
    request.auth.require("share")
    now = timezone.now()
    rows = ShareLink.objects.in_workspace(request.auth.workspace.pk).select_related("created_by")
    if query.state != "all":
        rows = rows.filter(open_at(now) if query.state == "open" else ~open_at(now))
    if query.by is not None:
        rows = rows.filter(created_by=query.by)
    if place := Place.parse(query.after):
        rows = rows.filter(created_at__lte=place.at).filter(Q(created_at__lt=place.at) | Q(id__lt=place.pk))
    found = list(rows.order_by("-created_at", "-id")[: query.limit + 1])
    page = found[: query.limit]
    counted = ShareItem.objects.filter(link__in=page).values_list("link").annotate(Count("pk"))
    counts = dict(counted.order_by())
    return {
        "items": [share_of(link, generation_count=counts.get(link.pk, 0), now=now) for link in page],
        "next": str(Place(page[-1].created_at, page[-1].pk)) if len(found) > len(page) else None,
    }


@router.post("/shares", response=writes(ShareDetailOut, ok=201), url_name="shares", summary="Make a share link")
def make(request: ApiRequest, payload: ShareIn) -> Status[dict[str, Any]]:
    """Show these generations to outsiders, in this order; all of them or none. Scope: share."""
    member, now = request.auth, timezone.now()
    member.require("share")
    given = payload.model_dump(exclude_unset=True, exclude={"generations"})
    usual = min(_USUAL_DAYS, demands_of(policy_of(member.workspace)).most_days or _USUAL_DAYS)
    given.setdefault("expires_at", now + timedelta(days=usual))
    there = shareable(member).filter(pk__in=set(payload.generations)).count()
    if there != len(set(payload.generations)):
        raise ApiError(
            422, fields=[("body.generations", "Some are not here, not shared with the workspace, or in the trash.")]
        )
    with _told(member):
        link = operations.make_link(member, payload.generations, _terms(Terms(expires_at=None), given, now), now=now)
    return Status(201, _detail(member, link, now))


@router.get("/shares/{row:pk}", response=reads(ShareDetailOut), url_name="share", summary="Get a share link")
def get_share(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Scope: share."""
    return _detail(request.auth, _link(request.auth, pk), timezone.now())


@router.patch("/shares/{row:pk}", response=writes(ShareDetailOut), url_name="share", summary="Change a share link")
def change(request: ApiRequest, pk: int, payload: ShareTerms) -> dict[str, Any]:
    """Terms that are left out stay. A new password sends everybody back to the door. Scope: share; others' with admin."""
    member, now = request.auth, timezone.now()
    link = _changeable(member, pk)
    with _told(member):
        operations.change_link(
            member, link, _terms(terms_of(link), payload.model_dump(exclude_unset=True), now), now=now
        )
    return _detail(member, _link(member, pk), now)


@router.post(
    "/shares/{row:pk}/revoke", response=writes(ShareDetailOut), url_name="share_revoke", summary="Revoke a share link"
)
def revoke(request: ApiRequest, pk: int) -> dict[str, Any]:
    """Nobody gets in any more, at once, in open players too. Twice is once. Scope: share; others' with admin."""
    member, now = request.auth, timezone.now()
    operations.revoke(member, [_changeable(member, pk)], now=now)
    return _detail(member, _link(member, pk), now)


@router.post(
    "/shares/{row:pk}/bring-back",
    response=writes(ShareDetailOut),
    url_name="share_bring_back",
    summary="Undo a revocation",
)
def bring_back(request: ApiRequest, pk: int) -> dict[str, Any]:
    """The same address works again, within its other terms. Twice is once. Scope: share; others' with admin."""
    member, now = request.auth, timezone.now()
    with _told(member):
        operations.bring_back(member, [_changeable(member, pk)], now=now)
    return _detail(member, _link(member, pk), now)


def _link(member: Member, pk: int) -> ShareLink:
    member.require("share")
    here = ShareLink.objects.in_workspace(member.workspace.pk).select_related("created_by", "workspace__share_policy")
    return get_object_or_404(here, pk=pk)


def _changeable(member: Member, pk: int) -> ShareLink:
    link = _link(member, pk)
    operations.require_change(member, link)
    return link


def _detail(member: Member, link: ShareLink, now: datetime) -> dict[str, Any]:
    shown = shareable(member).filter(share_items__link=link).order_by("share_items__number")
    pks = list(shown.values_list("pk", flat=True))
    return {**share_of(link, generation_count=len(pks), now=now), "generations": pks}


def _terms(before: Terms, given: dict[str, Any], now: datetime) -> Terms:
    """The terms there are, with those that were given."""
    expires_at: datetime | None = given.get("expires_at", before.expires_at)
    if "expires_at" in given and expires_at is not None and not now < expires_at <= now + FURTHEST:
        raise ApiError(422, fields=[("body.expires_at", "Choose a moment to come, within ten years.")])
    return Terms(
        name=" ".join(given.get("name", before.name).split()),
        expires_at=expires_at,
        password=(given["password"] or "") if "password" in given else None,
        view_limit=given.get("view_limit", before.view_limit),
        download=Download(given.get("download", before.download)),
        shows_details=given.get("shows_details", before.shows_details),
        slug=given.get("slug", before.slug),
    )


@contextmanager
def _told(member: Member) -> Iterator[None]:
    """Say in the API's words why a link cannot be as asked."""
    try:
        yield
    except NothingToShare as error:
        raise ApiError(422, fields=[("body.generations", "There is nothing among them to share.")]) from error
    except SlugTaken as error:
        raise ApiError(409, "Another link has this address.", [("body.slug", "It is taken.")]) from error
    except SlugNeedsPassword as error:
        said = "An address that can be guessed needs a password."
        raise ApiError(422, fields=[("body.password", said)]) from error
    except PolicyBroken as error:
        demands = demands_of(policy_of(member.workspace))
        raise ApiError(422, fields=[(f"body.{name}", say_breach(name, demands)) for name in error.breaches]) from error
