"""A person's own security: second factors and sign-ins."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts import operations, sign_ins
from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.accounts.models import User


@member_required
@require_safe
def security(request: MemberRequest) -> HttpResponse:
    """How I prove who I am: password, app, passkeys, recovery codes."""
    factors = list(Authenticator.objects.filter(user=request.user).order_by("pk"))
    by_type = {factor.type: factor for factor in factors}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "has_password": request.user.has_usable_password(),
        "app": by_type.get(Authenticator.Type.TOTP),
        "passkeys": [factor for factor in factors if factor.type == Authenticator.Type.WEBAUTHN],
        "codes": codes,
        "code_count": len(codes.wrap().get_unused_codes()) if codes else 0,
    }
    return render(request, "settings/security.html", context)


@require_safe
@login_required
def to_security(request: HttpRequest) -> HttpResponse:
    """Lead on from allauth's own pages, which know of no workspace."""
    assert isinstance(request.user, User)  # `login_required` let them in
    workspace = operations.landing_workspace(request.user)
    return redirect("home") if workspace is None else redirect("security", workspace.slug)


@member_required
@require_safe
def list_sign_ins(request: MemberRequest) -> HttpResponse:
    """Where I am signed in."""
    found = sign_ins.sign_ins_of(request.user, this_key=request.session.session_key, now=timezone.now())
    return render(request, "settings/sign_ins.html", {"sign_ins": found})


@member_required
@require_POST
def end_sign_in(request: MemberRequest, handle: str) -> HttpResponse:
    """End one of mine; that of this browser is ended by signing out."""
    if not sign_ins.end(request.user, handle):
        raise Http404
    messages.success(request, _("That browser is signed out."))
    return redirect("sign_ins", request.member.workspace.slug)


@member_required
@require_POST
def sign_out_everywhere(request: MemberRequest) -> HttpResponse:
    """End all of mine, this one included, and what programs come in with if that is ticked."""
    sign_ins.end_all(request.user, with_tokens="tokens" in request.POST, now=timezone.now())
    logout(request)
    messages.success(request, _("You are signed out everywhere."))
    return redirect("account_login")
