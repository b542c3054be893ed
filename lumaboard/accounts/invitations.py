"""Invite people into a workspace, and let them in; each act writes its audit row in its own transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from lumaboard.accounts.access import Member, changing_people, lock_people, may_give
from lumaboard.accounts.models import Invitation, Membership, Role, User
from lumaboard.accounts.operations import create_person, newcomer
from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.audit.verbs import AUDIENCES, VERBS

logger = logging.getLogger(__name__)

CONSOLE = "django.core.mail.backends.console.EmailBackend"
LIFETIME = timedelta(days=7)
MOST_A_DAY = 100
"""From one workspace, in any 24 hours: more would make this installation a sender of unwanted mail."""


class AlreadyMember(Exception):
    """Whoever has this address is in the workspace already."""


class TooManyInvitations(Exception):
    """The workspace has sent as many as it may within a day."""


class InvitationDead(Exception):
    """The invitation is unknown, used, withdrawn, replaced or over its time, or its sender may not give the role any more."""


class NotInvited(Exception):
    """The invitation is for another address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An invitation with its link, which nobody can read again."""

    invitation: Invitation
    token: str
    has_replaced: bool

    @property
    def url(self) -> str:
        """The link, built from our own public address, never from the Host header of whoever invites."""
        return settings.PUBLIC_URL + reverse("invitation", args=[self.token])


def invite(member: Member, *, email: str, role: Role, now: datetime) -> Sent:
    """Invite this address into the member's workspace for seven days; an earlier open invitation dies with it.

    Raises `PermissionDenied`, `AlreadyMember` and `TooManyInvitations`. The token itself is stored nowhere.
    """
    email, token = email.strip().lower(), new_token()
    with changing_people(member) as actor:
        actor.require_giving(role)
        if Membership.objects.filter(workspace=actor.workspace, user__email=email).exists():
            raise AlreadyMember(email)
        if _sent_since(actor.workspace.pk, now - timedelta(days=1)) >= MOST_A_DAY:
            raise TooManyInvitations
        earlier = Invitation.objects.open().filter(workspace=actor.workspace, email=email).first()
        if earlier is not None and earlier.expires_at > now:
            actor.require_giving(earlier.role)
        invitation = earlier or Invitation(workspace=actor.workspace, email=email)
        invitation.role = role
        invitation.token_hash = hash_token(token)
        invitation.invited_by = actor.user
        invitation.created_at, invitation.expires_at = now, now + LIFETIME
        invitation.save()
        record(
            "invitation.sent",
            workspace_id=actor.workspace.pk,
            actor_id=actor.user.pk,
            target=invitation,
            email=email,
            role=role.value,
            replaced=earlier is not None,
        )
    return Sent(invitation=invitation, token=token, has_replaced=earlier is not None)


def _sent_since(workspace_id: int, since: datetime) -> int:
    """Count the invitations by what was recorded, since a renewed one keeps its row; the index of the activity page answers."""
    verb = "invitation.sent"
    kind = VERBS[verb].kind
    acts = AuditEvent.objects.filter(workspace=workspace_id, audience=AUDIENCES[kind], kind=kind, at__gt=since)
    return acts.filter(verb=verb).count()


def mail(sent: Sent) -> bool:
    """Mail the link, and say whether it went out; where no mail server is set, nothing does.

    Call it outside any transaction.
    """
    if settings.EMAIL_BACKEND == CONSOLE:
        return False  # a link in the log would be anybody's who reads it
    invitation = sent.invitation
    names = {
        "inviter": _one_line(str(invitation.invited_by)),
        "workspace": _one_line(invitation.workspace.name),
        "role": invitation.get_role_display(),
        "url": sent.url,
    }
    subject = _one_line(render_to_string("accounts/email/invitation_subject.txt", names))
    message = render_to_string("accounts/email/invitation_message.txt", names)
    try:
        send_mail(subject, message, None, [invitation.email])
    except (OSError, UnicodeError) as error:  # the mail server failed; the address has no form that mail knows
        logger.warning("an invitation could not be mailed: %s", type(error).__name__)
        return False
    return True


def withdraw(member: Member, pk: int, now: datetime) -> Invitation:
    """End an open invitation. Raises `PermissionDenied`, and `Invitation.DoesNotExist` where it is open no more."""
    with changing_people(member) as actor:
        invitation = Invitation.objects.open().get(workspace=actor.workspace, pk=pk)
        actor.require_giving(invitation.role)
        invitation.withdrawn_at = now
        invitation.save(update_fields=["withdrawn_at"])
        record(
            "invitation.withdrawn",
            workspace_id=actor.workspace.pk,
            actor_id=actor.user.pk,
            target=invitation,
            email=invitation.email,
            role=invitation.role,
        )
    return invitation


def find(token: str, now: datetime) -> Invitation:
    """Return the invitation behind a link while it holds; else raise `InvitationDead`."""
    found = Invitation.objects.open().filter(token_hash=hash_token(token), expires_at__gt=now)
    invitation = found.select_related("workspace", "invited_by").first()
    if invitation is None or not _holds(invitation):
        raise InvitationDead
    return invitation


def _holds(invitation: Invitation) -> bool:
    """Whether whoever sent it may still give its role."""
    givers = Membership.objects.filter(
        workspace=invitation.workspace_id, user=invitation.invited_by_id, user__is_active=True
    )
    giver = givers.first()
    return giver is not None and may_give(giver.role, invitation.role)


def is_invited(email: str, now: datetime) -> bool:
    """Whether somebody of this address has an invitation that holds, so that they may have an account."""
    for invitation in Invitation.objects.open().filter(email=email, expires_at__gt=now).select_related("workspace"):
        if _holds(invitation):
            return True
    return False


def accept(token: str, user: User, now: datetime) -> Membership:
    """Let the invited person in, once. Raises `InvitationDead`, and `NotInvited` for anybody else."""
    with transaction.atomic():
        invitation = _take(token, now)
        if user.email != invitation.email:
            raise NotInvited
        return _join(invitation, user, now)


def accept_as_newcomer(token: str, *, name: str, password: str, now: datetime) -> Membership:
    """Make an account with the invited address and let it in; all of it or, with an error, nothing.

    Raises `InvitationDead`, and what `create_person` raises: `PersonExists`, and `ValidationError` for the password.
    """
    person = newcomer(find(token, now).email, name, password)
    with transaction.atomic():
        return _join(_take(token, now), create_person(person, now), now)


def _take(token: str, now: datetime) -> Invitation:
    """Read the invitation again under the lock of its workspace's people, as of two with one link the second must."""
    lock_people(find(token, now).workspace_id)
    return find(token, now)


def _join(invitation: Invitation, user: User, now: datetime) -> Membership:
    workspace = invitation.workspace
    if Membership.objects.filter(workspace=workspace, user=user).exists():
        raise InvitationDead
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    membership = Membership.objects.create(workspace=workspace, user=user, role=invitation.role, created_at=now)
    User.objects.filter(pk=user.pk, last_workspace=None).update(last_workspace=workspace)
    record(
        "member.joined",
        workspace_id=workspace.pk,
        actor_id=user.pk,
        target=user,
        role=invitation.role,
        invited_by=invitation.invited_by_id,
    )
    return membership


def _one_line(text: str) -> str:
    """A line break in a name must not become one in a mail."""
    return " ".join(text.split())
