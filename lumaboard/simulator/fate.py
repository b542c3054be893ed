"""What becomes of a generation: everything about it follows from its id and, if it was created here, from its request.

Nothing is drawn at random, so a restarted simulator tells the same story about the same id.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from . import directives
from .clips import DURATIONS, FORMATS, ClipKey
from .scenes import SCENES

UNKNOWN_PREFIX: Final = "00000000"
"""Ids beginning so were never heard of: 400 `task_not_exist`."""

MAX_ID_LENGTH: Final = 191

_ID_FORMATS: Final = ("16:9",) * 4 + ("9:16",) * 3 + ("1:1",) * 2 + ("21:9",)
_FAILURES: Final = {
    "fail-moderation": "Advanced prompt moderation failed",
    "fail-frames": "Failed to read user input frames",
    "fail-other": "Prompt processing failed",
    "fail-silent": None,
}
_LATE_LINK_SECONDS: Final = 10.0


class Phase(Enum):
    """Where a generation is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    LINKLESS = "completed, no link yet"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The whole life of one generation, known from its first second."""

    id: str
    kind: str
    directives: frozenset[str]
    clip: ClipKey
    prompt: str
    model: str
    is_legacy: bool
    request: Mapping[str, Any]
    queued_seconds: float
    running_seconds: float

    def phase(self, age: float, pace: float) -> Phase:
        """Say where the generation is, so many seconds after it was first seen."""
        running_from = self.queued_seconds * pace
        settled_from = running_from + self.running_seconds * pace
        if age < running_from:
            return Phase.QUEUED
        if age < settled_from or "stall" in self.directives:
            return Phase.RUNNING
        if self.directives & _FAILURES.keys():
            return Phase.FAILED
        is_late = "late-link" in self.directives and age < settled_from + _LATE_LINK_SECONDS * pace
        return Phase.LINKLESS if is_late or "no-link" in self.directives else Phase.COMPLETED

    @property
    def failure_reason(self) -> str | None:
        """The provider's sentence for a failure; None where it gives none."""
        return next((reason for name, reason in _FAILURES.items() if name in self.directives), None)

    @property
    def will_have_media(self) -> bool:
        return not self.directives & (_FAILURES.keys() | {"stall", "no-link"})

    @property
    def another_id(self) -> str:
        """Return an id that is not ours, for the directive `wrong-id`."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.id))


def fate_of(task_id: str, request: Mapping[str, Any] | None = None) -> Fate:
    """Derive the fate of an id; `request` is the body it was created with, None for an id that was merely asked about."""
    digest = hashlib.sha256(task_id.encode()).digest()
    asked = request or {}
    own_prompt = str(asked.get("prompt") or "")
    told = directives.in_id(task_id) | directives.in_prompt(own_prompt)
    scene = _scene(digest, told, own_prompt)
    prompts = SCENES[scene].prompts
    kind = "image" if asked.get("generation_type") in ("image", "reframe_image") else "video"
    own_model = "photon-1" if kind == "image" else ("ray-2", "ray-2", "ray-flash-2")[digest[3] % 3]
    is_quick = "quick" in told
    return Fate(
        id=task_id,
        kind=kind,
        directives=told,
        clip=ClipKey(scene, _aspect_ratio(digest, told, request), _seconds(digest, told, request)),
        prompt=own_prompt or prompts[digest[4] % len(prompts)],
        model=str(asked.get("model") or own_model),
        is_legacy=kind == "video" and _is_legacy(digest, told),
        request=asked,
        queued_seconds=0.2 if is_quick else 2 + 4 * digest[6] / 255,
        running_seconds=0.4 if is_quick else 8 + 22 * digest[7] / 255,
    )


def _scene(digest: bytes, told: frozenset[str], prompt: str) -> str:
    """Choose the scene: by directive, else by a word of the prompt, else by the id."""
    for name in SCENES:
        if f"scene-{name}" in told:
            return name
    words = prompt.casefold()
    for name, scene in SCENES.items():
        if any(word in words for word in scene.words):
            return name
    return list(SCENES)[digest[0] % len(SCENES)]


def _aspect_ratio(digest: bytes, told: frozenset[str], request: Mapping[str, Any] | None) -> str:
    for name in FORMATS:
        if f"format-{name.replace(':', 'x')}" in told:
            return name
    if request is None:
        return _ID_FORMATS[digest[1] % len(_ID_FORMATS)]
    asked = str(request.get("aspect_ratio"))
    return asked if asked in FORMATS else "16:9"


def _seconds(digest: bytes, told: frozenset[str], request: Mapping[str, Any] | None) -> int:
    for seconds in DURATIONS:
        if f"seconds-{seconds}" in told:
            return seconds
    if request is None:
        return 9 if digest[2] < 80 else 5
    return 9 if request.get("duration") == "9s" else 5


def _is_legacy(digest: bytes, told: frozenset[str]) -> bool:
    if told & {"legacy", "watermark-only", "envelope"}:
        return True
    return "official" not in told and digest[5] % 2 == 1
