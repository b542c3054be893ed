"""The provider's and the relays' words, in ours."""

from __future__ import annotations

import re
from typing import Literal

from lumaboard.upstream.types import FailureKind

Progress = Literal["queued", "running", "completed", "failed", "unknown"]

_STATES: dict[str, Progress] = {
    **dict.fromkeys(("queued", "pending", "not_start", "submitted"), "queued"),
    **dict.fromkeys(("dreaming", "processing", "in_progress", "running"), "running"),
    **dict.fromkeys(("completed", "success", "succeed", "succeeded"), "completed"),
    **dict.fromkeys(("failed", "failure", "fail", "error"), "failed"),
}
_MODERATION = re.compile(r"moderat|blacklist|content.?(?:security|policy)|sensitive|risk control", re.IGNORECASE)
_TIMEOUT = re.compile(r"time[d ]?-?\s?out|超时", re.IGNORECASE)
_INPUT = re.compile(
    r"read user input|frame|image_too_large|unsupported_format|corrupt_input|invalid_request", re.IGNORECASE
)
_ANY_CREDIT = re.compile(r"quota|balance|credit|budget|insufficient|额度|余额", re.IGNORECASE)
_NO_CREDIT = re.compile(
    r"quota_not_enough|budget_exhausted|insufficient[ _](?:\w+[ _])?(?:quota|balance|credit|fund)"
    r"|(?:quota|balance|credits?)\W+(?:is |are )?(?:not enough|insufficient|exhausted|exceeded)|out of credit",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"(?:task|generation|record)(?:_|\s)+(?:is\s+|was\s+|does\s+)?not(?:_|\s)+(?:exist|found)|task_not_exist",
    re.IGNORECASE,
)


def progress_of(word: object) -> Progress:
    """Place an upstream state. A word nobody told us about never settles anything: it is "unknown"."""
    return _STATES.get(word.strip().lower(), "unknown") if isinstance(word, str) else "unknown"


def failure_kind_of(*texts: str | None) -> FailureKind | None:
    """Tell why a generation failed, from the texts and codes that came with it. Without any: None."""
    text = " ".join(filter(None, texts))
    if not text:
        return None
    if _MODERATION.search(text):
        return "moderation"
    if _TIMEOUT.search(text):
        return "timeout"
    return "input" if _INPUT.search(text) else "provider"


def is_about_moderation(text: str) -> bool:
    return _MODERATION.search(text) is not None


def is_about_credit(text: str, *, loosely: bool) -> bool:
    """Tell a lack of credit. `loosely`: any mention counts, as on a 403, where few other things are meant."""
    return (_ANY_CREDIT if loosely else _NO_CREDIT).search(text) is not None


def is_not_found(text: str) -> bool:
    return _NOT_FOUND.search(text) is not None
