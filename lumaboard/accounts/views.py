"""The way in, and what people and workspaces are called."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from lumaboard.accounts import invitations, operations
from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.accounts.forms import NewcomerForm, ProfileForm, SetupForm, WorkspaceForm
from lumaboard.accounts.models import Membership, User
from lumaboard.accounts.preferences import apply_preferences
from lumaboard.core.http import require_form_methods


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead people to where they work; a stranger to sign in; and the operator of an empty installation to the set-up."""
    if not isinstance(request.user, User):
        if User.objects.anybody():
            return redirect("account_login")
        return render(request, "accounts/not_set_up.html")
    apply_preferences(request.user)
    workspace = operations.landing_workspace(request.user)
    if workspace is None:
        return render(request, "accounts/no_workspace.html")
    return redirect("gallery:index", workspace.slug)


@sensitive_post_parameters("password")
@require_form_methods
@never_cache
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first owner and workspace. Every dead link is one page with one wording."""
    now = timezone.now()
    if not operations.is_setup_link_alive(token, now):
        return render(request, "accounts/setup_gone.html", status=404)
    form = SetupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            membership = operations.use_setup_link(token, **form.cleaned_data, now=now)
        except operations.SetupLinkDead:
            return render(request, "accounts/setup_gone.html", status=404)
        get_adapter().login(request, membership.user)
        return redirect("connections:welcome", membership.workspace.slug)
    return render(request, "accounts/setup.html", {"form": form})


@sensitive_post_parameters("password")
@require_form_methods
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let the invited address into its workspace, with the account it has or a new one. Every dead link is one page."""
    now = timezone.now()
    user = request.user if isinstance(request.user, User) else None
    if user is not None:
        apply_preferences(user)
    try:
        found = invitations.find(token, now)
        form = NewcomerForm(request.POST or None, email=found.email)
        if request.method == "POST" and user is not None:
            return _enter(invitations.accept(token, user, now))
        if request.method == "POST" and form.is_valid():
            membership = invitations.accept_as_newcomer(token, **form.cleaned_data, now=now)
            get_adapter().login(request, membership.user)
            return _enter(membership)
    except invitations.InvitationDead:
        return render(request, "accounts/invitation_gone.html", status=404)
    except (invitations.NotInvited, operations.PersonExists):
        status = 403
    else:
        status = 200
    has_account = user is None and User.objects.filter(email=found.email).exists()
    context = {"invitation": found, "form": form, "has_account": has_account}
    return render(request, "accounts/invitation.html", context, status=status)


def _enter(membership: Membership) -> HttpResponse:
    return redirect("gallery:index", membership.workspace.slug)


@member_required
@require_form_methods
def profile(request: MemberRequest) -> HttpResponse:
    """A person's own name, theme, time zone and language."""
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("profile", request.member.workspace.slug)
    return render(request, "settings/profile.html", {"form": form})


@member_required
@require_form_methods
def general(request: MemberRequest) -> HttpResponse:
    """The workspace's name. Who may not change it is led from here to their own settings."""
    if request.method != "POST" and not request.member.may("manage_workspace"):
        return redirect("profile", request.member.workspace.slug)
    request.member.require("manage_workspace")
    form = WorkspaceForm(request.POST or None, initial={"name": request.member.workspace.name})
    if request.method == "POST" and form.is_valid():
        operations.rename_workspace(request.member, form.cleaned_data["name"])
        messages.success(request, _("Saved."))
        return redirect("general", request.member.workspace.slug)
    context = {"form": form, "may_delete": request.member.may("delete_workspace")}
    return render(request, "settings/general.html", context)
