"""What members do to one generation; each is a POST that works with and without script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.archive import operations as archive
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import page_before, require_form_methods, whole_number
from lumaboard.core.undo import Undo, offer_undo
from lumaboard.gallery.forms import RenameForm
from lumaboard.generations import operations
from lumaboard.generations.models import Generation

Level = Literal["success", "info"]
MOST_SELECTED = 200


def _visible(request: MemberRequest, pk: int) -> Generation:
    """The generation, if this member sees it in this workspace; else 404."""
    member = request.member
    return get_object_or_404(Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk), pk=pk)


def _generation(request: MemberRequest, pk: int) -> Generation:
    """The generation, if this member sees it and may change it; else 404 or 403."""
    generation = _visible(request, pk)
    request.member.require_change(generation.created_by_id)
    return generation


@member_required
@require_form_methods
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    generation = _generation(request, pk)
    form = RenameForm(request.POST or None, initial={"title": generation.title})
    if request.method == "POST" and form.is_valid():
        operations.rename(generation, form.cleaned_data["title"], actor_id=request.member.user.pk, now=timezone.now())
        return HttpResponseRedirect(_detail_url(request, pk))
    context = {"form": form, "generation": generation, "detail_url": _detail_url(request, pk)}
    return render(request, "gallery/rename.html", context, status=422 if form.errors else 200)


@member_required
@require_POST
def favourite(request: MemberRequest, pk: int) -> HttpResponse:
    """Set or take back one's own star; the answer for htmx is the star."""
    generation, is_favourite = _visible(request, pk), request.POST.get("is_favourite") == "1"
    operations.set_favourite(generation, is_favourite=is_favourite, user_id=request.member.user.pk)
    if wants_fragment(request):
        slug = request.member.workspace.slug
        return render(request, "gallery/_star.html", {"pk": pk, "is_favourite": is_favourite, "workspace_slug": slug})
    return HttpResponseRedirect(_back(request))


@member_required
@require_POST
def make_private(request: MemberRequest, pk: int) -> HttpResponse:
    _set_private(request, pk, is_private=True)
    return _done(request, _("Only you see it now."))


@member_required
@require_POST
def make_shared(request: MemberRequest, pk: int) -> HttpResponse:
    _set_private(request, pk, is_private=False)
    return _done(request, _("Everyone in the workspace sees it now."))


def _set_private(request: MemberRequest, pk: int, *, is_private: bool) -> None:
    generation = _visible(request, pk)
    request.member.require_own(generation.created_by_id)
    operations.set_private(generation, is_private=is_private, actor_id=request.member.user.pk, now=timezone.now())


@member_required
@require_POST
def trash(request: MemberRequest, pk: int) -> HttpResponse:
    generation = _generation(request, pk)
    operations.trash([generation], actor_id=request.member.user.pk, now=timezone.now())
    return _with_undo(request, pk, _("Moved to trash."))


@member_required
@require_POST
def trash_many(request: MemberRequest) -> HttpResponse:
    """Move to the trash what was selected, as far as this member may; says how much, and offers to undo it."""
    selection = _selected(request)
    if not (rows := selection.rows):
        return _nothing_done(request, selection)
    count = operations.trash(rows, actor_id=request.member.user.pk, now=timezone.now())
    said = ngettext("%(count)d generation moved to trash.", "%(count)d generations moved to trash.", count)
    text = " ".join(filter(None, (said % {"count": count}, selection.left_out)))
    url = reverse("gallery:restore_many", args=[request.member.workspace.slug])
    offer_undo(request, Undo(text=text, url=f"{url}?{urlencode([('g', row.pk) for row in rows])}"))
    return HttpResponseRedirect(_back(request))


@member_required
@require_POST
def restore_many(request: MemberRequest) -> HttpResponse:
    """Undo `trash_many`; the numbers stand in the address, so that a button can carry them."""
    selection = _selected(request)
    if not selection.rows:
        return _nothing_done(request, selection)
    count = operations.restore(selection.rows, actor_id=request.member.user.pk, now=timezone.now())
    said = ngettext("%(count)d generation brought back.", "%(count)d generations brought back.", count)
    return _done(request, " ".join(filter(None, (said % {"count": count}, selection.left_out))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one may change of what was selected."""

    rows: list[Generation]
    others_count: int = 0  # so many more are others' work
    is_too_many: bool = False  # then none of it is taken

    @property
    def left_out(self) -> str:
        """Say what was not touched; empty where it was all."""
        if not (count := self.others_count):
            return ""
        words = ngettext("%(count)d is another’s and stays.", "%(count)d are others’ and stay.", count)
        return words % {"count": count}


def _nothing_done(request: MemberRequest, selection: Selection) -> HttpResponse:
    if selection.is_too_many:
        said = _("At most %(count)d generations at once: choose fewer.") % {"count": MOST_SELECTED}
        messages.error(request, said)
    return HttpResponseRedirect(_back(request))


def _selected(request: MemberRequest) -> Selection:
    """Of what a form or an address names: what is there for this member and theirs to change; 403 where it is all others'."""
    member = request.member
    member.require("change_own")
    named = request.POST.getlist("g") or request.GET.getlist("g")
    if len(named) > MOST_SELECTED:
        return Selection(rows=[], is_too_many=True)
    pks = [pk for text in named if (pk := whole_number(text)) is not None]
    here = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk)
    rows = list(here.filter(pk__in=pks).order_by("id"))
    changeable = [row for row in rows if member.may_change(row.created_by_id)]
    if rows and not changeable:
        raise PermissionDenied(_("Only its owner or an admin can change this generation."))
    return Selection(rows=changeable, others_count=len(rows) - len(changeable))


@member_required
@require_POST
def stop_tracking(request: MemberRequest, pk: int) -> HttpResponse:
    generation = _generation(request, pk)
    operations.stop_tracking(generation, actor_id=request.member.user.pk, now=timezone.now())
    return _with_undo(request, pk, _("No longer tracked, and moved to trash."))


def _with_undo(request: MemberRequest, pk: int, text: str) -> HttpResponse:
    """Say what was done and offer to undo it: as a toast for htmx, on the next page otherwise."""
    workspace = request.member.workspace.slug
    undo = Undo(text=text, url=reverse("gallery:restore", kwargs={"workspace": workspace, "pk": pk}))
    if wants_fragment(request) and not request.POST.get("leave"):
        return trigger_client_event(
            render(request, "core/_undo_toast.html", {"undo": undo}), "board:tick", after="settle"
        )
    offer_undo(request, undo)
    back = _back(request)
    is_gone = urlsplit(back).path.startswith(_detail_url(request, pk))
    return HttpResponseRedirect(reverse("gallery:index", args=[workspace]) if is_gone else back)


@member_required
@require_POST
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    generation = _generation(request, pk)
    operations.restore([generation], actor_id=request.member.user.pk, now=timezone.now())
    return _done(request, _("Brought back from the trash."))


@member_required
@require_POST
def check_now(request: MemberRequest, pk: int) -> HttpResponse:
    is_asked = operations.check_now(
        _generation(request, pk),
        actor_id=request.member.user.pk,
        now=timezone.now(),
        may_reopen="reopen" in request.POST,
    )
    return _done(
        request, _("Asking the provider now.") if is_asked else _("It has ended meanwhile: there is nothing to ask.")
    )


@member_required
@require_POST
def fetch_again(request: MemberRequest, pk: int) -> HttpResponse:
    archive.fetch_again(_generation(request, pk), actor_id=request.member.user.pk, now=timezone.now())
    return _done(request, _("Fetching the files again."))


def _done(request: MemberRequest, text: str) -> HttpResponse:
    if wants_fragment(request):
        response = render(request, "core/_done_toast.html", {"text": text, "level": "success"})
        return trigger_client_event(response, "board:tick", after="settle")
    messages.success(request, text)
    return HttpResponseRedirect(_back(request))


def _detail_url(request: MemberRequest, pk: int) -> str:
    return reverse("gallery:detail", kwargs={"workspace": request.member.workspace.slug, "pk": pk})


def _back(request: MemberRequest) -> str:
    """The page the button stood on, if it is ours; else the gallery."""
    return page_before(request, reverse("gallery:index", args=[request.member.workspace.slug]))
