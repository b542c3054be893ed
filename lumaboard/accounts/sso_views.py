"""The two addresses of single sign-on: away to the issuer, and back."""

from __future__ import annotations

import secrets
from functools import wraps
from typing import Protocol

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lumaboard.accounts import oidc
from lumaboard.accounts.issuer import SignInFailed
from lumaboard.accounts.strangers import limited


class View(Protocol):
    def __call__(self, request: HttpRequest) -> HttpResponse: ...


def _where_configured(view: View) -> View:
    """Without an issuer there are no such pages; what goes wrong with it is told in a sentence."""

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        if not oidc.is_configured():
            raise Http404
        try:
            return view(request)
        except SignInFailed as failure:
            return oidc.refusal(request, failure)

    return wrapper


@require_safe
@never_cache
@_where_configured
@limited
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the issuer. A link, not a form: our policy lets forms go to this site alone.

    What it leaves in the session is of use to nobody but this browser.
    """
    nonce = secrets.token_urlsafe(32)
    provider = oidc.Adapter(request).get_provider()
    answer: HttpResponse = provider.redirect(
        request,
        process=AuthProcess.LOGIN,
        next_url=get_next_redirect_url(request),
        auth_params={"nonce": nonce},
        nonce=nonce,
    )
    return answer


@require_safe
@never_cache
@_where_configured
def callback(request: HttpRequest) -> HttpResponse:
    """Take the browser back: the code is exchanged, the token checked, and the person signed in or told why not."""
    states = statekit.get_states(request)
    state = states.get(request.GET.get("state", ""), ({},))[0]
    answer: HttpResponse = OAuth2CallbackView.adapter_view(oidc.Adapter(request, nonce=state.get("nonce", "")))(request)
    return answer
