"""Create calls: what they ask for, what the provider objects to, and how their answers can go wrong."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from . import answers, directives
from .clips import FORMATS
from .fate import Phase, fate_of
from .http_parts import Reply, Request, html_reply, json_reply
from .requests_seen import RequestsSeen
from .sightings import Sightings

_TYPES: Final = {
    "/generations": "video",
    "/generations/video": "video",
    "/generations/image": "image",
    "/generations/video/modify": "modify_video",
    "/generations/video/reframe": "reframe_video",
    "/generations/image/reframe": "reframe_image",
}
_OF_ANOTHER: Final = re.compile(r"/generations/([^/]+)/(upscale|audio)")
_TYPES_OF_ANOTHER: Final = {"upscale": "upscale_video", "audio": "add_audio"}
_MODES: Final = frozenset(f"{way}_{number}" for way in ("adhere", "flex", "reimagine") for number in (1, 2, 3))


class Creating:
    """Makes generations, and spoils the answers about it as the prompts say."""

    def __init__(
        self, sightings: Sightings, seen: RequestsSeen, *, clock: Callable[[], float], slow_seconds: float
    ) -> None:
        self._sightings = sightings
        self._seen = seen
        self._clock = clock
        self._slow_seconds = slow_seconds

    def answer(self, request: Request, path: str) -> Reply | None:
        """Answer a create call; None for a path that makes nothing."""
        of_another = _OF_ANOTHER.fullmatch(path)
        if path not in _TYPES and of_another is None:
            return None
        self._seen.note_create(path, request.body)
        try:
            asked = json.loads(request.body or b"{}")
        except ValueError:
            return json_reply({"detail": "There was an error parsing the body"}, 400)
        if not isinstance(asked, dict):
            return json_reply({"detail": "The body must be an object"}, 400)
        told = directives.in_prompt(str(asked.get("prompt") or ""))
        refusal = _refusal(told)
        if refusal is not None:
            return refusal
        if of_another is not None:
            source = self._source(of_another[1])
            if source is None:
                return json_reply({"detail": "Generation not found"}, 404)
            asked = source | asked | {"generation_type": _TYPES_OF_ANOTHER[of_another[2]]}
        else:
            asked["generation_type"] = _TYPES[path]
            problem = _problem(asked)
            if problem:
                return json_reply({"detail": problem}, 400)
        return self._make(asked, told)

    def _make(self, asked: Mapping[str, Any], told: frozenset[str]) -> Reply:
        sighting = self._sightings.create(str(uuid.uuid4()), asked, self._clock())
        self._seen.note_made(sighting.id, asked)
        fate = fate_of(sighting.id, sighting.request)
        # Whatever shape a query has, creating answers the official one: so does the service this stands for.
        reply = json_reply(answers.official(fate, Phase.QUEUED, sighting.seen_at, lambda role: ""), 201)
        if "create-cut" in told:
            reply.cut_after = len(reply.body) // 2
        if "create-lost" in told:
            reply.is_dropped = True
        if "create-500-made" in told:
            reply = json_reply({"detail": "Internal server error"}, 500)
        if "create-slow" in told:
            reply.delay = self._slow_seconds
        return reply

    def _source(self, task_id: str) -> dict[str, Any] | None:
        """What a film that is made from another takes over from it; None where there is none."""
        sighting = self._sightings.known(task_id)
        if sighting is None or sighting.is_deleted:
            return None
        fate = fate_of(sighting.id, sighting.request)
        return {
            "prompt": fate.prompt,
            "model": fate.model,
            "aspect_ratio": fate.clip.aspect_ratio,
            "duration": f"{fate.clip.seconds}s",
        }


def _refusal(told: frozenset[str]) -> Reply | None:
    """Answer what the prompt wants in the place of making anything."""
    if "create-429" in told:
        return json_reply(answers.relay_error("rate limit reached", code="rate_limit"), 429, Retry_After="2")
    if "create-500" in told:
        return json_reply({"detail": "Internal server error"}, 500)
    if "create-503" in told:
        return json_reply(answers.relay_error("no available channel", code="model_not_found"), 503)
    if "create-html" in told:
        return html_reply()
    if "create-moderation" in told:
        return json_reply({"detail": "Advanced prompt moderation failed"}, 400)
    if "create-dropped" in told:
        return Reply(is_dropped=True)
    return None


def _problem(asked: Mapping[str, Any]) -> str | None:
    """Say what the provider would object to in the body of a create call."""
    kind = asked["generation_type"]
    if asked.get("aspect_ratio", "16:9") not in FORMATS:
        return "Invalid aspect ratio"
    if kind in ("modify_video", "reframe_video", "reframe_image"):
        media = asked.get("media")
        if not isinstance(media, dict) or not str(media.get("url", "")).startswith("http"):
            return "Media is required"
        if kind == "modify_video":
            return None if asked.get("mode") in _MODES else "Invalid mode"
        return None if "aspect_ratio" in asked else "Aspect ratio is required"
    prompt, keyframes = asked.get("prompt"), asked.get("keyframes")
    if not isinstance(prompt, str) or not prompt:
        return None if keyframes else "Prompt is required"
    if not 3 <= len(prompt) <= 5000:
        return "Prompt must be between 3 and 5000 characters"
    if asked.get("loop") is True and isinstance(keyframes, dict) and keyframes.get("frame1"):
        return "Loop is not supported with an end frame"
    return None
