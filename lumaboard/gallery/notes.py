"""Notes on a generation's page: each act is a POST that works with and without script."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import require_form_methods, whole_number
from lumaboard.core.undo import Undo, offer_undo
from lumaboard.gallery.forms import NoteForm
from lumaboard.generations import notes
from lumaboard.generations.models import Generation
from lumaboard.generations.remarks import Note


@member_required
@require_POST
def write(request: MemberRequest, pk: int) -> HttpResponse:
    """Add a note; htmx gets an empty form back, or the same one with what is wrong with it."""
    request.member.require("note")
    generation = _generation(request, pk)
    form = NoteForm(request.POST)
    context: dict[str, object] = {"note_form": form, "generation": generation}
    if not form.is_valid():
        template = "gallery/_note_form.html" if wants_fragment(request) else "gallery/note.html"
        return render(request, template, context | {"detail_url": _url(request, "detail", pk)}, status=422)
    notes.write(generation, form.cleaned_data["text"], author_id=request.member.user.pk, now=timezone.now())
    if wants_fragment(request):
        response = render(request, "gallery/_note_form.html", context | {"note_form": NoteForm()})
        return trigger_client_event(response, "board:tick", after="settle")
    return _to_notes(request, pk)


@member_required
@require_form_methods
def change(request: MemberRequest, pk: int) -> HttpResponse:
    """Change one's own note, on a page of its own."""
    request.member.require("note")
    note = _note(request, pk)
    if note.author_id != request.member.user.pk:
        raise PermissionDenied(_("Only its author can change a note."))
    form = NoteForm(request.POST or None, initial={"text": note.text})
    if request.method == "POST" and form.is_valid():
        notes.change(note, form.cleaned_data["text"], now=timezone.now())
        return _to_notes(request, pk)
    context = {
        "note_form": form,
        "note": note,
        "generation": note.generation,
        "detail_url": _url(request, "detail", pk),
    }
    return render(request, "gallery/note.html", context, status=422 if form.errors else 200)


@member_required
@require_POST
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a note off the page: its author may, and admins."""
    request.member.require("note")
    note = _note(request, pk)
    if note.author_id != request.member.user.pk and not request.member.may("change_all"):
        raise PermissionDenied(_("Only its author or an admin can delete a note."))
    notes.delete(note, actor_id=request.member.user.pk, now=timezone.now())
    undo = Undo(text=_("Note deleted."), url=f"{_url(request, 'note_restore', pk)}?note={note.pk}")
    if wants_fragment(request):
        response = render(request, "core/_undo_toast.html", {"undo": undo})
        return trigger_client_event(response, "board:tick", after="settle")
    offer_undo(request, undo)
    return _to_notes(request, pk)


@member_required
@require_POST
def restore(request: MemberRequest, pk: int) -> HttpResponse:
    """Bring back a note that was deleted within the last day: whoever deleted it may, and admins."""
    request.member.require("note")
    note = _note(request, pk, is_deleted=True)
    if note.deleted_by_id != request.member.user.pk and not request.member.may("change_all"):
        raise PermissionDenied(_("Only who deleted a note or an admin can bring it back."))
    notes.bring_back(note, actor_id=request.member.user.pk, now=timezone.now())
    return _to_notes(request, pk)


def _generation(request: MemberRequest, pk: int) -> Generation:
    member = request.member
    return get_object_or_404(Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk), pk=pk)


def _note(request: MemberRequest, pk: int, *, is_deleted: bool = False) -> Note:
    """The note that the address names, on a generation that this member sees; else 404."""
    number = whole_number(request.GET.get("note", ""))
    found = Note.objects.filter(generation=_generation(request, pk), deleted_at__isnull=not is_deleted)
    return get_object_or_404(found.select_related("generation"), pk=number)


def _to_notes(request: MemberRequest, pk: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{_url(request, 'detail', pk)}#detail-notes")


def _url(request: MemberRequest, name: str, pk: int) -> str:
    return reverse(f"gallery:{name}", kwargs={"workspace": request.member.workspace.slug, "pk": pk})
