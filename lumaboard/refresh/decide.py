"""What one answer, or its absence, means for one generation. Pure: rows are read and never changed here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lumaboard.generations.models import RANK, SETTLED, Attention, CopyState, Generation, State
from lumaboard.refresh.backoff import after_error, after_not_found, at_latest, is_parked, pace, spread
from lumaboard.refresh.claim import Claim, watched_for
from lumaboard.upstream.errors import (
    GenerationNotFound,
    NotAnApi,
    NotUnderstood,
    UpstreamError,
    UpstreamUnavailable,
)
from lumaboard.upstream.types import RemoteFile, Snapshot

TOO_YOUNG = timedelta(minutes=10)
"""Relays do not know an id for a while after they gave it out."""

MISSING_AFTER, MISSING_FROM_COUNT = timedelta(minutes=30), 5
NO_LINK_AFTER = timedelta(minutes=30)

_STUCK = {
    "auth_error": Attention.KEY_REFUSED,
    "configuration_error": Attention.NOT_AN_API,
    "missing": Attention.UNKNOWN_ID,
    "missing_or_too_young": Attention.UNKNOWN_ID,
}
"""Errors that a person may have to mend; the card says so at the first one, and the next understood answer ends it."""

_BACKS_OFF = (UpstreamUnavailable, NotUnderstood, NotAnApi)  # the other errors are the key's, which waits by itself
_QUIET = frozenset(
    {"next_refresh_at", "lease", "attempts", "asked_at", "applied_at", "answer_digest", "not_found_count"}
    | {"not_found_since", "request", "reported_id"}
)
"""Columns no page shows from this row: a change of these alone raises neither `rev` nor the change counter."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one asking: a snapshot or an error, never both."""

    claim: Claim
    asked_at: datetime
    heard_at: datetime
    seconds: float
    snapshot: Snapshot | None = None
    error: UpstreamError | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: the columns that differ, the document if it is a new one, and the files that are to be copied."""

    fields: dict[str, Any] = field(default_factory=dict)
    raw: str | None = None
    files: tuple[RemoteFile, ...] = ()

    @property
    def is_visible(self) -> bool:
        return not self.fields.keys() <= _QUIET

    @property
    def moves_state(self) -> bool:
        return "state" in self.fields


def decide(row: Generation, heard: Heard, *, now: datetime, draw: float, may_flag_missing: bool = True) -> Change:
    """Say what this outcome changes in this row; applying twice is the same as once.

    Settled is final, the rank of the state never falls, and an asking that began before the last applied one counts for
    nothing. `may_flag_missing` is False while the key seems to belong to another account.
    """
    if row.is_settled or (row.applied_at is not None and heard.asked_at <= row.applied_at):
        return Change()
    if heard.snapshot is not None:
        return _understood(row, heard, heard.snapshot, now=now, draw=draw)
    assert heard.error is not None
    if isinstance(heard.error, GenerationNotFound):
        new, wait = _not_found(row, heard, heard.error, now=now, draw=draw, may_flag=may_flag_missing)
    else:
        new, wait = _failed(row, heard, heard.error, now=now, draw=draw)
    return Change(fields=_differing(row, {**new, **_schedule(row, heard, wait, now=now)}))


def digest_of(snapshot: Snapshot) -> str:
    return hashlib.blake2b(snapshot.raw.encode(), digest_size=16).hexdigest()


def main_file(files: tuple[RemoteFile, ...]) -> RemoteFile | None:
    """Give the file whose copy is the generation's: the raw one, or the watermarked where upstream gives no other."""
    by_role = {file.role: file for file in files}
    return by_role.get("raw") or by_role.get("watermarked")


def _understood(row: Generation, heard: Heard, snapshot: Snapshot, *, now: datetime, draw: float) -> Change:
    digest = digest_of(snapshot)
    new: dict[str, Any] = {
        **_said(row, snapshot),
        **_standing(row, heard, snapshot),
        "answer_digest": digest,
        "attempts": 0,
        "error_kind": "",
        "error_text": "",
        "not_found_count": 0,
        "not_found_since": None,
    }
    files: tuple[RemoteFile, ...] = ()
    if new["state"] in SETTLED:
        new.update(next_refresh_at=None, lease="")
        if new["state"] == State.SUCCEEDED:
            files = snapshot.files
    else:
        new.update(_schedule(row, heard, spread(_pace(row, heard, now), draw), now=now))
    fields = _differing(row, new)
    if digest == row.answer_digest and fields.keys() <= {"next_refresh_at", "lease"}:
        # Nothing is new, and where the claim has already set the time there is nothing to write at all.
        return Change() if heard.claim.is_paced else Change(fields=fields)
    return Change(
        fields={**fields, "applied_at": heard.asked_at},
        raw=snapshot.raw if digest != row.answer_digest else None,
        files=files,
    )


def _said(row: Generation, snapshot: Snapshot) -> dict[str, Any]:
    """Take what upstream tells about the request; an empty value never replaces one we have."""
    file = main_file(snapshot.files)
    said = {
        "reported_id": (snapshot.task_id or "")[:191],
        "prompt": snapshot.prompt,
        "model": (snapshot.model or "")[:80],
        "aspect_ratio": (snapshot.aspect_ratio or "")[:20],
        "resolution": (snapshot.resolution or "")[:20],
        "request": snapshot.request,
        "upstream_created_at": snapshot.created_at,
        "duration_s": (file.duration_s if file else None) or snapshot.duration_s,
        "width": file.width if file else None,
        "height": file.height if file else None,
        "media_kind": file.media_kind if file else None,
    }
    return {name: value for name, value in said.items() if value}


def _standing(row: Generation, heard: Heard, snapshot: Snapshot) -> dict[str, Any]:
    """Say where the generation stands after this answer."""
    at = heard.heard_at
    state, upstream_state = State(snapshot.state), snapshot.upstream_state[:60]
    file = main_file(snapshot.files)
    is_finalising = snapshot.is_finalising or (state == State.SUCCEEDED and file is None)
    if is_finalising:
        state = State.RUNNING
    if RANK[state] < RANK[State(row.state)]:  # a stale report, from a cache on the way
        state, upstream_state = State(row.state), row.upstream_state
        is_finalising = row.finalising_since is not None
    finalising_since = (row.finalising_since or at) if is_finalising else None
    new: dict[str, Any] = {
        "state": state,
        "upstream_state": upstream_state,
        "finalising_since": finalising_since,
        "attention": Attention.NO_LINK if finalising_since and at - finalising_since >= NO_LINK_AFTER else "",
    }
    if state == State.RUNNING:
        new["running_at"] = row.running_at or at
    elif state in SETTLED:
        new["settled_at"] = at
    if state == State.FAILED:
        new["failure_kind"] = snapshot.failure_kind or "provider"
        new["failure_reason"] = snapshot.failure_reason or ""
    elif state == State.SUCCEEDED and file is not None:
        new["copy_state"] = CopyState.WANTED
        new["link_expires_at"] = file.links[0].expires_at if file.links else None
    return new


def _not_found(
    row: Generation, heard: Heard, error: GenerationNotFound, *, now: datetime, draw: float, may_flag: bool
) -> tuple[dict[str, Any], timedelta]:
    new = _complaint(row, error)
    if now - row.created_at < TOO_YOUNG:
        return new, spread(_pace(row, heard, now), draw)
    since = row.not_found_since or heard.asked_at
    count = row.not_found_count + 1
    new.update(not_found_count=count, not_found_since=since)
    if may_flag and count >= MISSING_FROM_COUNT and now - since >= MISSING_AFTER:
        new["attention"] = Attention.MISSING
        return new, after_not_found(now - since, _pace(row, heard, now), draw=draw)
    return new, spread(_pace(row, heard, now), draw)


def _failed(
    row: Generation, heard: Heard, error: UpstreamError, *, now: datetime, draw: float
) -> tuple[dict[str, Any], timedelta]:
    new = _complaint(row, error)
    usual = _pace(row, heard, now)
    if isinstance(error, _BACKS_OFF):
        return new, after_error(row.attempts, usual, draw=draw)
    return new, spread(usual, draw)


def _complaint(row: Generation, error: UpstreamError) -> dict[str, Any]:
    """Keep what went wrong; of the same thing going wrong again the first words stay, so that no card changes for it."""
    new: dict[str, Any] = {"attempts": row.attempts + 1}
    if error.kind != row.error_kind:
        new.update(error_kind=error.kind[:30], error_text=str(error)[:400])
        if error.kind in _STUCK and row.attention != Attention.MISSING:
            new["attention"] = _STUCK[error.kind]
    return new


def _pace(row: Generation, heard: Heard, now: datetime) -> timedelta:
    connection = heard.claim.connection
    return pace(watched_for(row, now), is_simulated=connection.is_simulated, factor=connection.pace_factor)


def _schedule(row: Generation, heard: Heard, wait: timedelta, *, now: datetime) -> dict[str, Any]:
    """Set the next asking and let go of the lease; a generation that has been pending for too long is parked.

    A time that a person moved since the claim ("check now", "stop tracking") stays what they made it.
    """
    if row.next_refresh_at != heard.claim.next_refresh_at:
        return {"lease": ""}
    if is_parked(watched_for(row, now)):
        return {"next_refresh_at": None, "lease": "", "attention": Attention.PARKED}
    return {"next_refresh_at": max(at_latest(heard.asked_at, wait), now), "lease": ""}


def _differing(row: Generation, new: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in new.items() if getattr(row, name) != value}
