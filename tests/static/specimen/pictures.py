"""Stills and one short clip for the specimen, made on the spot so that no binary lies in the repository."""

from __future__ import annotations

import io
import math
import tempfile
from functools import cache
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFilter

SIZES = {"16x9": (640, 360), "9x16": (360, 640), "1x1": (480, 480), "21x9": (700, 300), "odd": (520, 400)}
SKIES = [
    ((94, 66, 120), (246, 196, 120)),
    ((8, 60, 76), (60, 190, 190)),
    ((196, 170, 150), (244, 226, 214)),
    ((20, 12, 48), (130, 70, 190)),
    ((30, 22, 20), (226, 150, 90)),
]


def _frame(size: tuple[int, int], hue: int, turn: float) -> Image.Image:
    """A sky, a sun that moves with `turn`, and three ridges."""
    width, height = size
    top, low = SKIES[hue % len(SKIES)]
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for y in range(height):
        share = y / height
        draw.line([(0, y), (width, y)], fill=tuple(int(a + (b - a) * share) for a, b in zip(top, low, strict=True)))
    radius = min(size) // 9
    x, y = int(width * (0.3 + 0.4 * turn)), int(height * (0.42 - 0.1 * math.sin(turn * math.pi)))
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 244, 214))
    image = image.filter(ImageFilter.GaussianBlur(3))
    draw = ImageDraw.Draw(image)
    for ridge in range(3):
        shade = tuple(int(c * (0.6 - 0.16 * ridge)) for c in low)
        level = height * (0.6 + 0.13 * ridge)
        line = [(px, level + 14 * math.sin(px / (70 + 20 * ridge) + ridge * 2 + turn)) for px in range(0, width + 8, 8)]
        draw.polygon([(0, height), *line, (width, height)], fill=shade)
    return image


@cache
def still(shape: str, hue: int) -> bytes:
    """A JPEG of this shape ("16x9", …)."""
    out = io.BytesIO()
    _frame(SIZES[shape], hue, 0.4).save(out, "JPEG", quality=82)
    return out.getvalue()


@cache
def strip() -> bytes:
    """Twelve frames of the clip in a row."""
    image = Image.new("RGB", (12 * 160, 90))
    for index in range(12):
        image.paste(_frame((160, 90), 0, index / 12), (160 * index, 0))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


@cache
def clip() -> bytes:
    """A two-second H.264 clip of 16:9 that begins with its index, as players like it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        _encode(path)
        return path.read_bytes()


def _encode(path: Path) -> None:
    with av.open(path, "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index in range(48):
            frame = av.VideoFrame.from_image(_frame((640, 360), 0, index / 48))  # type: ignore[no-untyped-call]  # of PyAV
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
