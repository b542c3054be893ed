"""Hand a person what is kept about them, as JSON that is written while it is read from the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from lumaboard.accounts.models import ApiToken, Invitation, Membership, Session, User
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.models import Generation
from lumaboard.generations.remarks import Favourite, Note
from lumaboard.sharing.models import ShareLink
from lumaboard.submission.models import Intent, Picture

M = TypeVar("M", bound=models.Model)
_AT_ONCE: Final = 500


def pieces_of(user: User) -> Iterator[str]:
    """Yield the document piece by piece: a few hundred rows are in memory at a time, and no query stays open between.

    Generations are those in the workspaces the person is in now: whoever has left a workspace is a stranger to it.
    """
    yield '{"account": ' + _json(_account(user))
    for name, rows in _lists(user):
        yield f',\n"{name}": ['
        is_first = True
        for row in rows:
            yield ("\n" if is_first else ",\n") + _json(row)
            is_first = False
        yield "]"
    yield "}\n"


def _account(user: User) -> dict[str, Any]:
    told = ("email", "address_proven_at", "name", "theme", "time_zone", "language", "created_at")
    return {name: getattr(user, name) for name in told}


def _lists(user: User) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    yield "workspaces", map(_membership, _paged(Membership.objects.filter(user=user).select_related("workspace")))
    yield "sign_ins", map(_sign_in, Session.objects.filter(user=user).order_by("created_at"))
    yield "second_factors", map(_second_factor, Authenticator.objects.filter(user=user).order_by("pk"))
    yield "single_sign_on", map(_single_sign_on, SocialAccount.objects.filter(user=user).order_by("pk"))
    tokens = ApiToken.objects.filter(membership__user=user).select_related("membership__workspace")
    yield "api_tokens", map(_api_token, _paged(tokens))
    is_here = models.Exists(Membership.objects.filter(user=user, workspace=models.OuterRef("workspace")))
    invited = Invitation.objects.filter(invited_by=user).annotate(is_here=is_here)
    yield "invitations_sent", map(_invitation, _paged(invited))
    made = Generation.objects.filter(created_by=user, workspace__memberships__user=user).select_related("workspace")
    yield "generations", map(_generation, _paged(made))
    asked = Intent.objects.filter(created_by=user, workspace__memberships__user=user).select_related("workspace")
    yield "requests", map(_request, _paged(asked))
    given = Picture.objects.filter(created_by=user, workspace__memberships__user=user).select_related("workspace")
    yield "pictures", map(_picture, _paged(given))
    links = ShareLink.objects.filter(created_by=user, workspace__memberships__user=user).select_related("workspace")
    yield "share_links", map(_link, _paged(links))
    is_seen = models.Q(generation__is_private=False) | models.Q(generation__created_by=user)
    stars = Favourite.objects.filter(is_seen, user=user, generation__workspace__memberships__user=user)
    notes = Note.objects.present().filter(is_seen, author=user, generation__workspace__memberships__user=user)
    yield "notes", map(_note, _paged(notes.select_related("generation__workspace")))
    yield "favourites", map(_star, _paged(stars.select_related("generation__workspace")))
    acts = AuditEvent.objects.filter(actor=user).select_related("workspace").annotate(is_here=is_here)
    yield "acts", map(_act, _paged(acts))


def _membership(row: Membership) -> dict[str, Any]:
    return {"workspace": row.workspace.name, "role": row.role, "since": row.created_at}


def _sign_in(row: Session) -> dict[str, Any]:
    return {"browser": row.agent, "address": row.address, "since": row.created_at, "last_seen_at": row.seen_at}


def _second_factor(row: Authenticator) -> dict[str, Any]:
    return {"type": row.type, "added_at": row.created_at, "last_used_at": row.last_used_at}


def _single_sign_on(row: SocialAccount) -> dict[str, Any]:
    return {"connected_at": row.date_joined, "last_used_at": row.last_login}


def _api_token(row: ApiToken) -> dict[str, Any]:
    told = ("name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {"workspace": row.membership.workspace.name, **{name: getattr(row, name) for name in told}}


def _invitation(row: Invitation) -> dict[str, Any]:
    # who joined a workspace that was left, and when, is nothing to whoever left it
    accepted_at = row.accepted_at if row.is_here else None  # type: ignore[attr-defined]  # annotated
    return {"email": row.email, "role": row.role, "sent_at": row.created_at, "accepted_at": accepted_at}


def _generation(row: Generation) -> dict[str, Any]:
    told = ("task_id", "title", "prompt", "model", "state", "created_at", "settled_at", "trashed_at")
    return {"workspace": row.workspace.name, **{name: getattr(row, name) for name in told}}


def _request(row: Intent) -> dict[str, Any]:
    told = ("source", "route", "request", "state", "created_at", "sent_at", "task_id")
    return {"workspace": row.workspace.name, **{name: getattr(row, name) for name in told}}


def _picture(row: Picture) -> dict[str, Any]:
    told = ("content_type", "size", "width", "height", "created_at", "used_at")
    return {"workspace": row.workspace.name, **{name: getattr(row, name) for name in told}}


def _link(row: ShareLink) -> dict[str, Any]:
    told = ("name", "created_at", "expires_at", "revoked_at")
    return {"workspace": row.workspace.name, **{name: getattr(row, name) for name in told}}


def _note(row: Note) -> dict[str, Any]:
    generation = row.generation
    told = {"text": row.text, "written_at": row.created_at, "edited_at": row.edited_at}
    return {"workspace": generation.workspace.name, "task_id": generation.task_id, **told}


def _star(row: Favourite) -> dict[str, Any]:
    generation = row.generation
    return {"workspace": generation.workspace.name, "task_id": generation.task_id, "starred_at": row.created_at}


def _act(row: AuditEvent) -> dict[str, Any]:
    return {
        "at": row.at,
        "act": row.verb,
        # what a workspace that was left is called now is nothing to whoever left it
        "workspace": row.workspace.name if row.workspace and row.is_here else None,  # type: ignore[attr-defined]  # annotated
        "target": f"{row.target_kind} {row.target_id}".strip(),
        "detail": row.detail,
    }


def _paged(rows: models.QuerySet[M]) -> Iterator[M]:
    """Yield the rows in the order of their ids, each page by a query of its own."""
    last = 0
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:_AT_ONCE]):
        yield from page
        last = page[-1].pk


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
