"""Who is asking, and how often they may."""

from __future__ import annotations

from time import monotonic
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from lumaboard.accounts.access import Member
from lumaboard.accounts.api_tokens import member_by_token
from lumaboard.accounts.preferences import apply_preferences
from lumaboard.api.errors import ApiError
from lumaboard.core.limits import Rate, Window

REQUESTS: Final = Window(limit=600, seconds=60)
"""For each token."""

REFUSALS: Final = Window(limit=30, seconds=60)
"""Tokens that do not work, for each address."""


class ApiRequest(HttpRequest):
    """A request that came with a token that works; `auth` is whose it is."""

    auth: Member
    api_rate: Rate


class BearerToken(HttpBearer):
    """`Authorization: Bearer lb_…`, and nothing else: a cookie lets nobody in."""

    openapi_name = "token"

    def __call__(self, request: HttpRequest) -> Member:
        return enter(request)

    def authenticate(self, request: HttpRequest, token: str) -> Member | None:
        return member_by_token(f"Bearer {token}", now=timezone.now())


def enter(request: HttpRequest) -> Member:
    """Return who sends this request. Raises `ApiError`: 401 for a token that does not work, 429 for too many requests.

    A token that works is never held up by others from the same address that do not.
    """
    at = monotonic()
    member = member_by_token(request.headers.get("Authorization", ""), now=timezone.now())
    if member is None or member.token is None:
        refusals = REFUSALS.take(request.META.get("REMOTE_ADDR", ""), at=at)
        if refusals.is_over:
            _refuse_for_now(request, refusals)
        raise ApiError(401)
    rate = REQUESTS.take(str(member.token.pk), at=at)
    request.api_rate = rate  # type: ignore[attr-defined]  # this is where a request becomes an ApiRequest
    if rate.is_over:
        _refuse_for_now(request, rate)
    apply_preferences(member.user)
    return member


def _refuse_for_now(request: HttpRequest, rate: Rate) -> None:
    request.api_rate = rate  # type: ignore[attr-defined]  # as above
    raise ApiError(429)
