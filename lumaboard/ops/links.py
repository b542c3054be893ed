"""Links that an operator hands to a person."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from lumaboard.accounts.models import User
from lumaboard.accounts.operations import create_setup_link


def setup_url() -> str:
    """Make the link for the first owner; raises `AlreadySetUp` once somebody has an account. Earlier links die with it."""
    return _public(reverse("setup", kwargs={"token": create_setup_link(timezone.now())}))


def new_password_url(user: User) -> str:
    """Make the link that a forgotten-password mail would hold; it dies once the password has changed."""
    key = default_token_generator.make_token(user)
    return _public(reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key}))


def _public(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"
