"""A person's own language and time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone, translation

from lumaboard.accounts.models import User


def apply_preferences(user: User | AnonymousUser) -> None:
    """Switch this thread to the person's language and time zone, where they chose one."""
    if isinstance(user, User):
        if user.language:
            translation.activate(user.language)
        if user.time_zone:
            timezone.activate(ZoneInfo(user.time_zone))
