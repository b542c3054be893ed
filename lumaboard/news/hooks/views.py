"""Settings, webhooks: which programs are told, and what came of it; and the address at which providers call us."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.core.http import require_form_methods
from lumaboard.news.hooks import callbacks as hints
from lumaboard.news.hooks import webhooks
from lumaboard.news.hooks.forms import AddForm, EditForm
from lumaboard.news.hooks.models import Delivery, Webhook
from lumaboard.news.hooks.outcomes import Result
from lumaboard.news.hooks.panels import log_of, panel_of, panels_of
from lumaboard.news.hooks.webhooks import Made, TooMany
from lumaboard.news.models import EventKind

P = ParamSpec("P")


@csrf_exempt  # whoever posts here has no cookies of ours, and changes nothing but when we ask
@require_POST
def hook(request: HttpRequest, token: str) -> HttpResponse:
    """Take a provider's call as a hint to ask; whatever is posted, to whichever token, is answered alike and not read."""
    hints.take_hint(token, now=timezone.now())
    return HttpResponse(content_type="text/plain", headers={"Referrer-Policy": "no-referrer"})


def manager_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let in who may manage the workspace's webhooks; other members get 403, strangers 404."""

    @wraps(view)
    def wrapper(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request.member.require("manage_webhooks")
        return view(request, *args, **kwargs)

    return member_required(wrapper)


@require_safe
@manager_required
def index(request: MemberRequest) -> HttpResponse:
    """Every webhook of the workspace, and how callbacks are signed."""
    return render(request, "webhooks/index.html", {"panels": panels_of(request.member)})


@sensitive_post_parameters("url")
@require_form_methods
@manager_required
@sensitive_variables("form", "made")
def add(request: MemberRequest) -> HttpResponse:
    """One more webhook; its signing secret is shown in the answer to the form, and never again."""
    form = AddForm(request.POST or None, initial={"kinds": EventKind.values})
    if request.method == "POST" and form.is_valid():
        try:
            return _made(request, webhooks.add(request.member, **form.cleaned_data, now=timezone.now()))
        except TooMany:
            form.add_error(
                None, _("A workspace has at most %(count)d webhooks. Remove one first.") % {"count": webhooks.MOST}
            )
    return render(request, "webhooks/add.html", {"form": form})


@sensitive_post_parameters("url")
@require_form_methods
@manager_required
@sensitive_variables("form", "made")
def edit(request: MemberRequest, pk: int) -> HttpResponse:
    """Another name, other kinds, another address."""
    webhook = _webhook(request, pk)
    form = EditForm(request.POST or None, initial={"name": webhook.name, "kinds": webhook.kinds})
    if request.method != "POST" or not form.is_valid():
        return render(request, "webhooks/edit.html", {"form": form, "webhook": webhook})
    return _made(request, webhooks.change(request.member, webhook, **form.cleaned_data, now=timezone.now()))


@require_form_methods
@manager_required
@sensitive_variables("made")
def rotate(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what will happen, and on POST make another signing secret and show it."""
    webhook = _webhook(request, pk)
    if request.method != "POST":
        return render(request, "webhooks/rotate.html", {"webhook": webhook})
    return _made(request, webhooks.rotate(request.member, webhook))


@require_form_methods
@manager_required
@sensitive_variables("secret")
def callback_secret(request: MemberRequest) -> HttpResponse:
    """The same for the callbacks of the workspace's programs."""
    if request.method != "POST":
        return render(request, "webhooks/rotate.html", {"webhook": None})
    secret = webhooks.rotate_callback_secret(request.member)
    return render(request, "webhooks/made.html", {"webhook": None, "secret": secret})


@require_POST
@manager_required
def test(request: MemberRequest, pk: int) -> HttpResponse:
    """Send a test now, and say in words what came of it."""
    webhook = _webhook(request, pk)
    result = webhooks.send_test(request.member, webhook)
    level = messages.SUCCESS if result.is_delivered else messages.WARNING
    messages.add_message(request, level, _found(webhook, result))
    return _to_log(request, webhook)


@require_POST
@manager_required
def pause(request: MemberRequest, pk: int) -> HttpResponse:
    webhook = _webhook(request, pk)
    webhooks.pause(request.member, webhook, now=timezone.now())
    messages.success(request, _("%(name)s is paused.") % {"name": webhook.name})
    return redirect("webhooks:index", request.member.workspace.slug)


@require_POST
@manager_required
def resume(request: MemberRequest, pk: int) -> HttpResponse:
    webhook = _webhook(request, pk)
    webhooks.resume(request.member, webhook, now=timezone.now())
    messages.success(request, _("%(name)s is told again.") % {"name": webhook.name})
    return redirect("webhooks:index", request.member.workspace.slug)


@require_form_methods
@manager_required
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what will happen, and on POST do it."""
    webhook = _webhook(request, pk)
    if request.method != "POST":
        return render(request, "webhooks/remove.html", {"webhook": webhook})
    webhooks.remove(request.member, webhook, now=timezone.now())
    messages.success(request, _("%(name)s is removed, and its address forgotten.") % {"name": webhook.name})
    return redirect("webhooks:index", request.member.workspace.slug)


@require_safe
@manager_required
def log(request: MemberRequest, pk: int) -> HttpResponse:
    """What this webhook was told, newest first."""
    webhook = _webhook(request, pk)
    found = log_of(Delivery.objects.filter(webhook=webhook), request.member, before=request.GET.get("before", ""))
    return render(request, "webhooks/log.html", {"panel": panel_of(webhook), "log": found})


@require_safe
@manager_required
def callbacks(request: MemberRequest) -> HttpResponse:
    """What programs were told that asked to be called, newest first."""
    told = Delivery.objects.filter(workspace=request.member.workspace, webhook=None)
    found = log_of(told, request.member, before=request.GET.get("before", ""))
    return render(request, "webhooks/callbacks.html", {"log": found})


@require_POST
@manager_required
def replay(request: MemberRequest, pk: int) -> HttpResponse:
    """Have one delivery sent again, under the same id."""
    seen = Delivery.objects.filter(workspace=request.member.workspace).visible_to(request.member.user.pk)
    delivery = get_object_or_404(seen.select_related("webhook", "callback"), pk=pk)
    if not webhooks.replay(request.member, delivery, now=timezone.now()):
        messages.info(request, _("It is being sent right now."))
    elif delivery.webhook is not None and delivery.webhook.pause_reason:
        messages.info(request, _("It is sent again as soon as the webhook is resumed."))
    else:
        messages.success(request, _("It is sent again. Reload the page in a moment."))
    if delivery.webhook is None:
        return redirect("webhooks:callbacks", request.member.workspace.slug)
    return _to_log(request, delivery.webhook)


def _webhook(request: MemberRequest, pk: int) -> Webhook:
    return get_object_or_404(Webhook.objects.present().filter(workspace=request.member.workspace), pk=pk)


def _made(request: MemberRequest, made: Made) -> HttpResponse:
    """Show the new secret, this once; where there is none, go on to the webhook's page."""
    if made.secret:
        return render(request, "webhooks/made.html", {"webhook": made.webhook, "secret": made.secret})
    messages.success(request, _("Saved."))
    return _to_log(request, made.webhook)


def _to_log(request: MemberRequest, webhook: Webhook) -> HttpResponse:
    return redirect("webhooks:log", request.member.workspace.slug, webhook.pk)


def _found(webhook: Webhook, result: Result) -> str:
    if result.is_delivered:
        return _("The test arrived at %(host)s (%(status)d).") % {"host": webhook.url_host, "status": result.status}
    return _("The test did not arrive. %(why)s") % {"why": result.error}
