"""What every template may know about the person looking."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from lumaboard.accounts.models import User


def preferences(request: HttpRequest) -> dict[str, object]:
    """Give `theme` ("", "light" or "dark"), `server_now`, and what single sign-on is called where there is one.

    Costs nothing where the view has read the person already.
    """
    user = getattr(request, "user", None)
    return {
        "theme": user.theme if isinstance(user, User) else "",
        "server_now": timezone.now(),
        "single_sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }
