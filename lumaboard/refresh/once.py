"""Ask about one generation at once, for somebody who waits: under the same claim, budget and rules as the engine."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from lumaboard.connections.budget import answered_just_now
from lumaboard.connections.outcomes import Book
from lumaboard.core.bulk import update_rows
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import SETTLED, Generation, RawAnswer
from lumaboard.news.hooks.callbacks import cleaned
from lumaboard.refresh.apply import apply
from lumaboard.refresh.claim import Claim, claim_of
from lumaboard.refresh.decide import TOO_YOUNG, Heard
from lumaboard.upstream.types import Snapshot


def claim_one(row: Generation, *, now: datetime, draw: Callable[[], float] = random.random) -> Claim | None:
    """Take a row that was pending when it was read, due or not; None if somebody else took it meanwhile.

    Its next asking moves on by a pace, so whoever asks in between costs upstream nothing extra. The call is not taken from
    the key's budget here: that is the caller's to do before.
    """
    before = (row.state, row.next_refresh_at, row.lease, row.asked_at)
    claim = claim_of(row, row.connection, secrets.token_hex(16), now=now, draw=draw)
    columns = ("next_refresh_at", "lease", "asked_at")
    after = (row.pk, claim.next_refresh_at, claim.lease, now)
    is_won = update_rows(Generation, columns, [(*after, *before)], guards=("state", *columns))
    # The lease is let go of whatever is heard: the next to wait for an answer would wait for it.
    return replace(claim, is_paced=False) if is_won else None


def take_up(heard: Heard, *, now: datetime) -> None:
    """Write down what came of one asking, about the generation, its key and its host."""
    apply([heard], now=now)
    if _is_one_more_good_answer(heard):
        return
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


def _is_one_more_good_answer(heard: Heard) -> bool:
    """Say whether it tells nothing of key and host that was not written down a moment ago, which would cost five statements."""
    key = heard.claim.connection
    is_troubled = key.error_kind or key.pause_reason or key.refused_count or key.is_out_of_credit
    if heard.error is not None or is_troubled or key.looks_like_wrong_account:
        return False
    return answered_just_now(key, heard.heard_at)


def keep_document(row: Generation, snapshot: Snapshot, *, heard_at: datetime) -> None:
    """Keep a newer document about a settled generation, whose links may live longer. Nothing else of it changes."""
    snapshot = cleaned(snapshot, workspace_id=row.workspace_id)
    with transaction.atomic():
        if Generation.objects.filter(pk=row.pk, state__in=SETTLED, state=snapshot.state).exists():
            RawAnswer.objects.update_or_create(
                generation_id=row.pk, defaults={"body": snapshot.raw, "received_at": heard_at}
            )
