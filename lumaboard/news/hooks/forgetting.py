"""Let go of what was told long ago; what events were told goes with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lumaboard.generations.models import SETTLED
from lumaboard.news.hooks.models import Callback, Delivery

KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 200


def forget(*, now: datetime) -> None:
    """Forget old deliveries, and callbacks whose generation has long settled or never came; in batches, so that nobody waits."""
    deliveries = Delivery.objects.filter(created_at__lte=now - KEPT).order_by("created_at", "pk")
    while keys := list(deliveries.values_list("pk", flat=True)[:_AT_ONCE]):
        Delivery.objects.filter(pk__in=keys).delete()
    callbacks = Callback.objects.filter(created_at__lte=now - KEPT)
    over = callbacks.filter(generation__state__in=SETTLED) | callbacks.filter(generation=None)
    while keys := list(over.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        Callback.objects.filter(pk__in=keys).delete()
