"""Tokens that programs act with: make one, revoke one, and find who comes with one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member, changing_people, scopes_for
from lumaboard.accounts.models import ApiToken, Membership, Role, Scope, User
from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.audit.operations import record
from lumaboard.core.prepared import Prepared, given

PREFIX: Final = "lb_"
"""Lets people and secret scanners tell what they have found."""

_LENGTH: Final = len(PREFIX) + 43
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new token, with its words: they are kept nowhere, so this is the only time they can be shown."""

    row: ApiToken
    token: str


def make(
    member: Member,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    connection_id: int | None = None,
    now: datetime,
) -> Made:
    """Make a token for whoever asks, a person and never a program.

    Raises `PermissionDenied` where a scope is above the role, as read inside the transaction, and `Http404` for somebody
    who is no member any more.
    """
    if member.token is not None:
        raise PermissionDenied(_("A token cannot make tokens."))
    wanted = set(scopes)
    with changing_people(member) as actor:
        if not wanted or not wanted <= set(scopes_for(actor.role)):
            raise PermissionDenied(_("Your role in this workspace does not allow a token to do this."))
        token = PREFIX + new_token()
        row = ApiToken.objects.create(
            membership=Membership.objects.get(workspace=actor.workspace, user=actor.user),
            name=name,
            connection_id=connection_id,
            scopes=[scope.value for scope in Scope if scope in wanted],
            token_hash=hash_token(token),
            last4=token[-4:],
            created_at=now,
            expires_at=expires_at,
        )
        record(
            "token.made",
            workspace_id=actor.workspace.pk,
            actor_id=actor.user.pk,
            target=row,
            name=name,
            scopes=", ".join(row.scopes),
            expires_at=expires_at.isoformat() if expires_at else None,
        )
    return Made(row=row, token=token)


def changeable(member: Member) -> QuerySet[ApiToken]:
    """The tokens this member may see and revoke: one's own, and for who manages members everybody's in the workspace."""
    tokens = ApiToken.objects.filter(membership__workspace=member.workspace)
    if not member.may("manage_members"):
        tokens = tokens.filter(membership__user=member.user)
    return tokens.select_related("membership__user", "connection")


def revoke(member: Member, token: ApiToken, *, now: datetime) -> bool:
    """End a token for good, and say whether it was still there to end. Which tokens somebody may end says `changeable`."""
    with transaction.atomic():
        is_ended = bool(changeable(member).filter(pk=token.pk, revoked_at=None).update(revoked_at=now))
        if is_ended:
            record(
                "token.revoked",
                workspace_id=member.workspace.pk,
                actor_id=member.user.pk,
                target=token,
                name=token.name,
            )
    return is_ended


def revoke_all(user: User, *, actor_id: int | None, now: datetime) -> int:
    """End every token of this person, in whichever workspace, and say how many there were."""
    with transaction.atomic():
        tokens = ApiToken.objects.select_for_update(of=("self",)).filter(membership__user=user, revoked_at=None)
        rows = list(tokens.select_related("membership").order_by("pk"))
        ApiToken.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=now)
        for row in rows:
            record(
                "token.revoked",
                workspace_id=row.membership.workspace_id,
                actor_id=actor_id,
                target=row,
                name=row.name,
            )
    return len(rows)


def member_by_token(header: str, *, now: datetime) -> Member | None:
    """Return who sends this `Authorization` header, with the rights that the token leaves of their role today; else None.

    One query, and once a minute the note that the token was used.
    """
    scheme, _space, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(PREFIX) or len(token) != _LENGTH:
        return None
    member = _member(_by_hash(token_hash=hash_token(token)), now)
    if member is not None and member.token is not None:
        _note_use(member.token, now)
    return member


def member_by_token_id(pk: int, *, now: datetime) -> Member | None:
    """The same for something that this token signed: it is worth as much as the token is now. One query."""
    return _member(_by_id(pk=pk), now)


def _with_whose() -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("membership__user", "membership__workspace")


_by_hash: Final = Prepared(lambda: _with_whose().filter(token_hash=given("token_hash")))
_by_id: Final = Prepared(lambda: _with_whose().filter(pk=given("pk")))


def _member(tokens: Sequence[ApiToken], now: datetime) -> Member | None:
    """Give the member of the one token in question, if it and they are still good for anything."""
    row = next(iter(tokens), None)
    if row is None or not row.is_live(now):
        return None
    membership = row.membership
    if not membership.user.is_active or membership.workspace.deleted_at is not None:
        return None
    return Member(user=membership.user, workspace=membership.workspace, role=Role(membership.role), token=row)


def _note_use(row: ApiToken, now: datetime) -> None:
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
