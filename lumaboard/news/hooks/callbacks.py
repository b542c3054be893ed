"""Callbacks: what programs asked to be called at, and what upstream is given in its place.

Upstream calls us at `/hooks/<token>`. That is a hint to ask and nothing more, for anybody can post there; what programs
are told is what was heard by asking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.core.http import is_address
from lumaboard.core.queue import enqueue
from lumaboard.generations.models import Generation
from lumaboard.news.hooks import sealed
from lumaboard.news.hooks.models import Callback, CallbackSecret, Delivery
from lumaboard.news.hooks.webhooks import JOB
from lumaboard.upstream.types import Snapshot

PATH: Final = "/hooks/"
APART: Final = timedelta(seconds=2)
"""Hints make us ask about one generation no more often than this."""

NAME: Final = "callback_url"
LONGEST_URL: Final = 2_000
_MADE_WITH: Final = r"[A-Za-z0-9_-]{43}"


def wanted_in(request: str) -> str:
    """Give the address that a request asks to be called at; empty where it names none."""
    spans = _spans(request)
    url = spans[-1].value if spans else None
    return url if isinstance(url, str) and is_address(url, longest=LONGEST_URL) else ""


def begin(workspace_id: int, url: str, *, created_by_id: int | None, now: datetime) -> Callback:
    """Take the place of this address: from now on it is called by us."""
    token = new_token()
    CallbackSecret.objects.get_or_create(
        workspace_id=workspace_id,
        defaults={"secret_box": sealed.seal_callback_secret(sealed.new_secret(), workspace_id=workspace_id)},
    )
    return Callback.objects.create(
        workspace_id=workspace_id,
        created_by_id=created_by_id,
        token_hash=hash_token(token),
        token_box=sealed.seal_token(token, workspace_id=workspace_id),
        url_box=sealed.seal_url(url, workspace_id=workspace_id),
        url_host=urlsplit(url).netloc,
        created_at=now,
    )


def join(callback_id: int, generation_id: int) -> None:
    """Say which generation came of the request; the first stays."""
    Callback.objects.filter(pk=callback_id, generation=None).update(generation=generation_id)


def with_ours(request: str, callback: Callback) -> str:
    """Give the request with our address in the place of theirs, and not another letter changed."""
    ours = json.dumps(f"{settings.PUBLIC_URL}{PATH}{sealed.token_of(callback)}")
    for span in reversed(_spans(request)):
        request = f"{request[: span.start]}{ours}{request[span.end :]}"
    return request


def with_theirs(document: bytes, *, workspace_id: int) -> bytes:
    """Give a document of the provider with the programs' own addresses in the place of ours; else as it came.

    Where none of ours stands in it, nothing is looked up.
    """
    if b"hooks" not in document:
        return document
    pattern = _ours()
    tokens = {match.decode() for match in pattern.findall(document)}
    if not tokens:
        return document
    hashes = {hash_token(token): token for token in tokens}
    theirs = {
        hashes[callback.token_hash].encode(): json.dumps(_theirs(callback))[1:-1].encode()
        for callback in Callback.objects.filter(workspace=workspace_id, token_hash__in=hashes)
    }
    return pattern.sub(lambda match: theirs.get(match[1], match[0]), document)


def _theirs(callback: Callback) -> str:
    try:
        return sealed.url_of(callback)
    except sealed.Unreadable:  # ours goes no further all the same
        return ""


def cleaned(snapshot: Snapshot, *, workspace_id: int) -> Snapshot:
    """Give a snapshot as it would be had upstream been given the program's own address."""
    raw = with_theirs(snapshot.raw.encode(), workspace_id=workspace_id).decode()
    if raw == snapshot.raw:
        return snapshot
    request = with_theirs(json.dumps(snapshot.request).encode(), workspace_id=workspace_id)
    return replace(snapshot, raw=raw, request=json.loads(request))


def note_changes(numbers: Mapping[int, int], *, now: datetime) -> None:
    """Have programs told that these generations changed their state: their ids, each with the number of the transition.

    Call it in the transaction of the change; one query where nobody asked to be called.
    """
    rows = [
        Delivery(
            workspace_id=callback.workspace_id,
            callback=callback,
            number=numbers[callback.generation_id],
            kind=Delivery.CHANGE,
            host=callback.url_host,
            created_at=now,
            begun_at=now,
            next_try_at=now,
        )
        for callback in Callback.objects.filter(generation__in=numbers).order_by("pk")
        if callback.generation_id is not None
    ]
    if rows:
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        enqueue(JOB)


def take_hint(token: str, *, now: datetime) -> bool:
    """Have the generation behind this token asked about soon, if there is one and it is pending; says whether it will be."""
    found = Callback.objects.filter(token_hash=hash_token(token), workspace__deleted_at=None)
    row = found.values_list("generation", "generation__asked_at").first()
    if row is None or row[0] is None:
        return False
    generation_id, asked_at = row
    due_at = max(now, asked_at + APART) if asked_at is not None and asked_at <= now else now
    waiting = Generation.objects.pending().filter(pk=generation_id, asked_at=asked_at, trashed_at=None)
    with transaction.atomic():
        is_moved = waiting.filter(Q(next_refresh_at__gt=due_at)).update(next_refresh_at=due_at)
        if is_moved and due_at == now:
            enqueue("lumaboard.refresh.jobs.refresh_due")
    return bool(is_moved)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where in a text the value of `callback_url` stands."""

    start: int
    end: int
    value: Any


def _spans(text: str) -> list[_Span]:
    """Find the values of `callback_url` in a JSON object, of its own members alone; said twice, both of them."""
    decoder, found = json.JSONDecoder(), []
    try:
        at = _next(text, 0, "{")
        while text[at] != "}":
            name, at = decoder.raw_decode(text, at)
            start = _next(text, at, ":")
            value, end = decoder.raw_decode(text, start)
            if name == NAME:
                found.append(_Span(start, end, value))
            at = _next(text, end, "")
            if text[at] == ",":
                at = _next(text, at, ",")
    except (ValueError, IndexError, RecursionError):
        return []  # no JSON object: upstream will say so
    return found


def _next(text: str, at: int, sign: str) -> int:
    """Step over this sign, which has to be the next, and the space around it."""
    while text[at] in " \t\r\n":
        at += 1
    if not text.startswith(sign, at):
        raise ValueError
    at += len(sign)
    while text[at] in " \t\r\n":
        at += 1
    return at


def _ours() -> re.Pattern[bytes]:
    """Our addresses as they may stand in JSON, where some write `/` as `\\/`."""
    begins = re.escape(f"{settings.PUBLIC_URL}{PATH}").replace("/", r"\\?/")
    return re.compile(f"{begins}({_MADE_WITH})".encode())
