"""Change who is in a workspace, and as what; one owner always remains.

Every act takes the lock of the workspace's people and reads them again, so that two acts at once are two in a row.
"""

from __future__ import annotations

from lumaboard.accounts.access import Member, changing_people
from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.operations import record


class LastOwner(Exception):
    """Nobody would own the workspace any more."""


def change_role(member: Member, pk: int, role: Role) -> Membership:
    """Give the person of this membership another role; the same role again changes nothing.

    Raises `PermissionDenied`, `LastOwner`, and `Membership.DoesNotExist` where there is no such membership any more.
    """
    with changing_people(member) as actor:
        changed = _membership(actor, pk)
        old = changed.role
        actor.require_giving(old, role)
        if role != old:
            changed.role = role
            changed.save(update_fields=["role"])
            _require_an_owner(changed, before=old)
            _record("member.role_changed", actor, changed, old=old, new=role.value)
    return changed


def remove(member: Member, pk: int) -> Membership:
    """End somebody's membership; what they made stays. Raises as `change_role` does."""
    with changing_people(member) as actor:
        removed = _membership(actor, pk)
        actor.require_giving(removed.role)
        _end(removed)
        _record("member.removed", actor, removed, role=removed.role)
    return removed


def leave(member: Member) -> None:
    """End one's own membership, whatever the role; raises `LastOwner`."""
    with changing_people(member) as actor:
        own = Membership.objects.get(workspace=actor.workspace, user=actor.user)
        _end(own)
        _record("member.left", actor, own, role=own.role)


def _membership(member: Member, pk: int) -> Membership:
    return Membership.objects.select_related("user").get(workspace=member.workspace, pk=pk)


def _end(membership: Membership) -> None:
    Membership.objects.filter(pk=membership.pk).delete()
    _require_an_owner(membership, before=membership.role)


def _require_an_owner(membership: Membership, *, before: str) -> None:
    """Undo what was just done if it took the workspace's last owner who can still sign in."""
    owners = Membership.objects.filter(workspace=membership.workspace_id, role=Role.OWNER, user__is_active=True)
    if before == Role.OWNER and not owners.exists():
        raise LastOwner


def _record(verb: str, actor: Member, membership: Membership, **detail: str) -> None:
    record(verb, workspace_id=actor.workspace.pk, actor_id=actor.user.pk, target=membership.user, **detail)
