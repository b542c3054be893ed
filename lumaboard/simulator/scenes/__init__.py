"""The scenes: what each shows, the prompts that go with it, and the words of a prompt that call for it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from . import bodies, fabric, land, water
from .canvas import Compose, Size

SCENES_EDITION: Final = "edition1"
"""Part of the folder name of rendered clips: raise it when a scene changes, and clips are made anew."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to look at."""

    build: Callable[[Size, Random], Compose]
    words: tuple[str, ...]
    prompts: tuple[str, ...]


SCENES: Final = MappingProxyType(
    {
        "sea": Scene(
            water.sea,
            ("sea", "ocean", "golden hour", "swell"),
            (
                "Golden hour over open water, low camera gliding just above the swell, long lens, soft haze on the horizon",
                "Sun going down over a calm sea, glitter on small waves, warm clouds",
            ),
        ),
        "jellyfish": Scene(
            water.jellyfish,
            ("jelly", "underwater", "deep water"),
            (
                "A translucent jellyfish rising through teal water, shafts of light from above",
                "Jellyfish pulsing in slow motion, drifting plankton, soft rim light",
            ),
        ),
        "dunes": Scene(
            land.dunes,
            ("dune", "desert", "sand"),
            (
                "Endless dunes, raking evening sun, a single gust of sand over the crests",
                "Slow dolly past sharp dune ridges, warm dust in the air",
            ),
        ),
        "aurora": Scene(
            water.aurora,
            ("aurora", "northern light", "lake"),
            (
                "Aurora over a still northern lake, stars through the curtains, dark firs on the shore",
                "Green and violet northern lights mirrored in calm water",
            ),
        ),
        "planet": Scene(
            bodies.planet,
            ("planet", "giant", "space", "saturn"),
            (
                "Ringed gas giant turning out of shadow, fine grooves in the rings",
                "A banded planet with wide rings against a field of stars",
            ),
        ),
        "spheres": Scene(
            bodies.spheres,
            ("sphere", "glass", "bubble"),
            (
                "Four iridescent glass spheres on warm paper, floating gently",
                "Soap bubbles over a blush backdrop, pearl colours travelling over the film",
            ),
        ),
        "marbling": Scene(
            fabric.marbling,
            ("ink", "marbl", "paint"),
            (
                "Ink in water, pink and cobalt folding into one another, macro",
                "Marbled paint drifting, slow swirls of violet and rose",
            ),
        ),
        "silk": Scene(
            fabric.silk,
            ("silk", "fabric", "cloth", "satin"),
            (
                "Red silk moving in a slow wind, deep folds, studio light from the left",
                "Close-up of crimson satin, folds travelling across the frame",
            ),
        ),
        "highway": Scene(
            bodies.highway,
            ("highway", "road", "traffic", "city", "car"),
            (
                "Night highway after rain, head and tail lights streaming towards the skyline",
                "Long-lens traffic on a bend, wet asphalt, city at dusk",
            ),
        ),
        "ridges": Scene(
            land.ridges,
            ("ridge", "mountain", "haze", "alps"),
            (
                "Mountain ridges fading into orange haze, slow aerial slide",
                "Layer upon layer of hills at dawn, mist in the valleys",
            ),
        ),
        "snow": Scene(
            land.snow,
            ("snow", "forest", "winter"),
            (
                "Snow falling in a fir forest at blue hour, low moon behind the trees",
                "Silent winter woods, large soft flakes near the lens",
            ),
        ),
    }
)
