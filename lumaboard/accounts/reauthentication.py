"""Have people prove again that it is they, before what cannot be taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    get_reauthentication_flows,
    raise_if_reauthentication_required,
)
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


def require_reauthentication(request: HttpRequest) -> None:
    """Send whoever has not proved it in the last minutes to do so; they come back to this page, with what they sent.

    Who has neither password nor second factor, whom allauth lets through, proves it at the issuer of single sign-on.
    """
    if get_reauthentication_flows(request.user):
        raise_if_reauthentication_required(request, app="")
    elif not _came_from_the_issuer_lately(request):
        raise ImmediateHttpResponse(HttpResponseRedirect(_way_to_prove(request)))


def proven(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask for the proof before a view of allauth's."""

    @login_required
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_reauthentication(request)
        return view(request, *args, **kwargs)

    return wrapper


def _came_from_the_issuer_lately(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    times = [record["at"] for record in records if record.get("method") == "socialaccount"]
    return bool(times) and time.time() - times[-1] < app_settings.REAUTHENTICATION_TIMEOUT


def _way_to_prove(request: HttpRequest) -> str:
    """Where single sign-on was switched off, a password by mail is the way."""
    if not settings.OIDC_ISSUER:
        return reverse("account_reset_password")
    return f"{reverse('single_sign_on')}?{urlencode({'next': request.get_full_path()})}"
