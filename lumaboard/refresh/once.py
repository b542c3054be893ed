"""Ask about one generation at once, for somebody who waits: under the same claim, budget and rules as the engine."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from lumaboard.connections.outcomes import Book
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import SETTLED, Generation, RawAnswer
from lumaboard.news.hooks.callbacks import cleaned
from lumaboard.refresh.apply import apply
from lumaboard.refresh.claim import Claim, claim_of
from lumaboard.refresh.decide import TOO_YOUNG, Heard
from lumaboard.upstream.types import Snapshot


def claim_one(row: Generation, *, now: datetime, draw: Callable[[], float] = random.random) -> Claim | None:
    """Take a pending row as it was read, due or not; None if somebody else took it meanwhile.

    Its next asking moves on by a pace, so whoever asks in between costs upstream nothing extra. The call is not taken from
    the key's budget here: that is the caller's to do before.
    """
    before = {"asked_at": row.asked_at, "lease": row.lease, "next_refresh_at": row.next_refresh_at}
    claim = claim_of(row, row.connection, secrets.token_hex(16), now=now, draw=draw)
    is_won = (
        Generation.objects.pending()
        .filter(pk=row.pk, **before)
        .update(next_refresh_at=claim.next_refresh_at, lease=claim.lease, asked_at=now)
    )
    return claim if is_won else None


def take_up(heard: Heard, *, now: datetime) -> None:
    """Write down what came of one asking, about the generation, its key and its host."""
    apply([heard], now=now)
    book = Book()
    book.add(
        heard.claim.connection,
        heard.error,
        asked_at=heard.asked_at,
        heard_at=heard.heard_at,
        seconds=heard.seconds,
        is_young=heard.heard_at - heard.claim.row.created_at < TOO_YOUNG,
    )
    for workspace_id in sorted(book.write(now=now)):
        raise_seq(workspace_id)


def keep_document(row: Generation, snapshot: Snapshot, *, heard_at: datetime) -> None:
    """Keep a newer document about a settled generation, whose links may live longer. Nothing else of it changes."""
    snapshot = cleaned(snapshot, workspace_id=row.workspace_id)
    with transaction.atomic():
        if Generation.objects.filter(pk=row.pk, state__in=SETTLED, state=snapshot.state).exists():
            RawAnswer.objects.update_or_create(
                generation_id=row.pk, defaults={"body": snapshot.raw, "received_at": heard_at}
            )
