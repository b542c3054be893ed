"""Words for demo prompts; every combination reads like something somebody might have asked for."""

from __future__ import annotations

MODELS = ("ray-2", "ray-flash-2", "ray-1-6", "ray-3")

_SUBJECTS = (
    "a lighthouse above breaking waves", "two dancers on a rooftop", "a paper boat in a gutter stream", "an empty diner",
    "a tram climbing a steep street", "a fox crossing fresh snow", "market stalls under canvas", "a glassblower at work",
    "a cellist in a stairwell", "kites over a long beach", "a greenhouse full of ferns", "a cyclist in a tunnel",
    "a harbour full of red cranes", "a chess game in the park", "an old projector starting up", "a potter's hands",
    "a heron lifting off a lake", "laundry between two houses", "a night train in the mountains", "a child with a sparkler",
)  # fmt: skip
_LIGHTS = (
    "at golden hour", "under a heavy sky", "in the first light", "by neon", "in hard noon sun", "in fog", "by candlelight",
    "in blue hour", "during a thunderstorm", "under a full moon", "in dusty sunbeams",
)  # fmt: skip
_CAMERAS = (
    "slow dolly in", "handheld, close", "drone pulling away", "locked tripod", "orbiting left", "low tracking shot",
    "crane up at the end",
)  # fmt: skip
_LOOKS = ("35 mm film", "muted colours", "high contrast", "soft pastel", "documentary", "shallow focus", "anamorphic flares",
          "hand-painted", "black and white", "saturated", "grainy", "clean commercial", "stop motion")  # fmt: skip


def prompt(number: int) -> str:
    """Return a prompt; the lists have lengths without a common factor, so 20,020 numbers give as many prompts."""
    subject, light = _SUBJECTS[number % len(_SUBJECTS)], _LIGHTS[number % len(_LIGHTS)]
    words = f"{subject} {light}, {_CAMERAS[number % len(_CAMERAS)]}, {_LOOKS[number % len(_LOOKS)]}"
    return f"{words[0].upper()}{words[1:]}, take {number // 20_020 + 1}"
