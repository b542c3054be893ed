"""Enough of CSS Color 4 to measure contrast: OKLCH to sRGB, alpha over a ground, and the WCAG ratio."""

from __future__ import annotations

import math
import re
from pathlib import Path

Rgb = tuple[float, float, float]
TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"


def _linear(lightness: float, chroma: float, hue: float) -> Rgb:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _encode(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _decode(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


class Tokens:
    """The colour tokens of one theme, read from the style sheet that ships."""

    def __init__(self, theme: str) -> None:
        text = re.sub(r"/\*.*?\*/", "", TOKENS.read_text(), flags=re.S).split("@media")[0]
        self._found: dict[str, tuple[Rgb, float]] = {}
        for name, value in re.findall(r"(--[\w-]+):\s*([^;]*oklch[^;]*);", text):
            colours = re.findall(r"oklch\(([^)]*)\)", value)
            if name.startswith("--shadow"):
                continue
            chosen = colours[1] if theme == "dark" and len(colours) > 1 else colours[0]
            parts, _, alpha = chosen.partition("/")
            lightness, chroma, hue = (float(part) for part in parts.split())
            encoded = tuple(_encode(value) for value in _linear(lightness, chroma, hue))
            self._found[name] = (encoded, float(alpha) if alpha.strip() else 1.0)  # type: ignore[assignment]

    def on(self, name: str, ground: Rgb | None = None) -> Rgb:
        """The colour as seen, laid over a ground where it is translucent."""
        colour, alpha = self._found[name]
        if alpha == 1.0 or ground is None:
            return colour
        return tuple(c * alpha + g * (1 - alpha) for c, g in zip(colour, ground, strict=True))  # type: ignore[return-value]


def contrast(one: Rgb, other: Rgb) -> float:
    """The WCAG 2 ratio of two colours."""
    shades = sorted(0.2126 * _decode(r) + 0.7152 * _decode(g) + 0.0722 * _decode(b) for r, g, b in (one, other))
    return (shades[1] + 0.05) / (shades[0] + 0.05)
