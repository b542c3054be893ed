"""What a person wishes for, put into a request, and what upstream would object to: said before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from lumaboard.connections.models import Kind
from lumaboard.core.http import is_address

MODELS: Final = ("ray-2", "ray-flash-2", "ray-1-6")
ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1", "21:9", "9:21", "4:3", "3:4")
DURATIONS: Final = ("5s", "9s")
RESOLUTIONS: Final = ("540p", "720p", "1080p", "4k")
SHORTEST_PROMPT: Final = 3
LONGEST_PROMPT: Final = 5000
MOST_TAKES: Final = 8
LONGEST_ADDRESS: Final = 2000
MOST_CONCEPTS: Final = 8

_CONCEPT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a film begins or ends: a picture at an address, or another generation, by its task id."""

    url: str = ""
    task_id: str = ""

    def as_keyframe(self) -> dict[str, str]:
        return {"type": "generation", "id": self.task_id} if self.task_id else {"type": "image", "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One film, in the words of the form. What is empty is left to upstream."""

    prompt: str = ""
    model: str = ""
    aspect_ratio: str = ""
    duration: str = ""
    resolution: str = ""
    loop: bool = False
    concepts: tuple[str, ...] = ()
    start: Frame | None = None
    end: Frame | None = None
    others: Mapping[str, Any] = field(default_factory=dict)


class BadOthers(ValueError):
    """The other parameters are no JSON object. The message is for people."""


class BadConcepts(ValueError):
    """These are no names of concepts, or too many. The message is for people."""


def route_for(kind: str) -> str:
    """Luma's own API names films apart from pictures; the relays know only the older name."""
    return "/generations/video" if kind == Kind.LUMA else "/generations"


def request_of(wish: Wish) -> dict[str, Any]:
    """Put a wish into the body of a create; the other parameters stand last, and replace nothing."""
    keyframes = {
        name: frame.as_keyframe() for name, frame in (("frame0", wish.start), ("frame1", wish.end)) if frame is not None
    }
    said: dict[str, Any] = {
        "prompt": wish.prompt,
        "model": wish.model,
        "aspect_ratio": wish.aspect_ratio,
        "duration": wish.duration,
        "resolution": wish.resolution,
        "loop": wish.loop,
        "concepts": [{"key": key} for key in wish.concepts],
        "keyframes": keyframes,
    }
    said = {name: value for name, value in said.items() if value}
    return {**wish.others, **said}


def read_concepts(names: Iterable[str]) -> tuple[str, ...]:
    """Read names of concepts, each once, in their order; raises `BadConcepts`."""
    keys = tuple(key for key in dict.fromkeys(name.strip().lower() for name in names) if key)
    if bad := [key for key in keys if not _CONCEPT.fullmatch(key)]:
        raise BadConcepts(_("No concept is called “%(name)s”.") % {"name": bad[0][:64]})
    if len(keys) > MOST_CONCEPTS:
        raise BadConcepts(_("At most %(count)d concepts go together.") % {"count": MOST_CONCEPTS})
    return keys


def read_others(text: str) -> dict[str, Any]:
    """Read the other parameters; raises `BadOthers`."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        where = f" ({error.msg}, {error.lineno}:{error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadOthers(_("This is not JSON%(where)s.") % {"where": where}) from error
    if not isinstance(value, dict):
        raise BadOthers(_('This must be one JSON object, such as {"seed": 7}.'))
    check_others(value)
    return value


def check_others(value: Mapping[str, Any]) -> None:
    """Raise `BadOthers` where there is something among them that no JSON can say, or no database keep."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError as error:  # infinite numbers, and halves of characters
        raise BadOthers(_("The text holds characters or numbers that cannot be sent.")) from error
    if "\\u0000" in text.replace("\\\\", ""):
        raise BadOthers(_("The text holds characters or numbers that cannot be sent."))


def objections(wish: Wish, *, kind: str) -> dict[str, str]:
    """Say what upstream would refuse, by the field that has to change; empty where it would take it."""
    found: dict[str, str] = {}
    has_picture = any(frame is not None for frame in (wish.start, wish.end))
    if not wish.prompt:
        if kind == Kind.COMETAPI or not has_picture:
            found["prompt"] = _("Say what the film shows.")
    elif not SHORTEST_PROMPT <= len(wish.prompt) <= LONGEST_PROMPT:
        found["prompt"] = _(
            "The provider takes prompts of %(least)d to %(most)d characters; this one has %(count)d."
        ) % {
            "least": SHORTEST_PROMPT,
            "most": LONGEST_PROMPT,
            "count": len(wish.prompt),
        }
    if wish.loop and wish.end is not None:
        found["loop"] = _("A loop ends on its first frame, so it takes no end frame. Switch off one of the two.")
    for name, frame in (("start", wish.start), ("end", wish.end)):
        if frame is not None and not frame.task_id and not is_address(frame.url, longest=LONGEST_ADDRESS):
            found[name] = _("This must be an address that begins with https:// or http://.")
    doubled = sorted(set(wish.others) & set(request_of(Wish(**_without_others(wish)))))
    if doubled:
        found["others"] = _("Set in the form already: %(names)s. Take it out of here.") % {"names": ", ".join(doubled)}
    return found


def _without_others(wish: Wish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in Wish.__dataclass_fields__ if name != "others"}


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
