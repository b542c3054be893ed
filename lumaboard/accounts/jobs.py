"""What the worker tidies up about people. All of it may run twice, or beside itself."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.accounts.models import Session


def forget_sessions() -> None:
    """Remove sessions whose time is over, and with them from where they came."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
