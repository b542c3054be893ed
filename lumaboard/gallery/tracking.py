"""The track page: paste anything, see what would happen, then track."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.connections.models import Connection
from lumaboard.core.http import require_form_methods, whole_number
from lumaboard.gallery.forms import PasteForm
from lumaboard.generations import operations
from lumaboard.generations.models import Generation
from lumaboard.generations.naming import short_id
from lumaboard.generations.operations import Wanted
from lumaboard.generations.paste import MOST_IDS, Found, Reading, clean, mask_keys, read
from lumaboard.news.batches import gather

LISTED = 200
"""So many rows are listed one by one; the rest is counted and tracked with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the dry run."""

    found: Found
    short_id: str
    connection: Connection
    is_known: bool
    known: Generation | None  # as far as this person may see it
    value: str  # what its checkbox sends: connection and id


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What tracking this text would do."""

    reading: Reading
    listed: list[Row]
    rest: str  # further new ids, one `connection:id` a line
    rest_count: int
    new_count: int
    known_count: int

    @property
    def total(self) -> int:
        return len(self.reading.found)


@member_required
@require_form_methods
def track(request: MemberRequest) -> HttpResponse:
    """Show the paste box; a POST shows the dry run, or tracks what the dry run offered. Nothing is stored before that."""
    member = request.member
    member.require("track")
    workspace = member.workspace
    if "do_track" in request.POST:
        return _track(request)
    form = PasteForm(request.POST or None, request.FILES or None, workspace_id=workspace.pk)
    connections = list(form.fields["connection"].queryset)  # type: ignore[attr-defined]  # it is a ModelChoiceField
    context: dict[str, object] = {"form": form, "connections": connections}
    if request.method == "POST" and form.is_valid():
        masked, masked_count = mask_keys(form.cleaned_data["text"])
        chosen = form.cleaned_data["connection"]
        dry_run = _dry_run(masked, chosen=chosen, connections=connections, user_id=member.user.pk)
        context |= {"dry_run": dry_run, "text": masked, "masked_count": masked_count}
    elif request.method == "POST":
        context["text"], context["masked_count"] = mask_keys(request.POST.get("text", ""))
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "gallery/track.html", context, status=status)


def _dry_run(text: str, *, chosen: Connection, connections: list[Connection], user_id: int) -> DryRun:
    reading = read(text)
    by_host = _connections_by_host(connections)
    rows_by_connection: dict[int, list[Found]] = defaultdict(list)
    connection_of = {item.task_id: by_host.get(item.host, chosen) for item in reading.found}
    for item in reading.found:
        rows_by_connection[connection_of[item.task_id].pk].append(item)
    known: dict[tuple[int, str], Generation | None] = {}
    for connection_id, items in rows_by_connection.items():
        known |= _known(connection_id, [item.task_id for item in items], user_id=user_id)
    rows = [
        Row(
            found=item,
            short_id=short_id(item.task_id),
            connection=connection_of[item.task_id],
            is_known=(connection_of[item.task_id].pk, item.task_id) in known,
            known=known.get((connection_of[item.task_id].pk, item.task_id)),
            value=f"{connection_of[item.task_id].pk}:{item.task_id}",
        )
        for item in reading.found
    ]
    new = [row for row in rows if not row.is_known]
    listed = sorted(rows, key=lambda row: row.is_known)[:LISTED]  # new ones first, each in its order
    rest = new[LISTED:]
    return DryRun(
        reading=reading,
        listed=listed,
        rest="\n".join(row.value for row in rest),
        rest_count=len(rest),
        new_count=len(new),
        known_count=len(rows) - len(new),
    )


def _known(connection_id: int, task_ids: list[str], *, user_id: int) -> dict[tuple[int, str], Generation | None]:
    """Those of the ids that are here already, without the row where it is a colleague's private one; one query per 500."""
    found = {}
    for start in range(0, len(task_ids), 500):
        rows = Generation.objects.filter(connection=connection_id, task_id__in=task_ids[start : start + 500])
        for row in rows.select_related("created_by"):
            found[connection_id, row.task_id] = row if row.private_to in (None, user_id) else None
    return found


def _connections_by_host(connections: list[Connection]) -> dict[str, Connection]:
    """The connection that a link's host points at, where just one does."""
    by_host: dict[str, list[Connection]] = defaultdict(list)
    for connection in connections:
        by_host[connection.base_url.split("://", 1)[-1].split("/", 1)[0]].append(connection)
    return {host: found[0] for host, found in by_host.items() if len(found) == 1}


def _track(request: MemberRequest) -> HttpResponse:
    """Track what was ticked. Ids in the form are checked like any input: connection of this workspace, length, form."""
    member = request.member
    wanted: dict[int, list[Wanted]] = defaultdict(list)
    prompts = dict(zip(request.POST.getlist("prompt_of"), request.POST.getlist("prompt"), strict=False))
    values = [*request.POST.getlist("wanted"), *request.POST.get("rest", "").splitlines()]
    for value in values[:MOST_IDS]:  # more are never offered
        number, _colon, task_id = value.partition(":")
        connection_id = whole_number(number)
        if connection_id is not None and (found := read(task_id).found):
            prompt = clean(prompts.get(value, ""))[:10_000]
            wanted[connection_id].append(Wanted(found[0].task_id, prompt=prompt))
    connections = Connection.objects.filter(workspace=member.workspace, pk__in=wanted).present()
    created: list[int] = []
    known, now, is_private = 0, timezone.now(), "is_private" in request.POST
    for connection in connections.order_by("id"):
        tracked = operations.track(
            connection,
            wanted[connection.pk],
            created_by_id=member.user.pk,
            is_private=is_private,
            now=now,
        )
        created.extend(tracked.created)
        known += tracked.known_count
    gather(member.workspace.pk, created, created_by_id=member.user.pk, is_private=is_private, now=now)
    count = len(created)
    text = ngettext("%(count)d generation tracked.", "%(count)d generations tracked.", count) % {"count": count}
    if known:
        text += " " + ngettext("%(count)d was here already.", "%(count)d were here already.", known) % {"count": known}
    if not created and not known:
        text = _("Nothing was ticked, so nothing was tracked.")
    messages.success(request, text)
    return HttpResponseRedirect(reverse("gallery:index", args=[member.workspace.slug]))
