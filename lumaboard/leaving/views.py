"""The pages on which people end things, or take theirs along."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.accounts.models import User
from lumaboard.accounts.preferences import apply_preferences
from lumaboard.accounts.reauthentication import require_reauthentication
from lumaboard.audit.operations import record
from lumaboard.core.http import require_form_methods
from lumaboard.leaving import deletion, erasing, take_out
from lumaboard.leaving.forms import ByNameForm


@member_required
@require_form_methods
def delete_workspace(request: MemberRequest) -> HttpResponse:
    """Say what goes, and on POST, confirmed by its name, delete the workspace."""
    request.member.require("delete_workspace")
    require_reauthentication(request)
    workspace = request.member.workspace
    form = ByNameForm(request.POST or None, wanted=workspace.name, label=_("Name of the workspace"))
    if request.method == "POST" and form.is_valid():
        deletion.delete(request.member, now=timezone.now())
        messages.success(request, _("%(workspace)s is deleted.") % {"workspace": workspace.name})
        return redirect("home")
    context = {"form": form, "contents": deletion.contents_of(workspace, now=timezone.now())}
    return render(request, "leaving/delete_workspace.html", context, status=422 if form.errors else 200)


@require_form_methods
@login_required
def take_out_data(request: HttpRequest) -> HttpResponseBase:
    """Say what is in it, and on POST give a person what is kept about them."""
    user = _person(request)
    require_reauthentication(request)
    if request.method != "POST":
        return render(request, "leaving/take_out.html")
    record("person.took_out", workspace_id=None, actor_id=user.pk, target=user)
    answer = StreamingHttpResponse(take_out.pieces_of(user), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="lumaboard-{timezone.now():%Y-%m-%d}.json"'
    return answer


@require_form_methods
@login_required
def erase(request: HttpRequest) -> HttpResponse:
    """Say what becomes of everything, and on POST, confirmed by their address, erase a person."""
    user = _person(request)
    require_reauthentication(request)
    form = ByNameForm(request.POST or None, wanted=user.email, label=_("Your e-mail address"))
    if request.method == "POST" and form.is_valid():
        try:
            erasing.erase(user, now=timezone.now())
        except erasing.StillNeeded:
            return _erase_page(request, user, form, status=409)
        logout(request)
        messages.success(request, _("Your account is erased."))
        return redirect("account_login")
    return _erase_page(request, user, form, status=422 if form.errors else 200)


def _erase_page(request: HttpRequest, user: User, form: ByNameForm, *, status: int) -> HttpResponse:
    consequences = erasing.consequences_for(user)
    context = {
        "form": form,
        "consequences": consequences,
        "needed_names": ", ".join(workspace.name for workspace in consequences.needed_in),
        "deleted_names": ", ".join(workspace.name for workspace in consequences.deleted),
    }
    return render(request, "leaving/erase.html", context, status=status)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # `login_required` let them in
    apply_preferences(request.user)
    return request.user
