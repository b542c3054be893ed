"""The JSON documents: a generation in the official and in the legacy shape, and the provider's errors."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from .fate import Fate, Phase

Json = dict[str, Any]
LinkOf = Callable[[str], str]
"""Gives the signed link to the file of a role."""

_OFFICIAL_WORDS: Final = {Phase.QUEUED: "queued", Phase.RUNNING: "dreaming", Phase.FAILED: "failed"}
_LEGACY_WORDS: Final = {Phase.QUEUED: "pending", Phase.RUNNING: "processing", Phase.FAILED: "failed"}
_ENVELOPE_WORDS: Final = {Phase.QUEUED: "QUEUED", Phase.RUNNING: "IN_PROGRESS", Phase.FAILED: "FAILURE"}

CONCEPTS: Final = ("aerial", "crane_up", "dolly_zoom", "handheld", "low_angle", "orbit_left", "orbit_right", "static")
CAMERA_MOTIONS: Final = (
    "camera orbit left",
    "camera orbit right",
    "camera pan left",
    "camera push in",
    "camera static",
)


def official(fate: Fate, phase: Phase, seen_at: float, link_of: LinkOf) -> Json:
    """Write the shape of the provider's own API."""
    assets: Json | None = None
    if phase is Phase.COMPLETED:
        video = {"video": link_of("raw"), "image": link_of("thumbnail"), "progress_video": None}
        assets = video if fate.kind == "video" else {"image": link_of("thumbnail")}
    return {
        "id": fate.id,
        "generation_type": fate.kind,
        "state": _word(_OFFICIAL_WORDS, fate, phase),
        "failure_reason": fate.failure_reason if phase is Phase.FAILED else None,
        "created_at": _iso(seen_at),
        "assets": assets,
        "model": fate.model,
        "request": _request(fate),
    }


def legacy(fate: Fate, phase: Phase, seen_at: float, size: tuple[int, int], link_of: LinkOf) -> Json:
    """Write the shape of the web backend as relays pass it on."""
    answer: Json = {
        "id": fate.id,
        "liked": None,
        "state": _word(_LEGACY_WORDS, fate, phase),
        "video": None,
        "prompt": fate.prompt,
        "thumbnail": None,
        "video_raw": None,
        "created_at": _iso(seen_at),
        "last_frame": None,
        "queue_state": None,
        "estimate_wait_seconds": None,
    }
    if phase is Phase.FAILED and fate.failure_reason:
        answer["failure_reason"] = fate.failure_reason
    if phase is Phase.COMPLETED:
        dimensions = {"width": size[0], "height": size[1]}
        answer["video"] = {"url": link_of("watermarked"), **dimensions}
        answer["thumbnail"] = {"url": link_of("thumbnail"), **dimensions}
        answer["last_frame"] = {"url": link_of("last_frame"), **dimensions}
        if "watermark-only" not in fate.directives:
            answer["video"]["download_url"] = link_of("raw")
            answer["video_raw"] = {"url": link_of("raw"), **dimensions}
    return answer


def envelope(fate: Fate, phase: Phase, seen_at: float, inner: Json) -> Json:
    """Wrap an answer the way relays wrap a task."""
    is_settled = phase not in (Phase.QUEUED, Phase.RUNNING)
    task = {
        "task_id": fate.id,
        "action": "LUMA_VIDEO",
        "status": _ENVELOPE_WORDS.get(phase, "SUCCESS"),
        "fail_reason": (fate.failure_reason or "") if phase is Phase.FAILED else "",
        "submit_time": int(seen_at),
        "start_time": 0 if phase is Phase.QUEUED else int(seen_at),
        "finish_time": int(seen_at) + 1 if is_settled else 0,
        "progress": "100%" if is_settled else "0%",
        "data": inner,
    }
    return {"code": "success", "message": "", "data": task}


def relay_error(message: str, *, code: str = "", kind: str = "comet_api_error") -> Json:
    """Write the error object of most routes."""
    return {"error": {"message": message, "type": kind, "param": "", "code": code}}


def task_error(code: str, message: str | None = None) -> Json:
    """Write the error of the task routes."""
    return {"code": code, "message": message or code, "data": None}


def _word(words: Mapping[Phase, str], fate: Fate, phase: Phase) -> str:
    if phase is Phase.RUNNING and "unknown-state" in fate.directives:
        return "hallucinating"
    return words.get(phase, "completed")


def _request(fate: Fate) -> Json:
    echo: Json = {
        "prompt": fate.prompt,
        "aspect_ratio": fate.clip.aspect_ratio,
        "generation_type": fate.kind,
        "model": fate.model,
    }
    if fate.kind == "video":
        defaults: Json = {"loop": False, "keyframes": None, "callback_url": None, "resolution": "540p"}
        echo = defaults | echo | {"duration": f"{fate.clip.seconds}s"}
    return echo | dict(fate.request)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
