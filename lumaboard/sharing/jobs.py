"""What the worker does for links."""

from __future__ import annotations

from django.utils import timezone

from lumaboard.sharing.visiting.unlocking import forget_tries as forget


def forget_tries() -> None:
    """Forget tries at passwords that count no more, also at links nobody tries again."""
    forget(now=timezone.now())
