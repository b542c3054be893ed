"""Is every privileged act recorded? What is in the tables tells of acts that must have been; each needs its audit row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from lumaboard.accounts.models import ApiToken, Invitation, Membership, Role, User, Workspace
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import VERBS
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation
from lumaboard.generations.remarks import Note
from lumaboard.news.hooks.models import Webhook
from lumaboard.sharing.models import Download, Logo, ShareLink, SharePolicy


def traces() -> Sequence[tuple[tuple[str, ...], QuerySet[Any]]]:
    """Rows that an act has left behind, with the verbs of which one must tell of each.

    Of deleted workspaces nothing is asked: the rows that tell of what was in them go with it.
    """
    connections, links = Connection.objects.filter(**_KEPT), ShareLink.objects.filter(**_KEPT)
    generations, invitations = Generation.objects.filter(**_KEPT), Invitation.objects.filter(**_KEPT)
    webhooks = Webhook.objects.filter(**_KEPT)
    tokens = ApiToken.objects.filter(membership__workspace__deleted_at=None)
    return [
        (("person.created",), User.objects.all()),
        (("person.erased",), User.objects.exclude(erased_at=None)),
        (("workspace.created",), Workspace.objects.present()),
        (("workspace.deleted",), Workspace.objects.exclude(deleted_at=None)),
        (("connection.added",), connections),
        (("connection.paused",), connections.exclude(pause_reason="")),
        (("connection.removed",), connections.exclude(removed_at=None)),
        (("invitation.sent",), invitations),
        (("invitation.withdrawn",), invitations.exclude(withdrawn_at=None)),
        (("rename",), generations.exclude(title="")),
        (("make_private", "make_shared"), generations.exclude(privacy_seq=None)),
        (("note.written",), generations.filter(Exists(_NOTES))),
        (("note.changed",), generations.filter(Exists(_NOTES.exclude(edited_at=None)))),
        (("note.deleted",), generations.filter(Exists(_NOTES.exclude(deleted_at=None)))),
        (("trash", "stop_tracking"), generations.exclude(trashed_at=None)),
        (("webhook.added",), webhooks),
        (("webhook.paused",), webhooks.exclude(pause_reason="")),
        (("webhook.removed",), webhooks.exclude(removed_at=None)),
        (("link.made",), links),
        (("link.revoked",), links.exclude(revoked_at=None)),
        (("token.made",), tokens),
        (("token.revoked",), tokens.exclude(revoked_at=None)),
        (("second_factor.added",), User.objects.filter(Exists(Authenticator.objects.filter(user=OuterRef("pk"))))),
    ]


_KEPT: Final = {"workspace__deleted_at": None}
_NOTES: Final = Note.objects.filter(generation=OuterRef("pk"))


def untold_traces() -> Iterator[str]:
    """Rows whose act no audit row tells; by the index of targets, so that a million generations take seconds."""
    for verbs, rows in traces():
        told = AuditEvent.objects.filter(
            target_kind=rows.model._meta.model_name or "",
            target_id=Cast(OuterRef("pk"), CharField(max_length=64)),
            verb__in=verbs,
        )
        for pk in rows.exclude(Exists(told)).order_by("pk").values_list("pk", flat=True).iterator():
            yield f"nothing says who did {' or '.join(verbs)} {pk}"


def untold_settings() -> Iterator[str]:
    """Workspaces that demand something of their links, or have pages of a look of their own, which no act has set."""
    policies, logos = (
        SharePolicy.objects.filter(workspace=OuterRef("pk")),
        Logo.objects.filter(workspace=OuterRef("pk")),
    )
    is_free = Q(most_days=None, needs_password=False, most_download=Download.RAW)
    rules: Sequence[tuple[str, Exists | Q]] = [
        ("sharing.policy_changed", Exists(policies.exclude(is_free))),
        ("sharing.sites_changed", Exists(policies.exclude(embed_sites=[]))),
        ("sharing.look_changed", Exists(logos) | Exists(policies.exclude(accent=""))),
    ]
    for verb, rule in rules:
        told = AuditEvent.objects.filter(workspace=OuterRef("pk"), verb=verb, kind=VERBS[verb].kind)
        for pk in (
            Workspace.objects.present().filter(rule).exclude(Exists(told)).order_by("pk").values_list("pk", flat=True)
        ):
            yield f"nothing says who did {verb} in workspace {pk}"


def untold_roles() -> Iterator[str]:
    """Memberships with a role that no act gave."""
    given: dict[tuple[int | None, str], str] = {}
    verbs = ("workspace.created", "member.joined", "member.role_changed")
    acts = AuditEvent.objects.filter(verb__in=verbs, kind__in=("settings", "people")).order_by("id")
    for verb, workspace_id, actor_id, target_id, detail in acts.values_list(
        "verb", "workspace_id", "actor_id", "target_id", "detail"
    ):
        if verb == "workspace.created":
            given[workspace_id, str(actor_id)] = Role.OWNER
        else:
            given[workspace_id, target_id] = detail["new" if verb == "member.role_changed" else "role"]
    for membership in Membership.objects.filter(**_KEPT).order_by("pk"):
        told = given.get((membership.workspace_id, str(membership.user_id)))
        if told != membership.role:
            yield (
                f"person {membership.user_id} is {membership.role} in workspace {membership.workspace_id}, "
                f"but was last made {told or 'nothing'}"
            )


def untold_generations() -> Iterator[str]:
    """Workspaces with more generations than were ever tracked; they are recorded by the batch, so they are counted."""
    tracked: Counter[int | None] = Counter()
    batches = AuditEvent.objects.filter(
        verb__in=("track", "submit", "past.brought_in"), kind="generations"
    ).values_list("workspace_id", "detail")
    for workspace_id, detail in batches.iterator():
        tracked[workspace_id] += detail.get("generation_count", 1)
    counted = Workspace.objects.present().annotate(count=Count("generations")).order_by("pk")
    for pk, count in counted.values_list("pk", "count"):
        if count > tracked[pk]:
            yield f"workspace {pk} has {count} generations, but {tracked[pk]} were tracked"
