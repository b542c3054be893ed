"""Settings, members: who is in the workspace and as what, and who is asked in."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lumaboard.accounts import invitations
from lumaboard.accounts import members as operations
from lumaboard.accounts.access import ROLE_WORDS, Member, MemberRequest, may_give, member_required
from lumaboard.accounts.forms import InviteForm, RoleForm
from lumaboard.accounts.invitations import Sent
from lumaboard.accounts.models import Invitation, Membership, Role
from lumaboard.core.http import require_form_methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One member in the table, and what whoever looks may do with them."""

    membership: Membership
    is_self: bool
    is_changeable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvitation:
    """One open invitation in the table; void if whoever sent it may not give its role any more."""

    invitation: Invitation
    is_expired: bool
    is_void: bool
    is_changeable: bool


@require_form_methods
@member_required
def members(request: MemberRequest) -> HttpResponse:
    """Everybody in the workspace; who may give roles changes them here, and invites."""
    if request.method != "POST":
        return _page(request)
    request.member.require("manage_members")
    form = InviteForm(request.POST, roles=request.member.gives)
    if not form.is_valid():
        return _page(request, form)
    email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
    try:
        return _hand_over(request, email, role)
    except invitations.AlreadyMember:
        form.add_error("email", _("This person is in the workspace already."))
    except invitations.TooManyInvitations:
        form.add_error(None, _say_too_many())
    return _page(request, form)


@require_form_methods
@member_required
def renew_invitation(request: MemberRequest, pk: int) -> HttpResponse:
    """Make a new link, since the old one can be shown to nobody; the old one dies.

    The answer is a page at this address, so whoever comes back to it, by a reload or after signing in, is led to the table.
    """
    request.member.require("manage_members")
    invitation = _invitation(request.member, pk)
    if request.method != "POST":
        return redirect("members", request.member.workspace.slug)
    try:
        return _hand_over(request, invitation.email, Role(invitation.role))
    except invitations.AlreadyMember:
        messages.error(request, _("This person is in the workspace already."))
    except invitations.TooManyInvitations:
        messages.error(request, _say_too_many())
    return redirect("members", request.member.workspace.slug)


@require_POST
@member_required
def withdraw_invitation(request: MemberRequest, pk: int) -> HttpResponse:
    request.member.require("manage_members")
    invitation = _invitation(request.member, pk)
    try:
        invitations.withdraw(request.member, pk, timezone.now())
    except Invitation.DoesNotExist:
        messages.error(request, _("This invitation is not open any more."))
    else:
        messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return redirect("members", request.member.workspace.slug)


@require_POST
@member_required
def change_role(request: MemberRequest, pk: int) -> HttpResponse:
    request.member.require("manage_members")
    _membership(request.member, pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            changed = operations.change_role(request.member, pk, Role(form.cleaned_data["role"]))
        except Membership.DoesNotExist:
            messages.error(request, _("This person is not in the workspace any more."))
        except operations.LastOwner:
            messages.error(request, _say_last_owner())
        else:
            said = {"name": str(changed.user), "role": changed.get_role_display()}
            messages.success(request, _("The role of %(name)s is now: %(role)s.") % said)
    return redirect("members", request.member.workspace.slug)


@require_form_methods
@member_required
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what will happen, and on POST do it; oneself one does not remove but leaves."""
    request.member.require("manage_members")
    membership = _membership(request.member, pk)
    slug = request.member.workspace.slug
    if membership.user_id == request.member.user.pk:
        return redirect("leave", slug)
    request.member.require_giving(membership.role)
    if request.method != "POST":
        return render(request, "settings/remove_member.html", {"person": membership.user})
    try:
        operations.remove(request.member, pk)
    except Membership.DoesNotExist:
        messages.error(request, _("This person is not in the workspace any more."))
    except operations.LastOwner:
        messages.error(request, _say_last_owner())
    else:
        messages.success(request, _("%(name)s is removed.") % {"name": str(membership.user)})
    return redirect("members", slug)


@require_form_methods
@member_required
def leave(request: MemberRequest) -> HttpResponse:
    """Say what will happen, and on POST go."""
    if request.method != "POST":
        return render(request, "settings/leave.html")
    try:
        operations.leave(request.member)
    except operations.LastOwner:
        messages.error(request, _say_last_owner())
        return redirect("members", request.member.workspace.slug)
    messages.success(request, _("You left %(workspace)s.") % {"workspace": request.member.workspace.name})
    return redirect("home")


def _hand_over(request: MemberRequest, email: str, role: Role) -> HttpResponse:
    """Invite, mail the link, and show it this once; a redirect would have to keep it somewhere."""
    sent = invitations.invite(request.member, email=email, role=role, now=timezone.now())
    return _page(request, sent=sent, is_mailed=invitations.mail(sent))


def _page(
    request: MemberRequest, form: InviteForm | None = None, *, sent: Sent | None = None, is_mailed: bool = False
) -> HttpResponse:
    member = request.member
    memberships = _memberships(member)
    context: dict[str, object] = {
        "rows": _rows(member, memberships),
        "role_words": [(role.label, words) for role, words in ROLE_WORDS.items()],
    }
    if member.may("manage_members"):
        context |= {
            "form": form or InviteForm(roles=member.gives),
            "invitations": _open_invitations(member, memberships),
            "sent": sent,
            "is_mailed": is_mailed,
        }
    return render(request, "settings/members.html", context)


def _memberships(member: Member) -> list[Membership]:
    """Everybody, longest here first; one query."""
    memberships = Membership.objects.filter(workspace=member.workspace).select_related("user")
    return list(memberships.order_by("created_at", "id"))


def _open_invitations(member: Member, memberships: list[Membership]) -> list[OpenInvitation]:
    """What was not answered yet, newest first; one query."""
    now = timezone.now()
    roles = {membership.user_id: membership.role for membership in memberships if membership.user.is_active}
    invited = Invitation.objects.open().filter(workspace=member.workspace).select_related("invited_by")
    return [
        OpenInvitation(
            invitation=invitation,
            is_expired=invitation.expires_at <= now,
            is_void=not may_give(roles.get(invitation.invited_by_id, ""), invitation.role),
            is_changeable=may_give(member.role, invitation.role),
        )
        for invitation in invited.order_by("-created_at", "-id")
    ]


def _rows(member: Member, memberships: list[Membership]) -> list[Row]:
    return [
        Row(
            membership=membership,
            is_self=membership.user_id == member.user.pk,
            is_changeable=may_give(member.role, membership.role),
        )
        for membership in memberships
    ]


def _membership(member: Member, pk: int) -> Membership:
    people = Membership.objects.filter(workspace=member.workspace).select_related("user")
    return get_object_or_404(people, pk=pk)


def _invitation(member: Member, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.open().filter(workspace=member.workspace), pk=pk)


def _say_too_many() -> str:
    return _("This workspace has sent %(number)d invitations within a day, which is the most. Try again tomorrow.") % {
        "number": invitations.MOST_A_DAY
    }


def _say_last_owner() -> str:
    return _("A workspace needs an owner. Make somebody else an owner first.")
