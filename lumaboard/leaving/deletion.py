"""Delete workspaces: out of reach in one short transaction, out of the tables and off the disk in many small ones.

Whoever deletes a workspace has nobody in it any more, so each request finds what a stranger's does. Keys are forgotten in the
same moment, and with them ends all asking. A job removes the rest in batches; it may be killed, run twice and run beside
itself, for it only ever asks what is still there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, Final

from django.db import models, transaction

from lumaboard.accounts.access import Member, changing_people
from lumaboard.accounts.models import Invitation, Membership, User, Workspace
from lumaboard.archive import storage
from lumaboard.audit.operations import record
from lumaboard.connections.models import Connection
from lumaboard.generations.counts import PRESENT, Bucket, counts_of_everything
from lumaboard.generations.models import Generation
from lumaboard.sharing.models import ShareLink

QUIET: Final = timedelta(minutes=2)
"""Until everything has ended that was being asked with the workspace's keys when they were forgotten."""

LAST: Final = timedelta(minutes=30)
"""Until the longest copy has ended; the workspace's own row stays so long, because such a copy looks for it."""

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What goes with a workspace."""

    generation_count: int
    stored_bytes: int
    member_count: int
    connection_count: int
    link_count: int


def contents_of(workspace: Workspace, *, now: datetime) -> Contents:
    """Four queries, and none of them counts generations or files."""
    counts = counts_of_everything(workspace.pk)
    return Contents(
        generation_count=sum(counts[bucket] for bucket in (*PRESENT, Bucket.TRASH)),
        stored_bytes=workspace.stored_bytes,
        member_count=Membership.objects.filter(workspace=workspace).count(),
        connection_count=Connection.objects.present().filter(workspace=workspace).count(),
        link_count=ShareLink.objects.open(now).filter(workspace=workspace).count(),
    )


def delete(member: Member, *, now: datetime) -> None:
    """Put the workspace out of everybody's reach, at once and for good.

    Raises `PermissionDenied`, and `Http404` for whoever is no member any more: of two owners at once, the second.
    """
    with changing_people(member) as actor:
        actor.require("delete_workspace")
        put_out_of_reach(actor.workspace, actor_id=actor.user.pk, now=now)


def put_out_of_reach(workspace: Workspace, *, actor_id: int, now: datetime) -> None:
    """Forget the workspace's people and keys; call it in a transaction that holds its people still.

    The audit row names the workspace and belongs to none, so it stays when the rest goes.
    """
    contents = contents_of(workspace, now=now)
    Connection.objects.present().filter(workspace=workspace).update(key_box=b"", key_last4="", removed_at=now)
    User.objects.filter(memberships__workspace=workspace, last_workspace=workspace).update(last_workspace=None)
    Invitation.objects.filter(workspace=workspace).delete()
    Membership.objects.filter(workspace=workspace).delete()
    Workspace.objects.filter(pk=workspace.pk).update(deleted_at=now)
    record(
        "workspace.deleted",
        workspace_id=None,
        actor_id=actor_id,
        target=workspace,
        name=workspace.name,
        generations=contents.generation_count,
        bytes=contents.stored_bytes,
        members=contents.member_count,
        links=contents.link_count,
    )


def purge(*, now: datetime, seconds: float) -> bool:
    """Remove what deleted workspaces left, for about so long; says whether there is more to do now."""
    ends_at = monotonic() + seconds
    gone = Workspace.objects.filter(deleted_at__lte=now - QUIET).order_by("deleted_at", "pk")
    for workspace in gone:
        while _remove_some(workspace.pk):
            if monotonic() >= ends_at:
                return True
        shutil.rmtree(storage.root() / str(workspace.pk), ignore_errors=True)  # the next run tries what is left
        if workspace.deleted_at is not None and workspace.deleted_at <= now - LAST:
            workspace.delete()
    return False


def _remove_some(workspace_id: int) -> bool:
    """Remove a batch of the workspace's rows, and say whether there were any."""
    with transaction.atomic():
        if not Workspace.objects.select_for_update().filter(pk=workspace_id).exists():
            return False
        for model, field in _owned():
            rows = model._default_manager.filter(**{field: workspace_id})
            pks = list(rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
            if pks:
                model._default_manager.filter(pk__in=pks).delete()
                return True
    return False


@cache
def _owned() -> list[tuple[type[models.Model], str]]:
    """Every table whose rows belong to a workspace; generations first, for their connections go only after them."""
    owned: list[tuple[Any, str]] = [
        (relation.related_model, relation.field.name)
        for relation in Workspace._meta.related_objects
        if relation.on_delete is models.CASCADE
    ]
    return sorted(owned, key=lambda each: each[0] is not Generation)
