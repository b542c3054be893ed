"""Make people and workspaces, and let people in; each act writes its audit row in its own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from lumaboard.accounts import api_tokens
from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, Role, Session, SetupLink, User, Workspace
from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.audit.operations import record

SETUP_LINK_LIFETIME = timedelta(hours=24)


class AlreadySetUp(Exception):
    """There is an owner already: a set-up link would be a way around signing in."""


class SetupLinkDead(Exception):
    """The set-up link is unknown, used, replaced by a newer one or over its time."""


class PersonExists(Exception):
    """Somebody with this e-mail address is here already."""


class PersonUnknown(Exception):
    """Nobody has this e-mail address."""


def create_setup_link(now: datetime) -> str:
    """Return the token of a new set-up link, which works once and for 24 hours; earlier links die with it.

    Raises `AlreadySetUp` once somebody has an account. The token itself is stored nowhere.
    """
    token = new_token()
    with transaction.atomic():
        if User.objects.anybody():
            raise AlreadySetUp("Somebody has an account already. `manage.py reset_password` lets them back in.")
        SetupLink.objects.all().delete()
        SetupLink.objects.create(token_hash=hash_token(token), created_at=now, expires_at=now + SETUP_LINK_LIFETIME)
        record("setup_link.created", workspace_id=None, actor_id=None)
    return token


def is_setup_link_alive(token: str, now: datetime) -> bool:
    """Whether somebody who opens this link may set up the installation."""
    link = SetupLink.objects.filter(token_hash=hash_token(token), used_at=None, expires_at__gt=now)
    return link.exists() and not User.objects.anybody()


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who may get an account: checked, and with the password hashed."""

    email: str
    name: str
    password_hash: str


def newcomer(email: str, name: str, password: str) -> Newcomer:
    """Check address and password, and hash it: slow on purpose, so not for use inside a transaction.

    Raises `ValidationError` for an address or password that will not do.
    """
    email = email.strip().lower()
    validate_email(email)
    validate_password(password, user=User(email=email, name=name))
    return Newcomer(email, name.strip(), make_password(password))


def use_setup_link(
    token: str, *, email: str, name: str, password: str, workspace_name: str, now: datetime
) -> Membership:
    """Make the first owner and workspace, and use the link up; all of it or, with an error, nothing.

    Raises `SetupLinkDead`, and `ValidationError` as `newcomer` does.
    """
    first = newcomer(email, name, password)
    with transaction.atomic():
        # Of two people with the same link one gets the 1: the filter is repeated inside the UPDATE.
        used = SetupLink.objects.filter(token_hash=hash_token(token), used_at=None, expires_at__gt=now).update(
            used_at=now
        )
        if not used or User.objects.anybody():
            raise SetupLinkDead
        return create_workspace(workspace_name, create_person(first, now, is_vouched_for=True), now)


def create_person(person: Newcomer, now: datetime, *, is_vouched_for: bool = False) -> User:
    """Make a person who is in no workspace yet; raises `PersonExists`.

    For some the operator vouches: their address counts as proven.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_hashed(
                person.email,
                person.password_hash,
                name=person.name,
                created_at=now,
                address_proven_at=now if is_vouched_for else None,
            )
            record("person.created", workspace_id=None, actor_id=user.pk, target=user)
    except IntegrityError as error:  # the database decides: of two with one address, one comes second
        raise PersonExists(person.email) from error
    return user


def create_person_without_password(email: str, name: str, now: datetime) -> User:
    """Make a person who signs in through single sign-on, and is in no workspace yet; raises `PersonExists`."""
    return create_person(Newcomer(email.strip().lower(), name.strip(), make_password(None)), now)


def create_workspace(name: str, owner: User, now: datetime) -> Membership:
    """Make a workspace and its first owner; the address is made from the name, and does not change with it."""
    name = name.strip()
    with transaction.atomic():
        workspace = Workspace.objects.create(name=name, slug=_free_slug(name), created_at=now)
        membership = Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER, created_at=now)
        User.objects.filter(pk=owner.pk, last_workspace=None).update(last_workspace=workspace)
        record("workspace.created", workspace_id=workspace.pk, actor_id=owner.pk, target=workspace, name=name)
    return membership


def rename_workspace(member: Member, name: str) -> None:
    """Give the workspace another name; its address stays."""
    with transaction.atomic():
        Workspace.objects.filter(pk=member.workspace.pk).update(name=name)
        record(
            "workspace.renamed",
            workspace_id=member.workspace.pk,
            actor_id=member.user.pk,
            target=member.workspace,
            old=member.workspace.name,
            new=name,
        )


def set_password(email: str, password: str, now: datetime) -> None:
    """Give a person a new password; wherever they are signed in, they are so no longer, and their API tokens end.

    The session hash is made from the password, so no session outlives it. Raises `PersonUnknown`, and `ValidationError`.
    """
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise PersonUnknown(email)
    validate_password(password, user=user)
    user.set_password(password)  # slow on purpose, so before the transaction
    with transaction.atomic():
        user.save(update_fields=["password"])
        Session.objects.filter(user=user).delete()
        api_tokens.revoke_all(user, actor_id=None, now=now)
        record("password.set_by_operator", workspace_id=None, actor_id=None, target=user)


def landing_workspace(user: User) -> Workspace | None:
    """Return the workspace the person used last, else the first they joined, else None."""
    memberships = Membership.objects.filter(user=user).select_related("workspace").order_by("created_at", "id")
    workspaces = [membership.workspace for membership in memberships]
    last = [workspace for workspace in workspaces if workspace.pk == user.last_workspace_id]
    return next(iter(last + workspaces), None)


def _free_slug(name: str) -> str:
    wanted = slugify(name)[:50].strip("-") or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    return next(slug for slug in _numbered(wanted, len(taken) + 2) if slug not in taken)


def _numbered(slug: str, count: int) -> list[str]:
    return [slug, *(f"{slug}-{number}" for number in range(2, count + 2))]
