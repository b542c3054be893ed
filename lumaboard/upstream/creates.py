"""What came of a create, judged so that nothing is paid for twice: made, refused, unknown, or certainly never sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from lumaboard.outbound import Answer
from lumaboard.upstream.documents import Document, read_document
from lumaboard.upstream.errors import NotAnApi, NotUnderstood, RequestRefused, UpstreamError
from lumaboard.upstream.fields import identifier, mapping
from lumaboard.upstream.parse import parse_answer, read_answer
from lumaboard.upstream.types import Snapshot

Verdict = Literal["accepted", "refused", "unknown", "unsent"]

_TYPES: Final = {
    "/generations": "video",
    "/generations/video": "video",
    "/generations/image": "image",
    "/generations/video/modify": "modify_video",
    "/generations/video/reframe": "reframe_video",
    "/generations/image/reframe": "reframe_image",
}
_OF_ANOTHER: Final = re.compile(r"/generations/[^/]+/(upscale|audio)")
_TYPES_OF_ANOTHER: Final = {"upscale": "upscale_video", "audio": "add_audio"}
_REFUSED_FROM, _BROKEN_FROM = 300, 500
_NOTHING_MADE: Final = frozenset({501, 503})
"""Of the errors of a server these alone, in the API's own words, say that it did not begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one create.

    accepted: upstream names the `task_id` of what it makes. refused: it says that it makes nothing. unknown: it may be
    making something. unsent: the request never left. `answer` is what came, for whoever passes it on; None if none came
    whole. `error` says why, and is None for what was accepted.
    """

    verdict: Verdict
    answer: Answer | None = None
    task_id: str = ""
    snapshot: Snapshot | None = None
    error: UpstreamError | None = None


def is_create(method: str, path: str) -> bool:
    """Say whether this call asks for something to be made, and so may cost."""
    return method == "POST" and generation_type_of(path) is not None


def generation_type_of(path: str) -> str | None:
    """Give upstream's word for what a create path makes, as `request.generation_type` echoes it; None for other paths."""
    of_another = _OF_ANOTHER.fullmatch(path)
    return _TYPES_OF_ANOTHER[of_another[1]] if of_another else _TYPES.get(path)


def without_answer(error: UpstreamError) -> Outcome:
    """Judge an exchange that did not come to its end."""
    return Outcome(verdict="unknown" if error.was_sent else "unsent", error=error)


def judged(answer: Answer, *, now: datetime) -> Outcome:
    """Judge an answer. Where it is not certain that nothing was made, it is unknown."""
    try:
        document = read_answer(answer, now=now)
    except UpstreamError as error:
        return Outcome(verdict="unknown" if _may_have_made(answer, error) else "refused", answer=answer, error=error)
    snapshot = _snapshot(answer, now)
    task_id = (snapshot.task_id if snapshot else None) or _bare_id(document)
    if task_id is None:
        nameless = NotUnderstood("Upstream accepted the request and named no id.")
        return Outcome(verdict="unknown", answer=answer, error=nameless)
    return Outcome(verdict="accepted", answer=answer, task_id=task_id, snapshot=snapshot)


def _may_have_made(answer: Answer, error: UpstreamError) -> bool:
    """Say whether something may be in the making although the answer is an error.

    A server that broke down may have broken down after it began. A success that cannot be read may be one; one that
    reads as an error, or as a web page of some other host, is none.
    """
    if isinstance(error, RequestRefused):
        return False  # it was read, whatever the status: relays wrap refusals in 500
    if answer.status >= _BROKEN_FROM:
        return answer.status not in _NOTHING_MADE or not _is_document(answer)
    if answer.status >= _REFUSED_FROM:
        return False
    return not isinstance(error, NotAnApi) and not _is_document(answer)


def _is_document(answer: Answer) -> bool:
    try:
        return isinstance(read_document(answer.body).value, dict)
    except NotUnderstood:
        return False


def _snapshot(answer: Answer, now: datetime) -> Snapshot | None:
    try:
        found = parse_answer(answer, now=now)
    except UpstreamError:
        return None
    return found if isinstance(found, Snapshot) else None


def _bare_id(document: Document) -> str | None:
    """Find the id where an answer tells little else: relays answer `{"id": …}`, `{"task_id": …}` or `{"data": "<id>"}`."""
    answer = mapping(document.value)
    inside = answer.get("data")
    said = (answer.get("id"), answer.get("task_id"), inside, mapping(inside).get("id"), mapping(inside).get("task_id"))
    return next((one for one in map(identifier, said) if one), None)
