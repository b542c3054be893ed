"""The page of news behind the bell, what browsers say of it, and what somebody wants to hear of."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts.access import Member, MemberRequest, member_required, member_required_with
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import require_form_methods, whole_number
from lumaboard.news import preferences as operations
from lumaboard.news.forms import PreferenceForm
from lumaboard.news.lines import Line, lines_of
from lumaboard.news.models import Notice, NoticeQuerySet
from lumaboard.news.notices import mark_read, newest_notice

PAGE_SIZE = 50
MOST_NOTIFIED = 5
"""So many browser notifications at once are enough to say that much happened."""


@member_required
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """What this person was told, newest first, whether read or not."""
    before = whole_number(request.GET.get("before", ""))
    rows = _told(request.member)
    found = list((rows.filter(pk__lt=before) if before is not None else rows)[: PAGE_SIZE + 1])
    lines = _lines(request.member, found[:PAGE_SIZE])
    context = {
        "lines": lines,
        "older": lines[-1].pk if len(found) > PAGE_SIZE else None,
        "is_first_page": before is None,
        "newest": lines[0].pk if lines else 0,
        "today": timezone.localdate(),
    }
    return render(request, "news/index.html", context)


@member_required_with(newest=newest_notice())
@require_safe
def fresh(request: MemberRequest) -> HttpResponse:
    """What a hidden tab should say since its cursor, as JSON; without a cursor, or with nothing new, only where it stands."""
    newest = request.member.extra["newest"] or 0
    since = whole_number(request.GET.get("since", ""))
    lines: list[Line] = []
    if since is not None and since < newest:
        rows = _told(request.member).unread().filter(pk__gt=since, is_loud=True)
        lines = _lines(request.member, list(rows[:MOST_NOTIFIED]))[::-1]
    said = [
        {"id": str(line.uid), "notice": line.pk, "title": line.word, "body": line.about, "url": line.url}
        for line in lines
    ]
    return JsonResponse({"newest": newest, "news": said})


@require_POST
@member_required
def read(request: MemberRequest) -> HttpResponse:
    """Note that this person has read one notice, or all up to the newest that they were shown."""
    notice, until = (whole_number(request.POST.get(name, "")) for name in ("notice", "until"))
    which = Q(pk=notice) if notice is not None else Q(pk__lte=until or 0)
    member = request.member
    mark_read(user_id=member.user.pk, workspace_id=member.workspace.pk, which=which, now=timezone.now())
    if wants_fragment(request):
        return HttpResponse(status=204)
    return redirect("news:index", member.workspace.slug)


@member_required
@require_form_methods
def preferences(request: MemberRequest) -> HttpResponse:
    """Which news of this workspace this person hears, and by which ways."""
    form = PreferenceForm(request.POST or None, instance=operations.preference_of(request.member))
    if request.method == "POST" and form.is_valid():
        operations.change(form.save(commit=False), now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect("news:preferences", request.member.workspace.slug)
    context = {
        "form": form,
        "zone": request.member.user.zone.key,
        "mails_go_nowhere": settings.EMAIL_URL.startswith("console:"),
    }
    return render(request, "news/preferences.html", context)


@csrf_exempt  # mail programs send it, with nothing but the address; what it holds is proof enough
@require_form_methods
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the mail to whoever got this link. Programs send a POST by themselves; people press the button."""
    membership = operations.membership_named(token)
    if membership is None:
        raise Http404
    if request.method == "POST":
        operations.stop_mail(membership, now=timezone.now())
    context = {
        "membership": membership,
        "is_done": request.method == "POST",
        "preferences_url": reverse("news:preferences", args=[membership.workspace.slug]),
    }
    return render(request, "news/unsubscribe.html", context)


def _told(member: Member) -> NoticeQuerySet:
    rows = Notice.objects.of(user_id=member.user.pk, workspace_id=member.workspace.pk)
    return rows.with_events().order_by("-pk")


def _lines(member: Member, notices: list[Notice]) -> list[Line]:
    return lines_of(notices, user_id=member.user.pk, workspace_slug=member.workspace.slug)
