"""From an answer, whatever its shape, to a snapshot, a batch or a typed error.

The same path answers in several shapes, so the shape is found out for each answer anew and never assumed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from lumaboard.outbound import Answer, scrub
from lumaboard.upstream import links
from lumaboard.upstream.complaints import error_for, is_complaint
from lumaboard.upstream.documents import Document, read_document, to_text
from lumaboard.upstream.errors import NotUnderstood, UpstreamError
from lumaboard.upstream.fields import amount, identifier, mapping, percent, seconds, text
from lumaboard.upstream.media import files_of, result_urls_of
from lumaboard.upstream.types import Batch, Link, RemoteFile, Snapshot, State
from lumaboard.upstream.words import Progress, failure_kind_of, progress_of

LONGEST_REASON = 2_000
_LEGACY_KEYS = frozenset({"liked", "queue_state", "estimate_wait_seconds"})
_LEGACY_MEDIA = ("video", "video_raw", "artifact")
_SHAPES = {"1:1": 1, "16:9": 16 / 9, "9:16": 9 / 16, "4:3": 4 / 3, "3:4": 3 / 4, "21:9": 21 / 9, "9:21": 9 / 21}


def parse_answer(answer: Answer, *, now: datetime) -> Snapshot | Batch:
    """Read the answer to a query, a list or a create, or a callback's body. Raises UpstreamError and nothing else."""
    document = read_answer(answer, now=now)
    try:
        return _read(document.value, document.text, now)
    except RecursionError:
        raise NotUnderstood("The answer is nested deeper than any answer of this API should be.") from None


def parse_download_link(answer: Answer, *, now: datetime) -> Link:
    """Read the answer of the relays' `download_video_url` route: nothing but one signed link."""
    document = mapping(read_answer(answer, now=now).value)
    url = links.web_url(document.get("url"))
    if url is None:
        raise NotUnderstood("The answer holds no download link.")
    return links.link(url, expires_at=document.get("expires_at"))


def read_answer(answer: Answer, *, now: datetime) -> Document:
    """Give the JSON document of a healthy answer. Raises the error that any other answer stands for."""
    document: Document | None = None
    unreadable: UpstreamError | None = None
    try:
        document = read_document(answer.body)
    except NotUnderstood as error:
        unreadable = error
    if not 200 <= answer.status < 300 or document is None or is_complaint(document.value):
        raise error_for(answer, document, now=now) or unreadable or NotUnderstood("The answer makes no sense.")
    return document


def _read(value: Any, raw: str, now: datetime) -> Snapshot | Batch:
    if isinstance(value, list):
        return _read(value[0], to_text(value[0]), now) if len(value) == 1 else _batch(value, now)
    if not isinstance(value, dict):
        raise NotUnderstood("The answer is JSON, but says nothing about a generation.")
    if isinstance(value.get("generations"), list):
        batch = _batch(value["generations"], now)
        return replace(batch, has_more=value.get("has_more") is True, total=amount(value.get("count")))
    if "code" in value and "data" in value and "state" not in value:
        inside = value["data"]
        if isinstance(inside, list):
            return _batch(inside, now)
        if "status" in mapping(inside):
            return _task(mapping(inside), raw, now, shape="envelope")
        return _read(inside, raw, now)
    return _one(value, raw, now)


def _one(value: Any, raw: str, now: datetime) -> Snapshot:
    """Read one generation: a relay's flat task, or the provider's own object."""
    if not isinstance(value, dict) or is_complaint(value):
        raise NotUnderstood("The answer is JSON, but says nothing about a generation.")
    if "status" in value and "state" not in value and "task_id" in value:
        return _task(value, raw, now, shape="flat-task")
    return _generation(value, raw, now)


def _batch(values: list[Any], now: datetime) -> Batch:
    snapshots: list[Snapshot] = []
    for value in values:
        try:
            snapshots.append(_one(value, to_text(value), now))
        except NotUnderstood:
            continue  # counted below: one bad entry must not hide the others
    return Batch(snapshots=tuple(snapshots), unreadable_count=len(values) - len(snapshots))


def _task(task: dict[str, Any], raw: str, now: datetime, *, shape: str) -> Snapshot:
    """Read a relay's task. Its status wins over the provider's object inside, which may be stale."""
    inner = task.get("data") or task.get("generation")
    inner = mapping(inner[0] if isinstance(inner, list) and len(inner) == 1 else inner)
    inner = mapping(inner.get("data")) or inner
    word, progress = task.get("status"), progress_of(task.get("status"))
    if progress == "unknown" and "state" in inner:
        word, progress = inner["state"], progress_of(inner["state"])
    # Old rows of a success keep the result's address in `fail_reason`; newer ones in `result_url`.
    said = task.get("fail_reason"), task.get("result_url")
    reasons = [one for one in said if links.web_url(one) is None]
    return _snapshot(
        {"created_at": task.get("submit_time") or task.get("created_at"), **inner},
        raw=raw,
        now=now,
        shape=shape,
        word=word,
        progress=progress,
        ids=(task.get("task_id"), inner.get("id")),
        reasons=(*reasons, inner.get("failure_reason")),
        urls=said,
        percentage=percent(task.get("progress")),
    )


def _generation(document: dict[str, Any], raw: str, now: datetime) -> Snapshot:
    """Read the provider's object, in whichever of its shapes."""
    known = {"state", "assets", "request", "created_at", *_LEGACY_MEDIA}
    if identifier(document.get("id")) is None or not known & document.keys():
        raise NotUnderstood("The answer is JSON, but says nothing about a generation.")
    return _snapshot(
        document,
        raw=raw,
        now=now,
        shape=_shape_of(document),
        word=document.get("state"),
        progress=progress_of(document.get("state")),
        ids=(document.get("id"),),
        reasons=(document.get("failure_reason"), mapping(document.get("error")).get("message")),
    )


def _shape_of(document: dict[str, Any]) -> str:
    if isinstance(document.get("output"), list) and "type" in document:
        return "agents"
    if not _LEGACY_KEYS & document.keys() and all(document.get(key) is None for key in _LEGACY_MEDIA):
        # A failed legacy object has nothing but empty media keys; the official shape has no such keys at all.
        return "legacy" if "assets" not in document and any(key in document for key in _LEGACY_MEDIA) else "official"
    return "hybrid" if mapping(document.get("assets")) else "legacy"


def _snapshot(
    document: dict[str, Any],
    *,
    raw: str,
    now: datetime,
    shape: str,
    word: object,
    progress: Progress,
    ids: tuple[object, ...],
    reasons: tuple[object, ...],
    urls: tuple[object, ...] = (),
    percentage: int | None = None,
) -> Snapshot:
    request = document.get("request") if isinstance(document.get("request"), dict) else None
    echo = mapping(request)
    files = files_of(document, now=now, extra_urls=urls) if progress == "completed" else ()
    result_urls = result_urls_of(files, now=now)
    reported = tuple(dict.fromkeys(one for one in map(identifier, ids) if one is not None))
    reason = _reason(reasons) if progress == "failed" else None
    code = text(document.get("failure_code"), longest=100) if progress == "failed" else None
    return Snapshot(
        task_id=reported[0] if reported else None,
        state=_state(progress, has_result=bool(result_urls)),
        upstream_state=(text(word, longest=64) or "").strip(),
        is_finalising=progress == "completed" and not result_urls,
        failure_reason=reason or code,
        failure_kind=failure_kind_of(code, reason),
        prompt=text(document.get("prompt"), longest=20_000) or text(echo.get("prompt"), longest=20_000),
        model=_model(document, echo),
        aspect_ratio=text(echo.get("aspect_ratio"), longest=20) or _aspect_ratio(files),
        resolution=text(echo.get("resolution"), longest=20),
        duration_s=next((file.duration_s for file in files if file.duration_s), None) or seconds(echo.get("duration")),
        is_loop=echo.get("loop") is True or document.get("loop") is True,
        request=request,
        created_at=links.moment_of(document.get("created_at")),
        files=files,
        result_urls=result_urls,
        progress=percentage,
        shape=shape,
        raw=raw,
        reported_ids=reported,
    )


def _state(progress: Progress, *, has_result: bool) -> State:
    if progress == "completed":
        return "succeeded" if has_result else "running"
    return "running" if progress == "unknown" else progress


def _reason(candidates: tuple[object, ...]) -> str | None:
    said = (text(one, longest=LONGEST_REASON) for one in candidates)
    return next((scrub(one) for one in said if one), None)


def _model(document: dict[str, Any], echo: dict[str, Any]) -> str | None:
    """Name the model; old answers call it `version`."""
    said = (text(value, longest=100) for value in (document.get("model"), document.get("version"), echo.get("model")))
    return next(filter(None, said), None)


def _aspect_ratio(files: tuple[RemoteFile, ...]) -> str | None:
    """Name the nearest of the provider's ratios for a file of known size: 1360 by 752 is what it calls 16:9."""
    for file in files:
        if file.width and file.height:
            ratio = file.width / file.height
            name = min(_SHAPES, key=lambda one: abs(_SHAPES[one] - ratio))
            return name if abs(_SHAPES[name] / ratio - 1) < 0.06 else None
    return None
