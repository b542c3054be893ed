"""Jobs that the measured cluster runs."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from lumaboard.connections.clients import client_for
from lumaboard.generations.models import Generation
from lumaboard.refresh.apply import apply
from lumaboard.refresh.claim import Claim
from lumaboard.refresh.decide import Heard

WORK_SECONDS = 0.05


def work() -> None:
    """Keep a worker for a moment."""
    time.sleep(WORK_SECONDS)


def refresh_one(pk: int) -> None:
    """Refresh one generation as a job of its own: what the engine does for a batch, without the batch."""
    row = Generation.objects.select_related("connection").get(pk=pk)
    asked_at = timezone.now()
    row.lease, row.asked_at, row.next_refresh_at = "job", asked_at, asked_at + timedelta(minutes=1)
    row.save(update_fields=["lease", "asked_at", "next_refresh_at"])
    claim = Claim(
        row=row, connection=row.connection, lease=row.lease, next_refresh_at=row.next_refresh_at, is_paced=False
    )
    snapshot = client_for(row.connection).get_generation(row.task_id)
    heard_at = timezone.now()
    seconds = (heard_at - asked_at).total_seconds()
    heard = Heard(claim=claim, asked_at=asked_at, heard_at=heard_at, seconds=seconds, snapshot=snapshot, error=None)
    apply([heard], now=heard_at)
