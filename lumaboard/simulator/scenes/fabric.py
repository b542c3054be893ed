"""Red silk in a slow wind, and ink folding into ink."""

import math
from random import Random

from PIL import Image, ImageChops

from . import canvas
from .canvas import Colour, Compose, Size, wave


def silk(size: Size, random: Random) -> Compose:
    """Folds of red silk running diagonally through the picture."""
    small = (max(8, size[0] * 3 // 4), max(8, size[1] * 3 // 4))
    unit = min(small)
    wide = small[0]
    bends = [
        canvas.noise(small, (max(1, wide * 2 // unit), max(1, small[1] * 2 // unit)), random, octaves=1)
        for _ in range(3)
    ]
    # A fold rises slowly and turns over quickly: light gathers in a thin line just before the turn.
    rounded = canvas.table(lambda v: 0.5 + 0.5 * math.sin(math.tau * v + 0.8 * math.sin(math.tau * v)))
    creased = canvas.table(lambda v: math.exp(-((1 - v) / 0.3)) + 0.5 * math.exp(-v / 0.05) + 0.18 * v)
    layers = []
    for bend, pitch, angle, strength, curve in (
        (bends[0], 1.15, 0.52, 0.62, rounded),
        (bends[1], 2.1, 0.38, 0.75, creased),
        (bends[2], 3.7, 0.7, 0.85, rounded),
    ):
        soft, across, along = bend.tobytes(), pitch * math.cos(angle) / unit, pitch * math.sin(angle) / unit

        def phase(
            x: int, y: int, soft: bytes = soft, across: float = across, along: float = along, strength: float = strength
        ) -> float:
            return 256 * (x * across + y * along) + soft[y * wide + x] * strength

        layers.append((canvas.grey_plate(small, phase), curve))
    tones: list[tuple[float, Colour]] = [
        (0, (26, 0, 8)),
        (0.22, (86, 2, 16)),
        (0.45, (158, 6, 24)),
        (0.66, (210, 20, 36)),
        (0.82, (240, 66, 68)),
        (0.93, (255, 150, 136)),
        (1, (255, 214, 200)),
    ]
    tables = canvas.colour_tables(tones)
    sheen = canvas.noise(small, (3, 3), random, octaves=2).point(canvas.table(lambda v: 0.62 + 0.38 * v))
    contrast = canvas.table(lambda v: 0.02 + 1.25 * v**1.45)
    shade = canvas.vignette(size, 0.4)

    def compose(moment: float) -> Image.Image:
        large, crease, fine = (
            canvas.shifted(phase, -moment * (1, 1, 2)[number] + 0.05 * wave(moment, offset=number / 3)).point(curve)
            for number, (phase, curve) in enumerate(layers)
        )
        light = Image.blend(Image.blend(large, crease, 0.52), fine, 0.16)
        light = ImageChops.multiply(light, sheen).point(contrast)
        cloth = canvas.colourise(light, tables).resize(size, Image.Resampling.BICUBIC)
        return ImageChops.multiply(canvas.bloom(cloth, 0.2), shade)

    return compose


def marbling(size: Size, random: Random) -> Compose:
    """Pink, violet and blue inks drawn through one another."""
    width, height = size
    unit = min(size)
    room = unit // 6
    large = (width + 2 * room, height + 2 * room)
    grey = canvas.noise(
        large, (max(2, large[0] * 2 // unit), max(2, large[1] * 2 // unit)), random, octaves=3, gain=0.45
    )
    eddies = [
        (
            random.uniform(0, large[0]),
            random.uniform(0, large[1]),
            random.choice((-1, 1)) * random.uniform(1.4, 3.2),
            unit * random.uniform(0.16, 0.36),
        )
        for _ in range(max(11, 9 * large[0] * large[1] // (large[0] + large[1]) // unit * 2))
    ]
    for first in range(0, len(eddies), 3):
        grey = _stir(grey, eddies[first : first + 3])
    tones: list[tuple[float, Colour]] = [
        (0, (24, 18, 92)),
        (0.14, (34, 66, 196)),
        (0.27, (92, 62, 190)),
        (0.38, (222, 92, 172)),
        (0.47, (250, 164, 190)),
        (0.53, (255, 232, 222)),
        (0.6, (240, 130, 170)),
        (0.7, (150, 70, 178)),
        (0.82, (52, 60, 190)),
        (0.92, (18, 26, 110)),
        (1, (24, 18, 92)),
    ]
    tables = canvas.colour_tables(tones)
    embossed = ImageChops.subtract(grey, ImageChops.offset(grey, 2, 2), 0.35, 128)
    ink = canvas.colourise(grey.point(canvas.table(lambda v: (v * 1.6) % 1.0)), tables)
    ink = ImageChops.overlay(ink, Image.merge("RGB", [embossed] * 3))
    turns = [random.random() for _ in range(4)]
    half = (width // 4 * 3, height // 4 * 3)

    def compose(moment: float) -> Image.Image:
        a, b = math.tau * moment + turns[0], math.tau * moment + turns[1] * 6

        def source(x: float, y: float) -> tuple[float, float]:
            reach = room * 0.27
            sideways = math.sin(math.tau * (y * 0.9 + turns[2]) + a) + 0.6 * math.sin(
                math.tau * (x * 1.3 + y + turns[3]) - b
            )
            down = math.cos(math.tau * (x * 0.9 + turns[3]) + b) + 0.6 * math.sin(
                math.tau * (y * 1.2 - x + turns[2]) + a
            )
            return (room + x * width + reach * sideways, room + y * height + reach * down)

        return canvas.warp(ink, half, source, (16, 16)).resize(size, Image.Resampling.BICUBIC)

    return compose


def _stir(image: Image.Image, eddies: list[tuple[float, float, float, float]]) -> Image.Image:
    """Turn an image around several centres at once, most in the middle of each."""
    width, height = image.size

    def source(x: float, y: float) -> tuple[float, float]:
        at_x, at_y = x * width, y * height
        for centre_x, centre_y, turn, radius in eddies:
            across, down = at_x - centre_x, at_y - centre_y
            angle = turn * math.exp(-(across * across + down * down) / (radius * radius))
            sine, cosine = math.sin(angle), math.cos(angle)
            at_x, at_y = centre_x + across * cosine - down * sine, centre_y + across * sine + down * cosine
        # Mirrored at the edges: what lies outside is a continuation, not black.
        return (_mirrored(at_x, width), _mirrored(at_y, height))

    return canvas.warp(image, (width, height), source, (72, 48))


def _mirrored(value: float, size: int) -> float:
    value = abs(value)
    return value if value < size - 1 else max(0.0, 2 * (size - 1) - value)
