"""What the simulator can be told to do wrong: one table, which docs/simulator.md repeats and a test compares.

A directive is spelt in the prompt of a create call (`[sim:fail-moderation]`, several separated by commas or spaces) or
inside an id, between separators (`holiday-fail-moderation`). Ids are never long hexadecimal words by accident: no name
below consists of hexadecimal digits only, so a UUID carries no directive.
"""

import re
from types import MappingProxyType
from typing import Final

from .clips import DURATIONS, FORMATS
from .scenes import SCENES

FIRST_POLLS: Final = 3
"""How many polls `rate-limit`, `error-500`, `soft-error` and `not-yet` spoil before the id behaves."""

_ANSWERS: Final = {
    "fail-moderation": "`failed` with `Advanced prompt moderation failed`",
    "fail-frames": "`failed` with `Failed to read user input frames`",
    "fail-other": "`failed` with `Prompt processing failed`",
    "fail-silent": "`failed` without any reason",
    "stall": "reaches `dreaming` / `processing` and never settles",
    "quick": "is queued for 0.2 s, runs for 0.4 s (both times the pace)",
    "unknown-state": "says `hallucinating` instead of the running word, then completes",
    "rate-limit": "the first 3 polls get 429 with `Retry-After: 2`",
    "error-500": "the first 3 polls get 500 with the provider's error object",
    "soft-error": "the first 3 polls get HTTP 200 with an `error` object inside",
    "not-yet": "the first 3 polls get 400 `task_not_exist`, as a task too young to be known does",
    "gone": "always 404 with `detail`: the provider has forgotten it",
    "html": "polls get an HTML page with status 200",
    "cut-json": "polls get the first half of the JSON document, with a matching length",
    "slow": "every poll is answered only after `slow_seconds` (5 s unless told)",
    "wrong-id": "the answer carries another generation's id",
    "envelope": "the legacy answer, wrapped in the relay's `{code, data}` envelope",
    "array": "the answer is an array of one element",
    "official": "forces the official shape",
    "legacy": "forces the legacy shape",
    "no-link": "`completed`, for ever without a link",
    "late-link": "`completed` without a link for 10 s (times the pace), then with it",
    "watermark-only": "legacy shape with nothing but the watermarked `video.url`",
}
_MEDIA: Final = {
    "dead-link": "links of the first completed answer are refused with 403; those of later answers work",
    "dead-link-always": "every link is refused with 403",
    "cut-file": "videos announce their true length, then the connection closes half way",
    "cut-container": "videos are cut to half with a matching length: a broken file that arrives whole",
    "empty-file": "media arrive with status 200 and no bytes",
    "html-media": "media answer an HTML page with status 200",
    "redirect-private": "media answer 302 to `http://169.254.169.254/latest/meta-data/`",
    "oversize": "media announce 64 GiB and send zeros until the client hangs up",
    "media-503": "media answer 503 `SlowDown` with `Retry-After: 2`",
    "media-no-ranges": "media ignore `Range` and always send the whole file",
    "slow-media": "media arrive in small pieces, over `slow_seconds`",
}

_CREATES: Final = {
    "create-slow": "the create call is answered only after `slow_seconds`",
    "create-cut": "makes the generation, then closes the connection in the middle of the answer",
    "create-lost": "makes the generation, then closes the connection without a word",
    "create-500-made": "makes the generation, then answers 500",
    "create-dropped": "makes nothing and closes the connection without a word",
    "create-429": "makes nothing: 429 with `Retry-After: 2`",
    "create-500": "makes nothing: 500 with `detail`",
    "create-503": "makes nothing: 503 `model_not_found`, as a relay without a provider answers",
    "create-html": "makes nothing: an HTML page with status 200",
    "create-moderation": "makes nothing: 400 with `Advanced prompt moderation failed`",
}

_LOOKS: Final = (
    {f"scene-{name}": f"shows the scene *{name}*" for name in SCENES}
    | {f"format-{ratio.replace(':', 'x')}": f"is {ratio}, whatever was asked for" for ratio in FORMATS}
    | {f"seconds-{seconds}": f"lasts {seconds} s, whatever was asked for" for seconds in DURATIONS}
)

DIRECTIVES: Final = MappingProxyType(_ANSWERS | _MEDIA | _CREATES | _LOOKS)
"""Name to effect, in the order of the documentation."""

_NAMES = "|".join(sorted(map(re.escape, DIRECTIVES), key=len, reverse=True))
_IN_ID = re.compile(rf"(?:^|(?<=[-_.]))(?:{_NAMES})(?=$|[-_.])")
_IN_PROMPT = re.compile(r"\[sim:([a-z0-9, -]{1,400})\]")


def in_id(task_id: str) -> frozenset[str]:
    """Return the directives an id carries."""
    return frozenset(_IN_ID.findall(task_id))


def in_prompt(prompt: str) -> frozenset[str]:
    """Return the directives a prompt carries; unknown words in the brackets are ignored."""
    words = (word for group in _IN_PROMPT.findall(prompt) for word in re.split(r"[, ]+", group))
    return frozenset(word for word in words if word in DIRECTIVES)
