"""Settings, sharing: what links must keep to, where they may be framed, how their pages look."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.core.http import require_form_methods
from lumaboard.media.errors import MediaError
from lumaboard.sharing.guests.pictures import picture_answer
from lumaboard.sharing.members import looks
from lumaboard.sharing.members.policy_forms import LookForm, PolicyForm, SitesForm, initial_of
from lumaboard.sharing.models import Logo, SharePolicy
from lumaboard.sharing.policies import Breaker, breakers, change_policy, policy_of


@require_form_methods
@member_required
def policy(request: MemberRequest) -> HttpResponse:
    """Show the three forms, and take the first: what links must keep to.

    Where open links would break it, they are shown, and nothing is saved before it is said what becomes of them.
    """
    request.member.require("manage_policies")
    if request.method != "POST":
        return _page(request)
    form = PolicyForm(request.POST)
    if not form.is_valid():
        return _page(request, policy_form=form)
    demands, now = form.demands(), timezone.now()
    broken = breakers(request.member.workspace, demands, now=now)
    if broken and not form.cleaned_data["settle"]:
        return _page(request, policy_form=form, broken=broken)
    is_revoking = form.cleaned_data["settle"] == "revoke"
    revoked = change_policy(request.member, demands, revoke_breakers=is_revoking, now=now)
    said = _("Saved.")
    if revoked:
        said = ngettext("Saved. %(count)d link is revoked.", "Saved. %(count)d links are revoked.", revoked) % {
            "count": revoked
        }
    messages.success(request, said)
    return _back(request)


@require_POST
@member_required
def sites(request: MemberRequest) -> HttpResponse:
    """Which sites may show share pages in a frame."""
    request.member.require("manage_policies")
    form = SitesForm(request.POST)
    if not form.is_valid():
        return _page(request, sites_form=form)
    looks.change_sites(request.member, form.cleaned_data["embed_sites"])
    messages.success(request, _("Saved."))
    return _back(request)


@require_POST
@member_required
def look(request: MemberRequest) -> HttpResponse:
    """The accent colour and the logo."""
    request.member.require("manage_policies")
    form = LookForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, look_form=form)
    upload = form.cleaned_data["logo"]
    try:
        logo = looks.draw_logo(upload) if upload is not None else None
    except MediaError as error:
        form.add_error("logo", _("This is no picture we can use: %(reason)s.") % {"reason": error.reason})
        return _page(request, look_form=form)
    looks.change_look(
        request.member,
        accent=form.cleaned_data["accent"],
        logo=logo,
        removes_logo=form.cleaned_data["removes_logo"],
    )
    messages.success(request, _("Saved."))
    return _back(request)


@require_safe
@member_required
def logo(request: MemberRequest) -> HttpResponse:
    """The workspace's logo, for its settings page."""
    request.member.require("manage_policies")
    mark = get_object_or_404(Logo, workspace=request.member.workspace)
    return picture_answer(request, bytes(mark.png), etag=mark.sha256, content_type="image/png")


def _page(
    request: MemberRequest,
    *,
    policy_form: PolicyForm | None = None,
    sites_form: SitesForm | None = None,
    look_form: LookForm | None = None,
    broken: list[Breaker] | None = None,
) -> HttpResponse:
    saved: SharePolicy = policy_of(request.member.workspace)
    initial = initial_of(saved)
    context = {
        "policy_form": policy_form or PolicyForm(initial=initial),
        "sites_form": sites_form or SitesForm(initial=initial),
        "look_form": look_form or LookForm(initial=initial),
        "broken": broken or [],
        "logo": Logo.objects.filter(workspace=request.member.workspace).defer("png").first(),
    }
    is_wrong = any(form.errors for form in (policy_form, sites_form, look_form) if form is not None)
    return render(request, "settings/sharing.html", context, status=422 if is_wrong else 200)


def _back(request: MemberRequest) -> HttpResponse:
    return redirect("sharing:policy", request.member.workspace.slug)
