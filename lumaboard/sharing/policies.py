"""What a workspace demands of its links, and which links would break it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from lumaboard.accounts.access import Member, lock_people
from lumaboard.accounts.models import Workspace
from lumaboard.audit.operations import record
from lumaboard.sharing.models import DOWNLOAD_RANK, Download, ShareLink, SharePolicy


class PolicyBroken(Exception):
    """A link would be freer than its workspace allows."""

    def __init__(self, breaches: Iterable[str]) -> None:
        self.breaches = tuple(breaches)
        super().__init__(", ".join(self.breaches))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What may be asked of links, apart from any row."""

    most_days: int | None = None
    needs_password: bool = False
    most_download: Download = Download.RAW

    def breaches(self, *, expires_at: datetime | None, has_password: bool, download: str, now: datetime) -> list[str]:
        """Name the fields in which a link with these terms would be too free: `expires_at`, `password`, `download`."""
        broken = []
        if self.most_days is not None and (expires_at is None or expires_at > now + timedelta(days=self.most_days)):
            broken.append("expires_at")
        if self.needs_password and not has_password:
            broken.append("password")
        if DOWNLOAD_RANK[Download(download)] > DOWNLOAD_RANK[self.most_download]:
            broken.append("download")
        return broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A link that is freer than the demands, and in which fields."""

    link: ShareLink
    breaches: list[str] = field(default_factory=list)


def demands_of(policy: SharePolicy | None) -> Demands:
    if policy is None:
        return Demands()
    return Demands(
        most_days=policy.most_days,
        needs_password=policy.needs_password,
        most_download=Download(policy.most_download),
    )


@contextmanager
def changing_policy(member: Member) -> Iterator[SharePolicy]:
    """Open a transaction that holds the workspace's policy still, and save it at the end: no admin overwrites another's change.

    Raises `PermissionDenied`.
    """
    member.require("manage_policies")
    with transaction.atomic():
        lock_people(member.workspace.pk)
        policy = policy_of(member.workspace)
        yield policy
        policy.save()


def policy_of(workspace: Workspace) -> SharePolicy:
    """Return the workspace's policy, or an unsaved one that demands nothing."""
    return SharePolicy.objects.filter(workspace=workspace).first() or SharePolicy(workspace=workspace)


def breakers(workspace: Workspace, demands: Demands, *, now: datetime) -> list[Breaker]:
    """Return the live links of the workspace that are freer than these demands, newest first; one query."""
    links = ShareLink.objects.in_workspace(workspace.pk).live(now).select_related("created_by")
    found = []
    for link in links.order_by("-created_at", "-id"):
        broken = demands.breaches(
            expires_at=link.expires_at, has_password=link.has_password, download=link.download, now=now
        )
        if broken:
            found.append(Breaker(link=link, breaches=broken))
    return found


def change_policy(member: Member, demands: Demands, *, revoke_breakers: bool, now: datetime) -> int:
    """Save the demands and, where wished, revoke the links that break them; returns how many were revoked.

    Those that are left alone stay as they are until somebody changes them. Raises `PermissionDenied`.
    """
    with changing_policy(member) as policy:
        policy.most_days, policy.needs_password = demands.most_days, demands.needs_password
        policy.most_download = demands.most_download
        record(
            "sharing.policy_changed",
            workspace_id=member.workspace.pk,
            actor_id=member.user.pk,
            most_days=policy.most_days,
            needs_password=policy.needs_password,
            most_download=str(policy.most_download),
        )
        if not revoke_breakers:
            return 0
        broken = [breaker.link.pk for breaker in breakers(member.workspace, demands, now=now)]
        for link in ShareLink.objects.filter(pk__in=broken, revoked_at=None):
            link.revoked_at, link.revoked_by = now, member.user
            link.save(update_fields=["revoked_at", "revoked_by"])
            record("link.revoked", workspace_id=link.workspace_id, actor_id=member.user.pk, target=link, by_policy=True)
    return len(broken)
