"""How many calls are passed on at once: a slow upstream may hold some of the web server's threads, never all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

RETRY_AFTER_SECONDS = 5
"""What a caller beyond the limit is told to wait."""


class Busy(Exception):
    """As many calls as allowed are on their way; come back after `retry_after` seconds."""

    retry_after = RETRY_AFTER_SECONDS

    def __init__(self) -> None:
        super().__init__("Too many requests are on their way to the provider. Nothing was sent; try again in a moment.")


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the places for calls passed on; raises `Busy` at once where none is free."""
    if not _slots().acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        _slots().release()


@cache
def _slots() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.CREATES_AT_ONCE)
