"""What upstream says, typed and frozen. Nothing further inside handles the provider's dictionaries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

State = Literal["queued", "running", "succeeded", "failed"]
FailureKind = Literal["moderation", "input", "provider", "timeout"]
Role = Literal["raw", "watermarked", "thumbnail", "last_frame"]
MediaKind = Literal["video", "image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One address of a file. `expires_at` is None when the address does not say that it dies."""

    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file upstream keeps for a generation, with every address known for it, the best first, expired ones last."""

    role: Role
    links: tuple[Link, ...]
    media_kind: MediaKind
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What upstream said about one generation at one moment.

    `is_finalising`: upstream says it is complete but gives no link yet; the state is "running" then. `result_urls` are
    the addresses of the deliverable alone, best first. `request` is upstream's echo of what was asked. `raw` is the
    document as text, without NUL and lone surrogates, so every database takes it.
    """

    task_id: str | None
    state: State
    upstream_state: str
    is_finalising: bool = False
    failure_reason: str | None = None
    failure_kind: FailureKind | None = None
    prompt: str | None = None
    model: str | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    duration_s: float | None = None
    is_loop: bool = False
    request: dict[str, Any] | None = None
    created_at: datetime | None = None
    files: tuple[RemoteFile, ...] = ()
    result_urls: tuple[str, ...] = ()
    progress: int | None = None
    shape: str
    raw: str
    reported_ids: tuple[str, ...] = ()
    """Every id the document gives: a relay's task id outside, the provider's own id inside."""

    def is_about(self, task_id: str) -> bool:
        """Say whether the document names this id. UUIDs are compared without regard to case."""
        return task_id.lower() in (reported.lower() for reported in self.reported_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A list of generations, or a page of one. Entries nobody could read are only counted.

    `total` is how many upstream says there are on all pages, if it does.
    """

    snapshots: tuple[Snapshot, ...]
    unreadable_count: int = 0
    has_more: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What is left on the account, always in `unit` (US dollars; cents are converted). `label` names the account, or is empty."""

    amount: Decimal
    unit: str
    label: str
