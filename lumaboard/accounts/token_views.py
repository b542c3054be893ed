"""Settings, API tokens: make one, see how they are used, revoke them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from lumaboard.accounts import api_tokens
from lumaboard.accounts.access import Member, MemberRequest, member_required, scopes_for
from lumaboard.accounts.api_tokens import Made
from lumaboard.accounts.forms import TokenForm
from lumaboard.accounts.models import ApiToken
from lumaboard.accounts.reauthentication import require_reauthentication
from lumaboard.core.http import require_form_methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One token in the table."""

    token: ApiToken
    is_over: bool
    is_cut: bool  # it has scopes that its maker's role does not allow any more


@require_form_methods
@member_required
def tokens(request: MemberRequest) -> HttpResponse:
    """My tokens, and for admins everybody's in this workspace; a new one is shown in the answer to the form, and never again."""
    if request.method == "POST":
        require_reauthentication(request)  # a token lasts longer than a browser that was left open
    member, now = request.member, timezone.now()
    form = _form(member, request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return _page(member, request, form, now=now)
    made = api_tokens.make(
        member,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at(now),
        connection_id=form.cleaned_data.get("connection"),
        now=now,
    )
    return _page(member, request, _form(member), made=made, now=now)


@require_form_methods
@member_required
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what will happen, and on POST do it: there is no way back."""
    token = get_object_or_404(api_tokens.changeable(request.member), pk=pk)
    if request.method != "POST":
        return render(request, "settings/revoke_token.html", {"token": token})
    if api_tokens.revoke(request.member, token, now=timezone.now()):
        messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    else:
        messages.info(request, _("This token was revoked before."))
    return redirect("tokens", request.member.workspace.slug)


def _form(member: Member, sent: QueryDict | None = None) -> TokenForm:
    connections = member.workspace.connections.present().order_by("id").values_list("pk", "name")
    return TokenForm(sent, scopes=scopes_for(member.role), connections=list(connections))


def _page(
    member: Member, request: MemberRequest, form: TokenForm, *, made: Made | None = None, now: datetime
) -> HttpResponse:
    """One query for the tokens, whoever's they are."""
    found = api_tokens.changeable(member).filter(revoked_at=None).order_by("-created_at", "-id")
    rows = [_row(token, now) for token in found]
    context = {
        "form": form,
        "made": made,
        "own": [row for row in rows if row.token.membership.user_id == member.user.pk],
        "others": [row for row in rows if row.token.membership.user_id != member.user.pk],
        "sees_others": member.may("manage_members"),
    }
    return render(request, "settings/tokens.html", context)


def _row(token: ApiToken, now: datetime) -> Row:
    is_cut = not set(token.scopes) <= set(scopes_for(token.membership.role))
    return Row(token=token, is_over=token.is_over(now), is_cut=is_cut)
