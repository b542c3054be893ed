"""Where a person is signed in, and how to end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from lumaboard.accounts import api_tokens, browsers
from lumaboard.accounts.models import Session, User
from lumaboard.accounts.tokens import hash_token
from lumaboard.audit.operations import record

_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One browser in which a person is signed in. `handle` names it on pages, where its key must never stand."""

    handle: str
    browser: str
    is_hand_held: bool
    address: str
    since: datetime
    seen_at: datetime
    is_this: bool


def sign_ins_of(user: User, *, this_key: str | None, now: datetime) -> list[SignIn]:
    """Where the person is signed in, this browser first, then the one seen last; one query."""
    rows = Session.objects.filter(user=user, expire_date__gt=now).order_by("-seen_at", "pk")[:_MOST_SHOWN]
    found = [
        SignIn(
            handle=hash_token(row.session_key),
            browser=browsers.describe(row.agent),
            is_hand_held=browsers.is_hand_held(row.agent),
            address=row.address,
            since=row.created_at,
            seen_at=row.seen_at,
            is_this=row.session_key == this_key,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: not one.is_this)


def end(user: User, handle: str) -> bool:
    """End one sign-in of this person; says whether there was one of this name. The browser is out at its next request."""
    keys = Session.objects.filter(user=user).values_list("session_key", flat=True)
    key = next((key for key in keys if hash_token(key) == handle), None)
    with transaction.atomic():
        ended, _by_table = Session.objects.filter(user=user, session_key=key).delete()
        if ended:
            record("sign_in.ended", workspace_id=None, actor_id=user.pk, target=user)
    return bool(ended)


def forget_all_but(user: User, *, keep: str | None) -> None:
    """Remove the person's sessions but one: a new password has ended them, and they would only stand in the list."""
    Session.objects.filter(user=user).exclude(session_key=keep or "").delete()


def end_all(user: User, *, with_tokens: bool, now: datetime) -> int:
    """End every sign-in of this person, with the API tokens if so wished, and say how many sign-ins there were."""
    with transaction.atomic():
        if with_tokens:
            api_tokens.revoke_all(user, actor_id=user.pk, now=now)
        ended, _by_table = Session.objects.filter(user=user).delete()
        record("sign_in.all_ended", workspace_id=None, actor_id=user.pk, target=user, count=ended)
    return ended
