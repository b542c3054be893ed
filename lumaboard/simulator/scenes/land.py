"""Dunes in evening light, ridges in haze, a forest in falling snow."""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from . import canvas
from .canvas import Compose, Size, mix, smooth, wave

_Layer = tuple[Image.Image, Image.Image, float]
"""Mask, colours, and how near it is between 0 and 1."""


def dunes(size: Size, random: Random) -> Compose:
    """Sharp crests with a lit and a shaded side; the camera slides past and sand blows over them."""
    width, height = size
    room = round(min(size) * 0.16)
    horizon = round(height * 0.36)
    land = _dune_plate((width + room, height), horizon, random)
    dust = canvas.noise((width, height), (3, 46), random, octaves=3)
    dust = dust.point(canvas.table(lambda v: 0.26 * smooth(0.5, 1, v)))
    dust = canvas.widened(ImageChops.multiply(dust, canvas.ramp(dust.size, lambda y: smooth(0.36, 0.7, y))), width)
    cloud_shadow = canvas.noise((96, 54), (2, 2), random, octaves=2).point(
        canvas.table(lambda v: mix(0.72, 1, smooth(0.3, 0.6, v)))
    )
    cloud_shadow = canvas.widened(cloud_shadow, 96)
    ground = canvas.ramp(size, lambda y: smooth(0.33, 0.5, y))
    warm = canvas.tint(canvas.glow(size, (width * 0.12, horizon), max(size) * 0.75, 1.8), (130, 80, 34))

    def compose(moment: float) -> Image.Image:
        slide = 0.5 + 0.5 * wave(moment, offset=-0.25)
        # Near rows move more than far ones, which is what a camera on rails sees: a shear about the horizon.
        shear = room * (slide - 0.5) * 0.9 / (height - horizon)
        shift = room * 0.5 - shear * horizon
        matrix = (1, shear, shift, 0, 1, 0)
        frame = land.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        shadow = canvas.window(cloud_shadow, (96, 54), 96 * moment).resize(size, Image.Resampling.BICUBIC)
        frame = Image.composite(ImageChops.multiply(frame, Image.merge("RGB", [shadow] * 3)), frame, ground)
        frame.paste((246, 214, 168), mask=canvas.window(dust, size, width * (1 - moment)))
        return canvas.screen(frame, warm)

    return compose


def _dune_plate(size: Size, horizon: int, random: Random) -> Image.Image:
    """Walk away from the camera column by column and paint what is not hidden."""
    width, height = size[0] * 2 // 3, size[1] * 2 // 3
    horizon = horizon * 2 // 3
    waves = [
        (4.6, random.uniform(-0.5, -0.2), 0.74, random.random()),
        (2.3, random.uniform(0.2, 0.5), 0.3, random.random()),
        (1.05, random.uniform(-0.7, -0.4), 0.08, random.random()),
    ]
    bends = [random.uniform(0, 6) for _ in range(4)]

    def rise(x: float, z: float) -> float:
        total = 0.0
        bent = x + 0.75 * math.sin(z * 0.55 + bends[0]) + 0.3 * math.sin(z * 1.3 + bends[1])
        for length, angle, tall, offset in waves:
            place = (
                (bent * math.cos(angle) + z * math.sin(angle)) / length
                + offset
                + 0.12 * math.sin(x * 0.9 / length + bends[2])
            )
            part = place - math.floor(place)
            slope = part / 0.68 if part < 0.68 else (1 - part) / 0.32
            total += tall * slope * slope * (1.9 - 0.9 * slope)
        return total * (0.75 + 0.25 * math.sin(z * 0.31 + bends[3]))

    image = canvas.gradient((width, height), [(0, (176, 152, 150)), (0.26, (222, 190, 158)), (0.4, (250, 220, 172))])
    pixels = image.load()
    assert pixels is not None
    focus = min(size) * 0.62
    haze = (242, 208, 164)
    tones = [
        (0, (44, 24, 34)),
        (0.3, (104, 58, 48)),
        (0.55, (192, 118, 70)),
        (0.8, (244, 176, 106)),
        (1, (255, 222, 158)),
    ]
    palette = [canvas.blend_stops(tones, value / 100) for value in range(101)]
    eye = 2.25
    for column in range(width):
        top = height
        z = 1.5
        sideways = (column - width / 2) / focus
        while z < 45 and top > 0:
            x = sideways * z + 40
            here = rise(x, z)
            row = round(horizon + (eye - here) / z * focus)
            if row < top:
                step = 0.02 + z * 0.004
                slope_x, slope_z = (rise(x + step, z) - here) / step, (rise(x, z + step) - here) / step
                light = (0.16 + 0.95 * slope_x - 0.12 * slope_z) / math.sqrt(1 + slope_x * slope_x + slope_z * slope_z)
                shade = palette[round(100 * min(1.0, max(0.0, 0.34 + 0.78 * light)))]
                far = 1 - math.exp(-z / 20)
                colour = tuple(round(mix(part, mist, far)) for part, mist in zip(shade, haze, strict=True))
                for y in range(max(0, row), top):
                    pixels[column, y] = colour
                top = max(0, row)
            z *= 1.0065
    return image.resize(size, Image.Resampling.LANCZOS)


def ridges(size: Size, random: Random) -> Compose:
    """Mountain after mountain, each paler, with mist moving between them."""
    width, height = size
    unit = min(size)
    room = round(unit * 0.34)
    sky = canvas.gradient(
        size, [(0, (116, 66, 104)), (0.22, (206, 104, 104)), (0.45, (250, 168, 104)), (0.62, (255, 214, 140))]
    )
    sun = (width * 0.62, height * 0.34)
    for radius, light in ((0.8, (130, 60, 20)), (0.3, (190, 120, 60))):
        sky = canvas.screen(sky, canvas.tint(canvas.glow(size, sun, unit * radius, 1.8), light))
    sky.paste((255, 240, 206), mask=canvas.glow(size, sun, unit * 0.07, 0.5).point(canvas.table(lambda v: v * 4)))
    near, far = (38, 14, 30), (246, 156, 98)
    layers = []
    for number in range(7):
        depth = number / 6
        base = height * mix(0.42, 0.93, depth**1.1)
        mask = _ridge((width + room, height), base, unit * mix(0.07, 0.16, depth), random, mix(1.6, 0.8, depth))
        edge = canvas.blend_stops([(0, far), (0.4, (206, 92, 72)), (0.75, (110, 38, 54)), (1, near)], depth)
        mist = canvas.blend_stops([(0, (255, 206, 140)), (0.6, (226, 122, 88)), (1, (96, 34, 50))], depth)
        top = max(0.0, base / height - 0.16)
        colour = canvas.gradient(size, [(0, edge), (top, edge), (min(1.0, top + 0.34), mist)])
        layers.append((mask, colour, depth))
    strips = _strips(layers, size)
    fog = canvas.noise((width, height // 2), (4, 5), random, octaves=4).point(
        canvas.table(lambda v: 0.4 * smooth(0.4, 0.95, v))
    )
    fog = canvas.widened(ImageChops.multiply(fog, canvas.ramp(fog.size, lambda y: math.sin(math.pi * y) ** 1.2)), width)

    def compose(moment: float) -> Image.Image:
        frame = sky.copy()
        slide = 0.5 + 0.5 * wave(moment, offset=-0.25)
        for number, (top, mask, colour, depth) in enumerate(strips):
            aside = room * mix(0.4, mix(0.05, 0.95, slide), 0.25 + 0.75 * depth)
            frame.paste(colour, (0, top), canvas.window(mask, colour.size, aside))
            if number in (2, 4):
                drift = width * (moment if number == 2 else 1 - moment)
                veil = canvas.window(fog, (width, height // 2), drift)
                frame.paste((255, 196, 134), (0, round(height * (0.36 if number == 2 else 0.5))), veil)
        return frame

    return compose


def _strips(layers: list[_Layer], size: Size) -> list[tuple[int, Image.Image, Image.Image, float]]:
    """Cut each layer down to the rows where it can be seen: below the next one's lowest point it is covered."""
    tops = [(mask.getbbox() or (0, 0, 0, 0))[1] for mask, _, _ in layers]
    floors = [_full_from(mask) for mask, _, _ in layers[1:]] + [size[1]]
    return [
        (top, mask.crop((0, top, mask.width, floor)), colour.crop((0, top, size[0], floor)), depth)
        for (mask, colour, depth), top, floor in zip(layers, tops, floors, strict=True)
    ]


def _full_from(mask: Image.Image) -> int:
    """Return the first row from which a mask filled at the bottom is full."""
    rows = mask.resize((1, mask.height), Image.Resampling.BOX).tobytes()
    return next((number for number, value in enumerate(rows) if value == 255), mask.height)


def _ridge(size: Size, base: float, tall: float, random: Random, roughness: float) -> Image.Image:
    """Paint a mountain line as a mask, filled below; drawn double and shrunk for a clean edge."""
    waves = [(random.uniform(0.7, 1.3) * 2**octave, random.uniform(0, 6.3), 0.56**octave) for octave in range(8)]
    points = []
    unit = tall * 9 / roughness
    for x in range(0, size[0] * 2 + 4, 3):
        place = x / 2 / unit * math.tau * 0.5
        line = sum(share * (1 - 2 * abs(math.sin(place * pitch / 2 + offset))) for pitch, offset, share in waves)
        points.append((x, 2 * (base - tall * 0.62 * line)))
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(mask).polygon([(0, size[1] * 2), *points, (size[0] * 2 + 4, size[1] * 2)], fill=255)
    return mask.resize(size, Image.Resampling.BOX)


def snow(size: Size, random: Random) -> Compose:
    """A forest at blue hour; flakes fall in three depths before a low moon."""
    width, height = size
    unit = min(size)
    back = canvas.gradient(
        size, [(0, (22, 34, 70)), (0.45, (70, 98, 146)), (0.72, (164, 182, 208)), (1, (206, 216, 232))]
    )
    moon = (width * 0.6, height * 0.34)
    for radius, light in ((0.75, (70, 84, 110)), (0.22, (130, 140, 150))):
        back = canvas.screen(back, canvas.tint(canvas.glow(size, moon, unit * radius, 1.7), light))
    back.paste((240, 244, 250), mask=canvas.glow(size, moon, unit * 0.075, 0.5).point(canvas.table(lambda v: v * 4)))
    room = round(unit * 0.12)
    rows = []
    for depth in (0.0, 0.33, 0.66, 1.0):
        trees = _firs((width + room, height), depth, random)
        colour = canvas.gradient(
            size,
            [
                (0, canvas.blend_stops([(0, (108, 134, 174)), (1, (8, 16, 34))], depth)),
                (0.95, canvas.blend_stops([(0, (158, 178, 206)), (1, (22, 36, 62))], depth)),
            ],
        )
        rows.append((trees, colour, depth))
    ground = _ridge(size, height * 0.93, unit * 0.05, random, 0.5).filter(ImageFilter.GaussianBlur(unit / 60))
    white = canvas.gradient(size, [(0.8, (196, 208, 228)), (1, (122, 144, 182))])
    falls = [_flakes(size, unit * big / 480, count, random) for big, count in ((1.1, 230), (2.0, 110), (4.4, 26))]

    def compose(moment: float) -> Image.Image:
        frame = back.copy()
        slide = 0.5 + 0.5 * wave(moment, offset=-0.25)
        for trees, colour, depth in rows:
            frame.paste(colour, mask=canvas.window(trees, size, room * mix(0.5, slide, 0.2 + 0.8 * depth)))
        frame.paste(white, mask=ground)
        for number, flakes in enumerate(falls):
            sway = unit * 0.02 * (number + 1)
            fallen = canvas.window(flakes, size, sway * (1 + wave(moment, offset=number / 3)), height * (1 - moment))
            frame.paste((250, 252, 255), mask=fallen)
        return frame

    return compose


def _firs(size: Size, depth: float, random: Random) -> Image.Image:
    """Paint one row of firs as a mask; the nearest row leaves the middle free."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    pen = ImageDraw.Draw(mask)
    unit = min(size) * 2
    floor = size[1] * 2 * mix(0.84, 1.02, depth)
    x = -unit * 0.05
    while x < size[0] * 2 + unit * 0.1:
        is_aside = abs(x / (size[0] * 2) - 0.52) > mix(0, 0.27, depth)
        tall = unit * mix(0.26, 0.9, depth) * random.uniform(0.65, 1.15)
        if is_aside:
            _fir(pen, x, floor, tall, random)
        x += unit * mix(0.035, 0.16, depth) * random.uniform(0.6, 1.5)
    return mask.resize(size, Image.Resampling.BOX)


def _fir(pen: ImageDraw.ImageDraw, x: float, floor: float, tall: float, random: Random) -> None:
    pen.rectangle((x - tall * 0.012, floor - tall * 0.5, x + tall * 0.012, floor), fill=255)
    levels = 16
    for level in range(levels):
        top = floor - tall + tall * 0.88 * level / levels
        half = tall * 0.2 * (level + 1) / levels * random.uniform(0.8, 1.15)
        drop = tall * 0.1
        pen.polygon(
            [
                (x, top),
                (x + half, top + drop),
                (x + half * 0.4, top + drop * 0.8),
                (x - half * 0.4, top + drop * 0.8),
                (x - half, top + drop * random.uniform(0.9, 1.1)),
            ],
            fill=255,
        )


def _flakes(size: Size, radius: float, count: int, random: Random) -> Image.Image:
    """Paint soft flakes on a tile two heights tall, so that a window can fall through it once."""
    width, height = size[0] + round(min(size) * 0.14), size[1]
    tile = Image.new("L", (width, height))
    pen = ImageDraw.Draw(tile)
    for _ in range(count):
        x, y, big = (
            random.uniform(0, width),
            random.uniform(radius * 3, height - radius * 3),
            radius * random.uniform(0.6, 1.25),
        )
        pen.ellipse((x - big, y - big, x + big, y + big), fill=random.randrange(130, 250))
    tile = tile.filter(ImageFilter.GaussianBlur(max(0.6, radius * 0.45)))
    double = Image.new("L", (width, height * 2))
    double.paste(tile, (0, 0))
    double.paste(tile, (0, height))
    return double
