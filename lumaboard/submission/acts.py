"""What people decide about requests whose outcome nobody knows: look, choose, dismiss, send again.

Each act is one transaction; who may is asked by the view before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from lumaboard.audit.operations import record
from lumaboard.core.queue import enqueue
from lumaboard.generations.counts import raise_seq
from lumaboard.submission.models import Intent, IntentState, Source
from lumaboard.submission.operations import Sent, intend, send
from lumaboard.submission.pricing import estimated
from lumaboard.submission.settling import accept, expect_no_more
from lumaboard.submission.slots import slot
from lumaboard.upstream.client import KINDS_WITH_LIST


class NotOpen(Exception):
    """The request is settled already: by an answer, by a look, or by somebody else."""


def look_now(intent: Intent, *, actor_id: int, now: datetime) -> bool:
    """Have upstream's list looked through at once; False where there is no list, or nothing to look for."""
    if intent.connection.kind not in KINDS_WITH_LIST or intent.state != IntentState.UNKNOWN:
        return False
    with transaction.atomic():
        Intent.objects.open().filter(pk=intent.pk, state=IntentState.UNKNOWN).update(next_look_at=now)
        record("submission.looked", workspace_id=intent.workspace_id, actor_id=actor_id, target=intent)
        enqueue("lumaboard.submission.jobs.settle")
    return True


def choose(intent: Intent, task_id: str, *, actor_id: int, now: datetime) -> int:
    """Take one of the generations that it could be as what came of it, and give its key. Raises `NotOpen`."""
    with transaction.atomic():
        raise_seq(intent.workspace_id)
        row = Intent.objects.open().select_for_update(of=("self",)).select_related("connection").filter(pk=intent.pk)
        found = row.filter(state=IntentState.UNKNOWN).first()
        if found is None or task_id not in {candidate["task_id"] for candidate in found.candidates}:
            raise NotOpen
        if Intent.objects.filter(connection=found.connection, task_id=task_id).exists():
            raise NotOpen
        record("submission.chosen", workspace_id=intent.workspace_id, actor_id=actor_id, target=intent)
        return accept(found, task_id, None, now=now)


def dismiss(intent: Intent, *, actor_id: int, now: datetime) -> None:
    """Show it no more. Raises `NotOpen`."""
    with transaction.atomic():
        _close(intent, actor_id=actor_id, now=now)
        record("submission.dismissed", workspace_id=intent.workspace_id, actor_id=actor_id, target=intent)


def send_again(intent: Intent, *, actor_id: int, clock: Callable[[], datetime] = timezone.now) -> Sent:
    """Send the same request once more, as a request of its own that belongs to whoever says so.

    What never left costs once; what may have been made may cost twice, so a person has to say it. Of two who do at once,
    one sends. Raises `NotOpen`, `Busy` and `NotIntended`.
    """
    with slot():
        now = clock()
        with transaction.atomic():
            _close(intent, actor_id=actor_id, now=now)
            again = intend(
                intent.connection,
                created_by_id=actor_id,
                route=intent.route,
                request=intent.request.encode(),
                source=Source.FORM,
                is_private=intent.is_private,
                made_from=intent.made_from,
                estimate=estimated([intent]),
                now=now,
            )
            record("submission.repeated", workspace_id=intent.workspace_id, actor_id=actor_id, target=intent)
        return send(again.pk, clock=clock)


def _close(intent: Intent, *, actor_id: int, now: datetime) -> None:
    raise_seq(intent.workspace_id)
    rows = Intent.objects.unsettled(now=now).filter(pk=intent.pk)
    if not rows.update(dismissed_at=now, dismissed_by=actor_id, is_sendable=False, next_look_at=None):
        raise NotOpen
    expect_no_more(intent, now=now)
