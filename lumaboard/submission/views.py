"""The page of requests whose outcome nobody knows, and what people do about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts.access import Member, MemberRequest, member_required
from lumaboard.core.http import require_form_methods
from lumaboard.submission import acts
from lumaboard.submission.acts import NotOpen
from lumaboard.submission.models import Intent, IntentQuerySet, IntentState
from lumaboard.submission.operations import NotIntended, Sent
from lumaboard.submission.settling import asked_of
from lumaboard.submission.slots import Busy
from lumaboard.upstream.client import KINDS_WITH_LIST

_LISTED = 100
_LONGEST_PROMPT = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    task_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request as the page shows it."""

    intent: Intent
    words: str
    is_unsent: bool
    has_list: bool
    candidates: list[Candidate]
    may_act: bool


@member_required
@require_safe
def unsettled(request: MemberRequest) -> HttpResponse:
    """Requests of which nobody knows what came of them, the newest first."""
    member = request.member
    member.require("submit")
    rows = _seen_by(member).select_related("connection", "created_by").order_by("-pk")[:_LISTED]
    return render(request, "submission/unsettled.html", {"rows": [_row(intent, member) for intent in rows]})


@member_required
@require_POST
def look(request: MemberRequest, pk: int) -> HttpResponse:
    """Have the provider's list looked through now."""
    intent = _intent(request, pk)
    if acts.look_now(intent, actor_id=request.member.user.pk, now=timezone.now()):
        messages.info(request, _("Looking through the provider’s list. Reload the page in a moment."))
    else:
        messages.info(request, _("This provider has no list to look through."))
    return _back(request)


@member_required
@require_POST
def choose(request: MemberRequest, pk: int) -> HttpResponse:
    """Take what the person says came of it."""
    intent = _intent(request, pk)
    try:
        generation = acts.choose(
            intent, request.POST.get("task_id", ""), actor_id=request.member.user.pk, now=timezone.now()
        )
    except NotOpen:
        return _was_settled(request)
    messages.success(request, _("Matched. It is tracked from now on."))
    return redirect("gallery:detail", request.member.workspace.slug, generation)


@member_required
@require_POST
def dismiss(request: MemberRequest, pk: int) -> HttpResponse:
    intent = _intent(request, pk)
    try:
        acts.dismiss(intent, actor_id=request.member.user.pk, now=timezone.now())
    except NotOpen:
        return _was_settled(request)
    messages.success(request, _("Dismissed."))
    return _back(request)


@member_required
@require_form_methods
def send_again(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what it may cost, and on POST send the same request once more."""
    intent = _intent(request, pk)
    if request.method != "POST":
        return render(request, "submission/send_again.html", {"row": _row(intent, request.member)})
    try:
        sent = acts.send_again(intent, actor_id=request.member.user.pk)
    except NotOpen:
        return _was_settled(request)
    except (Busy, NotIntended) as error:
        messages.error(request, str(error))
        return _back(request)
    return _sent(request, sent)


def _sent(request: MemberRequest, sent: Sent) -> HttpResponse:
    if sent.generation_id is not None:
        messages.success(request, _("Sent. It is tracked from now on."))
        return redirect("gallery:detail", request.member.workspace.slug, sent.generation_id)
    if sent.state == IntentState.UNKNOWN:
        messages.error(request, _("The outcome of this one is not known either. %(why)s") % {"why": sent.error_text})
    else:
        messages.error(request, _("Nothing was made. %(why)s") % {"why": sent.error_text})
    return _back(request)


def _was_settled(request: MemberRequest) -> HttpResponse:
    messages.info(request, _("That was settled meanwhile."))
    return _back(request)


def _back(request: MemberRequest) -> HttpResponse:
    return redirect("submission:unsettled", request.member.workspace.slug)


def _seen_by(member: Member) -> IntentQuerySet:
    rows = Intent.objects.filter(workspace=member.workspace).visible_to(member.user.pk)
    return rows.unsettled(now=timezone.now())


def _intent(request: MemberRequest, pk: int) -> Intent:
    """The request, if this member sees it and may decide about it; else 404 or 403."""
    member = request.member
    member.require("submit")
    seen = Intent.objects.filter(workspace=member.workspace).visible_to(member.user.pk)
    intent = get_object_or_404(seen.select_related("connection", "created_by"), pk=pk)
    member.require_change(intent.created_by_id)
    return intent


def _row(intent: Intent, member: Member) -> Row:
    prompt = asked_of(intent).get("prompt")
    return Row(
        intent=intent,
        words=prompt[:_LONGEST_PROMPT] if isinstance(prompt, str) and prompt else intent.route,
        is_unsent=intent.state == IntentState.INTENDED,
        has_list=intent.connection.kind in KINDS_WITH_LIST,
        candidates=[
            Candidate(task_id=one["task_id"], created_at=datetime.fromisoformat(one["created_at"]))
            for one in intent.candidates
        ],
        may_act=member.may_change(intent.created_by_id),
    )
