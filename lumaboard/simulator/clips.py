"""Which files exist: the key of a clip, its formats and sizes, and how small to make them."""

from dataclasses import dataclass
from typing import Final

FORMATS: Final = {
    "16:9": (16, 9),
    "9:16": (9, 16),
    "1:1": (1, 1),
    "21:9": (21, 9),
    "4:3": (4, 3),
    "3:4": (3, 4),
    "9:21": (9, 21),
}
"""Every aspect ratio the provider takes; ids choose among the first four."""

DURATIONS: Final = (5, 9)
"""Seconds, as the provider offers them."""

FILES: Final = {
    "raw": "raw.mp4",
    "watermarked": "watermarked.mp4",
    "thumbnail": "thumbnail.jpg",
    "last_frame": "last_frame.jpg",
}
"""The four files of one clip, by role."""


@dataclass(frozen=True, slots=True)
class ClipStyle:
    """How large and how long clips are made; tests make them tiny."""

    short_side: int = 480
    fps: int = 24
    max_seconds: float = 9.0

    @property
    def folder_name(self) -> str:
        return f"{self.short_side}p{self.fps}-{self.max_seconds:g}s"


@dataclass(frozen=True, slots=True, order=True)
class ClipKey:
    """One clip: every generation with the same key shares its files."""

    scene: str
    aspect_ratio: str
    seconds: int

    @property
    def folder_name(self) -> str:
        return f"{self.scene}-{self.aspect_ratio.replace(':', 'x')}-{self.seconds}s"

    def size(self, style: ClipStyle) -> tuple[int, int]:
        """Return width and height, both even as H.264 with 4:2:0 wants them."""
        across, down = FORMATS[self.aspect_ratio]
        unit = style.short_side / min(across, down)
        return (round(across * unit / 2) * 2, round(down * unit / 2) * 2)

    def frame_count(self, style: ClipStyle) -> int:
        return round(min(self.seconds, style.max_seconds) * style.fps)
