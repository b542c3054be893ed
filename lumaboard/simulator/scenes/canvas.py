"""The brushes the scenes share. Everything works in whole images at C speed, or once per clip in Python.

Two tricks carry the motion. A *phase image* holds, per pixel, where in a wave the pixel lies; adding the time modulo 256
and looking the sum up in a table of the wave moves thousands of pixels with two calls. And *tiles* wrap around, so
that moving one by its own width comes back to the beginning.
"""

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageChops, ImageOps

Size = tuple[int, int]
Colour = tuple[int, int, int]
Compose = Callable[[float], Image.Image]
"""Draws the frame at a moment between 0 and 1; 1 would be 0 again."""

TAU = math.tau


def wave(moment: float, *, turns: int = 1, offset: float = 0.0) -> float:
    """Swing between -1 and 1, back at the start when the clip ends."""
    return math.sin(TAU * (moment * turns + offset))


def mix(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def smooth(low: float, high: float, value: float) -> float:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3 - 2 * share)


def blend_stops(stops: Sequence[tuple[float, Colour]], position: float) -> Colour:
    """Return the colour at a position of a gradient given as (position, colour) pairs in rising order."""
    previous_at, previous = stops[0]
    for at, colour in stops:
        if position <= at:
            share = (position - previous_at) / (at - previous_at) if at > previous_at else 1.0
            return (
                round(mix(previous[0], colour[0], max(0.0, share))),
                round(mix(previous[1], colour[1], max(0.0, share))),
                round(mix(previous[2], colour[2], max(0.0, share))),
            )
        previous_at, previous = at, colour
    return previous


def gradient(size: Size, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Paint a vertical gradient."""
    column = Image.new("RGB", (1, size[1]))
    column.putdata([blend_stops(stops, y / max(1, size[1] - 1)) for y in range(size[1])])
    return column.resize(size, Image.Resampling.NEAREST)


def ramp(size: Size, curve: Callable[[float], float]) -> Image.Image:
    """Paint a vertical mask: `curve` gives the strength between 0 and 1 for a height between 0 (top) and 1."""
    column = Image.new("L", (1, size[1]))
    column.putdata([round(255 * min(1.0, max(0.0, curve(y / max(1, size[1] - 1))))) for y in range(size[1])])
    return column.resize(size, Image.Resampling.NEAREST)


def table(curve: Callable[[float], float]) -> list[int]:
    """Make a look-up table of a curve from [0, 1) to [0, 1]."""
    return [round(255 * min(1.0, max(0.0, curve(value / 256)))) for value in range(256)]


def colour_tables(stops: Sequence[tuple[float, Colour]]) -> tuple[list[int], list[int], list[int]]:
    colours = [blend_stops(stops, value / 255) for value in range(256)]
    return ([c[0] for c in colours], [c[1] for c in colours], [c[2] for c in colours])


def colourise(grey: Image.Image, tables: tuple[list[int], list[int], list[int]]) -> Image.Image:
    """Map grey to colours through three tables."""
    return Image.merge("RGB", [grey.point(one) for one in tables])


def tint(mask: Image.Image, colour: Colour) -> Image.Image:
    """Turn a mask into light of one colour, to be added or screened."""
    return Image.merge("RGB", [mask.point([value * part // 255 for value in range(256)]) for part in colour])


def noise(size: Size, cells: tuple[int, int], random: Random, *, octaves: int = 4, gain: float = 0.5) -> Image.Image:
    """Paint soft fractal noise which tiles in both directions, stretched to the full range."""
    total: Image.Image | None = None
    weight = weights = 1.0
    for octave in range(octaves):
        across, down = min(cells[0] << octave, size[0]), min(cells[1] << octave, size[1])
        grid = Image.frombytes("L", (across, down), random.randbytes(across * down))
        padded = Image.new("L", (across + 4, down + 4))
        for x in (2 - across, 2, 2 + across):
            for y in (2 - down, 2, 2 + down):
                padded.paste(grid, (x, y))
        layer = padded.resize(size, Image.Resampling.BICUBIC, box=(2, 2, 2 + across, 2 + down))
        total = layer if total is None else Image.blend(total, layer, weight / weights)
        weight *= gain
        weights += weight
    assert total is not None
    return ImageOps.autocontrast(total, cutoff=0.5)


def widened(tile: Image.Image, room: int) -> Image.Image:
    """Continue a tile to the right, so that a window of its width can move `room` pixels."""
    wide = Image.new(tile.mode, (tile.width + room, tile.height))
    for x in range(0, wide.width, tile.width):
        wide.paste(tile, (x, 0))
    return wide


def window(image: Image.Image, size: Size, x: float, y: float = 0.0) -> Image.Image:
    """Cut a window at a place between pixels, so that slow movement does not jump."""
    # Resampling without scaling is five times faster than an affine transform, and gives the same pixels.
    left, top = min(max(0.0, x), image.width - size[0]), min(max(0.0, y), image.height - size[1])
    return image.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + size[0], top + size[1]))


def warp(
    image: Image.Image, size: Size, source: Callable[[float, float], tuple[float, float]], grid: Size
) -> Image.Image:
    """Bend an image: `source` says for a place in the result (0 to 1) where in the image (pixels) it comes from."""
    across, down = grid
    xs = [round(size[0] * i / across) for i in range(across + 1)]
    ys = [round(size[1] * j / down) for j in range(down + 1)]
    places = [[source(i / across, j / down) for i in range(across + 1)] for j in range(down + 1)]
    mesh = [
        (
            (xs[i], ys[j], xs[i + 1], ys[j + 1]),
            places[j][i] + places[j + 1][i] + places[j + 1][i + 1] + places[j][i + 1],
        )
        for j in range(down)
        for i in range(across)
        if xs[i] < xs[i + 1] and ys[j] < ys[j + 1]  # a tiny image has fewer pixels than the grid has cells
    ]
    return image.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def plate(size: Size, colour_at: Callable[[int, int], Colour]) -> Image.Image:
    """Paint every pixel by a function. About a second for 300,000 pixels: for things painted once."""
    width, height = size
    image = Image.new("RGB", size)
    image.putdata([colour_at(x, y) for y in range(height) for x in range(width)])
    return image


def grey_plate(size: Size, value_at: Callable[[int, int], float]) -> Image.Image:
    """Paint every pixel grey by a function whose value counts modulo 256, as phases do."""
    width, height = size
    return Image.frombytes("L", size, bytes(int(value_at(x, y)) & 255 for y in range(height) for x in range(width)))


def shifted(phase: Image.Image, amount: float) -> Image.Image:
    """Move a phase image on by part of a turn."""
    return phase.point([(value + round(amount * 256)) & 255 for value in range(256)])


def glow(size: Size, centre: tuple[float, float], radius: float, power: float = 2.0) -> Image.Image:
    """Paint a round soft light as a mask."""
    # The gradient reaches its end in the corners, so at 1/√2 of its range in the middle of its sides.
    disc = Image.radial_gradient("L").point(table(lambda distance: max(0.0, 1 - distance * math.sqrt(2)) ** power))
    side = max(2, round(radius * 2))
    image = Image.new("L", size)
    image.paste(
        disc.resize((side, side), Image.Resampling.BICUBIC), (round(centre[0] - radius), round(centre[1] - radius))
    )
    return image


def screen(base: Image.Image, light: Image.Image) -> Image.Image:
    return ImageChops.screen(base, light)


def bloom(image: Image.Image, strength: float = 0.6, reach: int = 8) -> Image.Image:
    """Let bright places shine into their surroundings."""
    small = image.resize((max(2, image.width // reach), max(2, image.height // reach)), Image.Resampling.BOX)
    small = small.point([round(max(0, value - 60) * strength) for value in range(256)] * 3)
    return ImageChops.screen(image, small.resize(image.size, Image.Resampling.BICUBIC))


def vignette(size: Size, strength: float = 0.45) -> Image.Image:
    """Paint the darkening towards the corners, to be multiplied."""
    edge = Image.radial_gradient("L").point(table(lambda distance: 1 - strength * smooth(0.35, 1.25, distance)))
    return Image.merge("RGB", [edge.resize(size, Image.Resampling.BICUBIC)] * 3)
