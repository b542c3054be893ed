"""What the worker does about requests that were left behind: unsent, or without an answer. It may run twice, or beside itself."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.submission import pictures, reconcile, takes


def settle() -> None:
    """Send what was left unsent, call what was never answered unknown, look through upstream's lists for it; and tidy up."""
    takes.send_left(clock=timezone.now)
    reconcile.settle_stale(now=timezone.now())
    reconcile.look_for_due(clock=timezone.now)
    pictures.forget_old(now=timezone.now())
