"""Settings, connections: the workspace's keys. Admins only; nothing here goes over the network inside a transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.connections import operations
from lumaboard.connections.checks import Finding, check_connection, check_upstream
from lumaboard.connections.forms import AddForm, RenameForm, ReplaceKeyForm, WelcomeForm
from lumaboard.connections.models import Connection
from lumaboard.connections.panels import panel_of, panels_of, waiting_counts
from lumaboard.core.htmx import wants_fragment
from lumaboard.core.http import require_form_methods
from lumaboard.upstream.client import API_PATH

P = ParamSpec("P")


def manager_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let in who may manage the workspace's connections; other members get 403, strangers 404."""

    @wraps(view)
    def wrapper(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request.member.require("manage_connections")
        return view(request, *args, **kwargs)

    return member_required(wrapper)


@require_safe
@manager_required
def index(request: MemberRequest) -> HttpResponse:
    """A panel for every key, and where scripts send their calls."""
    panels = panels_of(request.member, now=timezone.now())
    context = {"panels": panels, "proxy_url": f"{settings.PUBLIC_URL}{API_PATH}"}
    return render(request, "connections/index.html", context)


@sensitive_post_parameters("key")
@require_form_methods
@vary_on_headers("HX-Request")
@manager_required
def welcome(request: MemberRequest) -> HttpResponse:
    """First run: the provider and its key, or the demo provider. With a connection there is nothing left to ask."""
    slug = request.member.workspace.slug
    if Connection.objects.present().filter(workspace=request.member.workspace).exists():
        return redirect("gallery:track", slug)
    form = WelcomeForm(request.POST or None)
    return _checked_form(
        request, form, page="connections/welcome.html", fragment="connections/_welcome_form.html", after="gallery:track"
    )


@sensitive_post_parameters("key")
@require_form_methods
@vary_on_headers("HX-Request")
@manager_required
def add(request: MemberRequest) -> HttpResponse:
    """One more key."""
    form = AddForm(request.POST or None)
    return _checked_form(
        request, form, page="connections/add.html", fragment="connections/_add_form.html", after="connections:index"
    )


@sensitive_variables("values")
def _checked_form(request: MemberRequest, form: WelcomeForm, *, page: str, fragment: str, after: str) -> HttpResponse:
    """Try what was entered, and keep it if it works, or if the person wants it kept although it does not."""
    finding = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        finding = check_upstream(kind=values["kind"], base_url=values["base_url"], key=values["key"])
        if finding.is_usable or "anyway" in request.POST:
            now = timezone.now()
            connection = operations.add(request.member, **{"name": "", **values}, now=now)
            operations.note_check(connection, finding, now=now)
            _say(request, finding)
            return _leave(request, after)
    context = {"form": form, "finding": finding}
    return render(request, fragment if wants_fragment(request) else page, context)


@require_POST
@vary_on_headers("HX-Request")
@manager_required
def test(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask upstream now with the stored key, and show what came of it on the panel."""
    connection = _connection(request, pk)
    finding = check_connection(connection)
    now = timezone.now()
    operations.note_check(connection, finding, now=now, tester=request.member)
    if not wants_fragment(request):
        _say(request, finding)
        return redirect("connections:index", request.member.workspace.slug)
    waiting = waiting_counts(request.member).get(pk, 0)
    panel = panel_of(connection, waiting=waiting, now=now, finding=finding)
    return render(request, "connections/_panel.html", {"panel": panel})


@require_form_methods
@manager_required
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    """Another name, another pace."""
    connection = _connection(request, pk)
    form = RenameForm(request.POST or None, initial={"name": connection.name, "pace_factor": connection.pace_factor})
    if request.method == "POST" and form.is_valid():
        operations.rename(request.member, connection, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return _leave(request, "connections:index")
    return _form_page(request, "connections/rename.html", form=form, connection=connection)


@sensitive_post_parameters("key")
@require_form_methods
@vary_on_headers("HX-Request")
@manager_required
@sensitive_variables("values")
def replace_key(request: MemberRequest, pk: int) -> HttpResponse:
    """Another key, and only with it another address."""
    connection = _connection(request, pk)
    form = ReplaceKeyForm(request.POST or None, connection=connection)
    finding = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        finding = check_upstream(kind=connection.kind, base_url=values["base_url"], key=values["key"])
        if finding.is_usable or "anyway" in request.POST:
            operations.replace_key(request.member, connection, **values)
            operations.note_check(connection, finding, now=timezone.now())
            _say(request, finding)
            return _leave(request, "connections:index")
    fragment, page = "connections/_replace_key_form.html", "connections/replace_key.html"
    template = fragment if wants_fragment(request) else page
    return _form_page(request, template, form=form, connection=connection, finding=finding)


@require_POST
@manager_required
def pause(request: MemberRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    operations.pause(request.member, connection, now=timezone.now())
    messages.success(request, _("%(name)s is paused.") % {"name": connection.name})
    return _leave(request, "connections:index")


@require_POST
@manager_required
def resume(request: MemberRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    operations.resume(request.member, connection)
    messages.success(request, _("%(name)s is asked again.") % {"name": connection.name})
    return _leave(request, "connections:index")


@require_form_methods
@manager_required
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Say what will happen, and on POST do it."""
    connection = _connection(request, pk)
    if request.method == "POST":
        operations.remove(request.member, connection, now=timezone.now())
        messages.success(request, _("%(name)s is removed, and its key forgotten.") % {"name": connection.name})
        return _leave(request, "connections:index")
    waiting = waiting_counts(request.member).get(pk, 0)
    return render(request, "connections/remove.html", {"connection": connection, "waiting": waiting})


def _connection(request: MemberRequest, pk: int) -> Connection:
    return get_object_or_404(Connection.objects.present().filter(workspace=request.member.workspace), pk=pk)


def _form_page(request: MemberRequest, template: str, **context: Any) -> HttpResponse:
    return render(request, template, context)


def _say(request: MemberRequest, finding: Finding) -> None:
    level = messages.SUCCESS if finding.is_fine else messages.WARNING
    messages.add_message(request, level, f"{finding.title} {finding.advice}".strip())


def _leave(request: MemberRequest, url_name: str) -> HttpResponse:
    """Go on to another page; htmx is told to load it as a whole."""
    url = reverse(url_name, args=[request.member.workspace.slug])
    return HttpResponseClientRedirect(url) if wants_fragment(request) else redirect(url)
