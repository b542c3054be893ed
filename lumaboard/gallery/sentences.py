"""What was done, as sentences: from audit rows to lines with a person, words and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.db.models.functions import Left
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, Role, User
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import VERBS, Kind
from lumaboard.connections.models import Connection
from lumaboard.generations.models import AssetRole, Generation
from lumaboard.generations.naming import LONGEST_BEGINNING, called
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.operations import may_change

_NAME = re.compile(r"\{(\w+)\}")
_MISSING = "…"
"""Stands where a row does not say what its sentence asks for."""

_ROLES = {"role": "role", "old_role": "old", "new_role": "new"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence; with an address it is a link."""

    text: str
    url: str = ""
    is_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the activity page."""

    event: AuditEvent
    at: datetime  # where the reader is
    initials: str
    hue: int
    is_former: bool
    parts: Sequence[Part]

    @property
    def kind(self) -> str:
        return str(Kind(self.event.kind).label)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    @property
    def url(self) -> str:
        return next((part.url for part in self.parts if part.url), "")


def lines_of(events: Sequence[AuditEvent], member: Member) -> list[Line]:
    """Tell these rows to this member; a query for each sort of thing they name, however many they are."""
    things = _Things(events, member)
    return [_line(event, things) for event in events]


def name_of_actor(event: AuditEvent) -> str:
    """Who did it: a person, whoever that was before being erased, or the program by itself."""
    if event.actor is not None:
        return str(event.actor)
    return "Lumaboard" if event.is_automatic else _("Former member")


def _line(event: AuditEvent, things: _Things) -> Line:
    words = _NAME.split(str(VERBS[event.verb].sentence))
    parts = [_part(word, event, things) if number % 2 else Part(word) for number, word in enumerate(words)]
    actor = event.actor
    return Line(
        event=event,
        at=timezone.localtime(event.at),
        initials=actor.initials if actor else "",
        hue=actor.hue if actor else 1,
        is_former=actor is not None and actor.erased_at is None and actor.pk not in things.members,
        parts=[part for part in parts if part.text],
    )


def _part(name: str, event: AuditEvent, things: _Things) -> Part:
    if name == "who":
        return Part(name_of_actor(event), is_person=True)
    if name == "what":
        return things.target_of(event)
    if name in _ROLES:
        role = event.detail.get(_ROLES[name])
        return Part(str(Role(role).label) if role in Role.values else _MISSING)
    if name == "file":
        role = event.detail.get("role")
        return Part(str(AssetRole(role).label) if role in AssetRole.values else _MISSING)
    return Part(str(event.detail.get(name) or _MISSING))


class _Things:
    """What a page of rows is about, each sort read once, when the first row names one."""

    def __init__(self, events: Sequence[AuditEvent], member: Member) -> None:
        self._events = events
        self._member = member
        self._slug = member.workspace.slug

    @cached_property
    def members(self) -> frozenset[int]:
        """Those who did something and are still in the workspace."""
        actors = {event.actor_id for event in self._events}
        memberships = Membership.objects.filter(workspace=self._member.workspace, user__in=actors - {None})
        return frozenset(memberships.values_list("user_id", flat=True))

    @cached_property
    def _generations(self) -> dict[int, str]:
        """The names of those this member may see."""
        seen = Generation.objects.in_workspace(self._member.workspace.pk).visible_to(self._member.user.pk)
        rows = seen.filter(pk__in=self._ids("generation"))
        begun = rows.annotate(begin=Left("prompt", LONGEST_BEGINNING + 1))
        shown = begun.values_list("pk", "title", "begin", "task_id")
        return {pk: called(title=title, prompt=begin, task_id=task_id) for pk, title, begin, task_id in shown}

    @cached_property
    def _connections(self) -> dict[int, str]:
        rows = Connection.objects.filter(workspace=self._member.workspace, pk__in=self._ids("connection"))
        return dict(rows.values_list("pk", "name"))

    @cached_property
    def _people(self) -> dict[int, str]:
        return {user.pk: str(user) for user in User.objects.filter(pk__in=self._ids("user")).only("name", "email")}

    @cached_property
    def _links(self) -> dict[int, ShareLink]:
        rows = ShareLink.objects.in_workspace(self._member.workspace.pk).filter(pk__in=self._ids("sharelink"))
        return {link.pk: link for link in rows.only("name", "created_by")}

    def target_of(self, event: AuditEvent) -> Part:
        """Name what was done something to, with a link where this member may go there."""
        if event.verb in ("track", "past.brought_in") and event.target_kind != "generation":
            return self._many(event)
        pk = int(event.target_id) if event.target_id.isdigit() else 0
        match event.target_kind:
            case "generation":
                return self._generation(pk, event)
            case "connection":
                name = self._connections.get(pk, _MISSING)
                is_allowed = self._member.may("manage_connections")
                return Part(name, reverse("connections:index", args=[self._slug]) if is_allowed else "")
            case "intent":
                is_allowed = self._member.may("submit")
                return Part(_("a request"), reverse("submission:unsettled", args=[self._slug]) if is_allowed else "")
            case "sharelink":
                return self._link(pk)
            case "user":
                return Part(self._people.get(pk) or _("a former member"), reverse("members", args=[self._slug]))
        return Part(_MISSING)

    def _generation(self, pk: int, event: AuditEvent) -> Part:
        name = self._generations.get(pk)
        if name is None:
            return Part(_("a generation"))
        then = event.detail.get("new") if event.verb == "rename" else None
        return Part(then or name, reverse("gallery:detail", args=[self._slug, pk]))

    def _link(self, pk: int) -> Part:
        link = self._links.get(pk)
        if link is None:
            return Part(_MISSING)
        is_allowed = may_change(self._member, link)
        return Part(str(link), reverse("sharing:edit", args=[self._slug, pk]) if is_allowed else "")

    def _many(self, event: AuditEvent) -> Part:
        """So many generations at once; the link leads to what this person tracked on that day, or of that connection."""
        count = int(event.detail.get("generation_count", 0))
        text = ngettext("%(count)d generation", "%(count)d generations", count) % {"count": count}
        if event.actor_id is None:
            return Part(text)
        day = timezone.localtime(event.at).date().isoformat()
        of_the_past = event.verb == "past.brought_in"  # its days are those on which it was made
        which = {"connection": event.target_id} if of_the_past else {"from": day, "to": day}
        query = urlencode({"owner": event.actor_id, **which})
        return Part(text, f"{reverse('gallery:index', args=[self._slug])}?{query}")

    def _ids(self, target_kind: str) -> Iterable[int]:
        ids = (event.target_id for event in self._events if event.target_kind == target_kind)
        return {int(pk) for pk in ids if pk.isdigit()}
