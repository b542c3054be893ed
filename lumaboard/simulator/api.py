"""The provider's API: who may ask, which path, and what a generation answers at this moment."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from . import answers
from .clips import FILES, ClipStyle
from .creating import Creating
from .directives import FIRST_POLLS
from .fate import MAX_ID_LENGTH, UNKNOWN_PREFIX, Fate, Phase, fate_of
from .http_parts import Reply, Request, html_reply, json_reply
from .library import Library
from .links import LinkSigner
from .requests_seen import RequestsSeen
from .sightings import Sighting, Sightings

PREFIX: Final = "/dream-machine/v1"
CREDIT_CENTS: Final = 12_345.0
_MAX_PAGE: Final = 100
_COUNTED: Final = frozenset({"rate-limit", "error-500", "soft-error", "not-yet"})


class Api:
    """Answers everything under `/dream-machine/v1`, and refuses the rest in the provider's style."""

    def __init__(
        self,
        sightings: Sightings,
        library: Library,
        signer: LinkSigner,
        seen: RequestsSeen,
        *,
        clock: Callable[[], float],
        pace: float,
        slow_seconds: float,
        style: ClipStyle,
        waits_for_renders: bool,
    ) -> None:
        self._sightings = sightings
        self._library = library
        self._signer = signer
        self._creating = Creating(sightings, seen, clock=clock, slow_seconds=slow_seconds)
        self._clock = clock
        self._pace = pace
        self._slow_seconds = slow_seconds
        self._style = style
        self._waits_for_renders = waits_for_renders
        self._spoiled: Counter[str] = Counter()
        """Polls of the ids whose directives count them, and completed answers of the ids whose first links are dead."""
        self._spoiled_lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not key.strip() or "wrong" in key:
            return json_reply(answers.relay_error(f"invalid token (request id: {uuid.uuid4().hex})"), 401)
        if "html" in key:
            return html_reply()
        if "empty" in key:
            return json_reply(answers.task_error("quota_not_enough", "the balance of this account is used up"), 403)
        reply = self._route(request, request.path.removeprefix(PREFIX) if request.path.startswith(PREFIX) else "")
        if "slow" in key:
            reply.delay = max(reply.delay, self._slow_seconds)
        return reply

    def _route(self, request: Request, path: str) -> Reply:
        if request.method == "POST" and (reply := self._creating.answer(request, path)) is not None:
            return reply
        match request.method, path:
            case ("GET", "/generations"):
                return self._page(request)
            case ("GET", "/generations/concepts/list"):
                return json_reply(answers.CONCEPTS)
            case ("GET", "/generations/camera_motion/list"):
                return json_reply(answers.CAMERA_MOTIONS)
            case ("GET", "/credits"):
                return json_reply({"credit_balance": CREDIT_CENTS})
            case ("GET", "/ping"):
                return json_reply({"message": "pong"})
        task_id = path.removeprefix("/generations/")
        if path.startswith("/generations/") and task_id and "/" not in task_id and request.method in ("GET", "DELETE"):
            return self._one(request, task_id)
        message = f"Invalid URL ({request.method} {request.path})"
        return json_reply(answers.relay_error(message, kind="invalid_request_error"), 404)

    # -- one generation ------------------------------------------------------------------------------------------------

    def _one(self, request: Request, task_id: str) -> Reply:
        if len(task_id) > MAX_ID_LENGTH or task_id.startswith(UNKNOWN_PREFIX):
            return json_reply(answers.task_error("task_not_exist"), 400)
        if request.method == "DELETE":
            self._sightings.delete(task_id, self._clock())
            return Reply(status=204)
        sighting = self._sightings.first(task_id, self._clock())
        fate = fate_of(task_id, sighting.request)
        if sighting.is_deleted or "gone" in fate.directives:
            return json_reply({"detail": "Generation not found"}, 404)
        if fate.will_have_media:
            self._library.want(fate.clip)  # only starts it: no poll ever waits for a render
        reply = self._spoiled_poll(fate) or self._poll(request, fate, sighting)
        if "slow" in fate.directives:
            reply.delay = self._slow_seconds
        return reply

    def _poll(self, request: Request, fate: Fate, sighting: Sighting) -> Reply:
        phase = self._phase(fate, sighting)
        document = self._document(request.base_url, fate, phase, sighting)
        if "wrong-id" in fate.directives:
            document["id"] = fate.another_id
        if "envelope" in fate.directives:
            document = answers.envelope(fate, phase, sighting.seen_at, document)
        reply = json_reply([document] if "array" in fate.directives else document)
        if "cut-json" in fate.directives:
            reply.body = reply.body[: len(reply.body) // 2]
        return reply

    def _phase(self, fate: Fate, sighting: Sighting) -> Phase:
        phase = fate.phase(self._clock() - sighting.seen_at, self._pace)
        is_early = self._waits_for_renders and phase is Phase.COMPLETED and not self._library.has_settled(fate.clip)
        return Phase.RUNNING if is_early else phase

    def _document(self, base_url: str, fate: Fate, phase: Phase, sighting: Sighting) -> dict[str, Any]:
        is_dead = "dead-link-always" in fate.directives
        if phase is Phase.COMPLETED and "dead-link" in fate.directives:
            is_dead = is_dead or self._times(fate.id) == 1

        def link_of(role: str) -> str:
            path = f"/media/{fate.id}/{FILES[role]}"
            return base_url + self._signer.sign(path, now=self._clock(), is_dead=is_dead)

        if not fate.is_legacy:
            return answers.official(fate, phase, sighting.seen_at, link_of)
        return answers.legacy(fate, phase, sighting.seen_at, fate.clip.size(self._style), link_of)

    def _spoiled_poll(self, fate: Fate) -> Reply | None:
        """Answer what the directives put in the place of the generation; None to answer the generation."""
        if "html" in fate.directives:
            return html_reply()
        told = fate.directives & _COUNTED
        if not told or self._times(f"poll {fate.id}") > FIRST_POLLS:
            return None
        if "rate-limit" in told:
            return json_reply(answers.relay_error("rate limit reached", code="rate_limit"), 429, Retry_After="2")
        if "error-500" in told:
            return json_reply(answers.relay_error("upstream failed", code="get_task_failed"), 500)
        if "soft-error" in told:
            return json_reply(answers.relay_error("upstream is saturated", kind="upstream_error"))
        return json_reply(answers.task_error("task_not_exist"), 400)

    def _times(self, name: str) -> int:
        """Count one more of these; only ids with a counting directive get here, so the counter stays small."""
        with self._spoiled_lock:
            self._spoiled[name] += 1
            return self._spoiled[name]

    # -- listing -------------------------------------------------------------------------------------------------------

    def _page(self, request: Request) -> Reply:
        limit, offset = request.query.get("limit", "100"), request.query.get("offset", "0")
        if not (limit.isdecimal() and offset.isdecimal()) or len(limit + offset) > 12:
            return json_reply({"detail": "limit and offset must be numbers"}, 400)
        sightings, count = self._sightings.page(min(int(limit), _MAX_PAGE), int(offset))
        listed = []
        for sighting in sightings:
            fate = fate_of(sighting.id, sighting.request)
            listed.append(self._document(request.base_url, fate, self._phase(fate, sighting), sighting))
        page = {
            "count": count,
            "limit": int(limit),
            "offset": int(offset),
            "has_more": int(offset) + len(listed) < count,
        }
        return json_reply({"generations": listed} | page)
