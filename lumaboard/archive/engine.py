"""Copies everything that is due, several files at once, until nothing is due or the job's time is over."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from lumaboard.archive import custody, renditions
from lumaboard.archive.claim import Claim, claim_copies, claim_preview, stuck_copies
from lumaboard.archive.copying import copy
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import Asset

logger = logging.getLogger(__name__)

AT_ONCE: Final = 4
"""Files on their way at the same time: enough that one slow media host does not hold up the rest."""

BUDGET_SECONDS: Final = 600.0
"""After this no new copy begins. With what is still under way (`copying.COPY_SECONDS`) that is less than the queue allows."""

BEAT: Final = "copy"
BEAT_PERIOD: Final = timedelta(seconds=10)
_LOOK_EVERY_SECONDS: Final = 1.0
_BEAT_EVERY_SECONDS: Final = 3.0


def copy_all_due(*, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Copy until nothing is due and nothing is under way; returns how many copies were begun.

    New work is looked for every second, so one that comes due beside a long copy need not wait for it. Previews are made
    one at a time beside the copies, and begun only while they would end before the last copy may begin: links die, and
    no copy is to wait for a preview.
    """
    ends_at = monotonic() + budget_seconds
    begun, beaten_at = 0, float("-inf")
    running: set[Future[None]] = set()
    preview: Future[None] | None = None
    with ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="copy") as pool:
        while True:
            copies = len(running) - (preview in running)
            claims = _next_claims(AT_ONCE - copies) if monotonic() < ends_at and copies < AT_ONCE else []
            running |= {pool.submit(_in_thread, claim) for claim in claims}
            begun += len(claims)
            if preview not in running and monotonic() < ends_at - renditions.SECONDS:
                for claim in claim_preview(now=timezone.now()):
                    preview = pool.submit(_in_thread, claim)
                    running.add(preview)
                    begun += 1
            if not running:
                break
            if monotonic() - beaten_at > _BEAT_EVERY_SECONDS:
                _beat(timezone.now())
                beaten_at = monotonic()
            done, running = wait(running, timeout=_LOOK_EVERY_SECONDS, return_when=FIRST_COMPLETED)
            _report(done)
    if begun:
        Beat.objects.filter(name=BEAT).update(due_at=timezone.now())  # whatever comes due next may start a job at once
    return begun


def take_turn(now: datetime) -> bool:
    """Say whether a job that copies should be queued now: something is due, none is at work, and nobody else said yes."""
    if not Asset.objects.due(now).exists():
        return False
    is_due = Q(due_at__lte=now) | Q(due_at__gt=now + BEAT_PERIOD)  # further ahead: the clock was set back
    if Beat.objects.filter(is_due, name=BEAT).update(due_at=now + BEAT_PERIOD):
        return True
    return Beat.objects.get_or_create(name=BEAT, defaults={"due_at": now + BEAT_PERIOD})[1]


def _next_claims(limit: int) -> list[Claim]:
    now = timezone.now()
    for asset_id in stuck_copies(now=now, limit=limit):
        custody.park(asset_id, now=now)
    return claim_copies(now=now, limit=limit)


def _beat(now: datetime) -> None:
    """Show that copies are under way, so that nobody queues a second job beside this one."""
    Beat.objects.update_or_create(name=BEAT, defaults={"due_at": now + BEAT_PERIOD, "beaten_at": now})


def _in_thread(claim: Claim) -> None:
    try:
        copy(claim)
    finally:
        connections.close_all()  # this thread's own


def _report(done: Iterable[Future[None]]) -> None:
    """A copy that ended in a way nobody foresaw keeps its counted start: it is tried again, and parked the third time."""
    for future in done:
        if error := future.exception():
            logger.error("A copy broke down.", exc_info=error)
