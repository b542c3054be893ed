"""What came of an intent, written down: the generation it became, the refusal, or that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import Act, Generation
from lumaboard.generations.operations import Wanted, track
from lumaboard.news.batches import close_done, expect_one_less, join
from lumaboard.news.hooks import callbacks
from lumaboard.outbound import Answer
from lumaboard.submission.lineage import note_origins
from lumaboard.submission.models import Intent, IntentState
from lumaboard.upstream.client import KINDS_WITH_LIST
from lumaboard.upstream.creates import Outcome
from lumaboard.upstream.documents import read_document
from lumaboard.upstream.errors import NotUnderstood
from lumaboard.upstream.fields import mapping, text
from lumaboard.upstream.types import Snapshot

FIRST_LOOK: Final = timedelta(seconds=20)
"""After so long upstream's list is looked through for what an unknown outcome may have made."""

_FINAL: Final = frozenset({400, 404, 405, 409, 410, 413, 415, 422})
"""Refusals of the request itself: the same request would be refused again. After any other it may be sent again."""

_KEPT_HEADERS: Final = ("content-type", "retry-after", "request-id", "x-request-id")
_LONGEST_ANSWER = 256 * 1024
_LONGEST_PROMPT = 20_000


def settle(intent: Intent, outcome: Outcome, *, now: datetime) -> int | None:
    """Record what came of a sending, and give the generation's key if there is one. Twice is once."""
    kept: dict[str, Any] = {"answered_at": now, **_kept(outcome.answer)}
    if outcome.error is not None:
        kept |= {"error_kind": outcome.error.kind[:30], "error_text": str(outcome.error)[:400]}
    match outcome.verdict:
        case "accepted":
            return accept(intent, outcome.task_id, outcome.snapshot, now=now, **kept)
        case "refused":
            kept |= {"state": IntentState.REFUSED, "is_sendable": kept["answer_status"] not in _FINAL}
        case "unknown":
            kept |= {"state": IntentState.UNKNOWN, "next_look_at": first_look(intent, now=now)}
        case "unsent":  # whoever sent it is told so, so nobody else has to be
            kept |= {"state": IntentState.INTENDED, "is_sendable": True, "sent_at": None, "dismissed_at": now}
    with transaction.atomic():
        raise_seq(intent.workspace_id)
        changed = Intent.objects.filter(pk=intent.pk).exclude(state=IntentState.ACCEPTED).update(**kept)
        if changed and outcome.verdict != "unknown":
            expect_no_more(intent, now=now)
    return None


def expect_no_more(intent: Intent, *, now: datetime) -> None:
    """Let the batch, if it is one of a batch, be done without it; call it once, where nothing will come of the intent."""
    if intent.batch_id is not None:
        expect_one_less(intent.batch_id, now=now)


def accept(intent: Intent, task_id: str, snapshot: Snapshot | None, *, now: datetime, **kept: Any) -> int:
    """Track what an intent became, and match the two, in one transaction; gives the generation's key.

    Where a callback, a poll or a paste was faster, its row is the one.
    """
    if snapshot is not None:
        snapshot = callbacks.cleaned(snapshot, workspace_id=intent.workspace_id)
    with transaction.atomic():
        track(
            intent.connection,
            [_wanted(intent, task_id, snapshot)],
            created_by_id=intent.created_by_id,
            is_private=intent.is_private,
            act=Act.SUBMITTED,
            now=now,
        )
        generation = Generation.objects.only("pk", "state").get(connection_id=intent.connection_id, task_id=task_id)
        Intent.objects.filter(pk=intent.pk).update(
            state=IntentState.ACCEPTED,
            task_id=task_id,
            generation=generation,
            is_sendable=False,
            next_look_at=None,
            candidates=[],
            **{"error_kind": "", "error_text": "", **kept},
        )
        if intent.callback_id is not None:
            callbacks.join(intent.callback_id, generation.pk)
        if intent.batch_id is not None:
            join(intent.batch_id, [generation.pk])
        if generation.is_settled:
            _make_up_for(intent, generation, now=now)
        note_origins(intent, child_id=generation.pk, asked=asked_of(intent))
    return generation.pk


def _make_up_for(intent: Intent, generation: Generation, *, now: datetime) -> None:
    """Tell batch and callback what they missed: the generation had settled before it was known to be theirs."""
    if intent.batch_id is not None:
        close_done([intent.batch_id], now=now)
    last = generation.transitions.order_by("-number").values_list("number", flat=True).first()
    if intent.callback_id is not None and last is not None:
        callbacks.note_changes({generation.pk: last}, now=now)


def first_look(intent: Intent, *, now: datetime) -> datetime | None:
    """Say when to look for it upstream; None where upstream has no list."""
    return now + FIRST_LOOK if intent.connection.kind in KINDS_WITH_LIST else None


def asked_of(intent: Intent) -> Mapping[str, Any]:
    """Read the request; an empty mapping where it is no object."""
    try:
        return mapping(read_document(intent.request.encode()).value)
    except NotUnderstood:
        return {}


def _wanted(intent: Intent, task_id: str, snapshot: Snapshot | None) -> Wanted:
    """Say what is known about a new generation: by what was asked, and by what upstream makes of it."""
    asked = asked_of(intent)

    def said(name: str) -> str:
        return getattr(snapshot, name, None) or text(asked.get(name), longest=_LONGEST_PROMPT) or ""

    return Wanted(
        task_id=task_id,
        prompt=said("prompt"),
        model=said("model"),
        aspect_ratio=said("aspect_ratio"),
        resolution=said("resolution"),
        request=(snapshot.request if snapshot else None) or dict(asked),
    )


def _kept(answer: Answer | None) -> dict[str, Any]:
    """Keep of an answer what a second asker with the same key is given."""
    if answer is None:
        return {"answer_status": None}
    named = {name.lower(): value for name, value in answer.headers.items()}
    return {
        "answer_status": answer.status,
        "answer_headers": {name: named[name][:500] for name in _KEPT_HEADERS if name in named},
        "answer": answer.body[:_LONGEST_ANSWER].decode(errors="replace").replace("\0", ""),
    }
