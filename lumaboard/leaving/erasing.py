"""Erase a person: what they made stays in its workspaces, and nothing says any more who they were.

Their row stays as an empty one, because what they made points to it: changing every such row would take as long as they were
busy. It holds no name, no address and no way to sign in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Exists, OuterRef

from lumaboard.accounts.access import lock_people
from lumaboard.accounts.models import Invitation, Membership, Role, User, Workspace
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.leaving.deletion import put_out_of_reach
from lumaboard.submission.pictures import forget_of

ERASED_WORD: Final = "(erased)"
"""Stands in audit rows where an address stood."""


class StillNeeded(Exception):
    """The person is the last owner of workspaces that others are in; `workspaces` names them."""

    def __init__(self, workspaces: Sequence[Workspace]) -> None:
        super().__init__(", ".join(workspace.name for workspace in workspaces))
        self.workspaces = workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What erasing a person does to their workspaces."""

    needed_in: Sequence[Workspace]
    """Others are there, and nobody else owns them: they have to get another owner first."""
    deleted: Sequence[Workspace]
    """Nobody else is there."""
    left: Sequence[Membership]


def consequences_for(user: User) -> Consequences:
    """Say what becomes of the person's workspaces; one query."""
    others = Membership.objects.filter(workspace=OuterRef("workspace"), user__is_active=True).exclude(user=user)
    own = Membership.objects.filter(user=user).select_related("workspace").order_by("workspace__name", "pk")
    needed_in, deleted, left = [], [], []
    for membership in own.annotate(has_others=Exists(others), has_another_owner=Exists(others.filter(role=Role.OWNER))):
        if not membership.has_others:
            deleted.append(membership.workspace)
        elif membership.role == Role.OWNER and not membership.has_another_owner:
            needed_in.append(membership.workspace)
        else:
            left.append(membership)
    return Consequences(needed_in=needed_in, deleted=deleted, left=left)


def erase(user: User, *, now: datetime) -> None:
    """Erase the person for good; all of it or, with an error, nothing. Raises `StillNeeded`.

    Of two last-but-one owners who erase themselves at once, the second is still needed: the workspaces' people are held
    still, always in one order.
    """
    with transaction.atomic():
        for workspace_id in (
            Membership.objects.filter(user=user).order_by("workspace").values_list("workspace", flat=True)
        ):
            lock_people(workspace_id)
        person = User.objects.select_for_update().get(pk=user.pk)
        consequences = consequences_for(person)
        if consequences.needed_in:
            raise StillNeeded(consequences.needed_in)
        for workspace in consequences.deleted:
            put_out_of_reach(workspace, actor_id=person.pk, now=now)
        for membership in consequences.left:
            record(
                "member.left",
                workspace_id=membership.workspace_id,
                actor_id=person.pk,
                target=person,
                role=membership.role,
            )
        _forget_address(person.email)
        forget_of(person)
        _forget_belongings(person)
        _empty(person, now)
        record("person.erased", workspace_id=None, actor_id=person.pk, target=person)


def _forget_address(email: str) -> None:
    """Take the address out of invitations, and of the audit rows that tell of them."""
    invited = Invitation.objects.filter(email=email)
    events = list(
        AuditEvent.objects.filter(
            target_kind="invitation", target_id__in=[str(pk) for pk in invited.values_list("pk", flat=True)]
        )
    )
    for event in events:
        if event.detail.get("email") == email:
            event.detail["email"] = ERASED_WORD
    AuditEvent.objects.bulk_update(events, ["detail"], batch_size=500)
    invited.delete()


def _forget_belongings(person: User) -> None:
    """Remove the rows that would go with the person's own: memberships, sign-ins, second factors, what is only theirs."""
    for relation in User._meta.related_objects:
        if relation.on_delete is models.CASCADE:
            model: Any = relation.related_model
            model._default_manager.filter(**{relation.field.name: person}).delete()


def _empty(person: User, now: datetime) -> None:
    person.email = f"erased-{person.pk}@erased.invalid"
    person.name = person.theme = person.time_zone = person.language = ""
    person.last_workspace = None
    person.is_active, person.erased_at = False, now
    person.set_unusable_password()
    person.save()
