"""What anybody may begin without being known, and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, Final

from allauth.core.internal.ratelimit import get_ip
from allauth.core.ratelimit import respond_429
from django.http import HttpRequest, HttpResponse

from lumaboard.core.limits import Window

BEGINNINGS: Final = Window(limit=60, seconds=60)
"""Of ways to sign in, for each address: every one leaves a session behind. An office may share an address."""


def limited(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse a GET from an address that sent too many; what forms send has limits of its own."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" and BEGINNINGS.take(get_ip(request), at=monotonic()).is_over:
            answer: HttpResponse = respond_429(request)
            return answer
        return view(request, *args, **kwargs)

    return wrapper
