"""A ringed planet, glass spheres, a road at night."""

import math
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from . import canvas
from .canvas import Colour, Compose, Size, mix, smooth, wave


def planet(size: Size, random: Random) -> Compose:
    """A gas giant turning under its light, rings before and behind it."""
    width, height = size
    unit = min(size)
    radius = unit * 0.33
    centre = (width * 0.5, height * 0.53)
    space = canvas.gradient(size, [(0, (3, 4, 14)), (1, (8, 6, 20))])
    nebula = canvas.noise((width, height), (3, 3), random, octaves=4).point(
        canvas.table(lambda v: 0.3 * smooth(0.5, 1, v))
    )
    space = canvas.screen(space, canvas.tint(nebula, (96, 60, 150)))
    skies = [_stars(size, random) for _ in range(2)]
    side = round(radius * 2)
    bands = _bands(random)
    shade = _globe_shade(side)
    disc = canvas.grey_plate(
        (side, side),
        lambda x, y: (
            255 * smooth(1.0, 0.985, math.hypot((x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1))
            if math.hypot((x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1) > 0.985
            else 255
        ),
    )
    back, front = _rings((width, height), centre, radius)
    ring_colour = canvas.gradient(size, [(0, (255, 236, 206)), (1, (214, 178, 140))])
    corner = (round(centre[0] - side / 2), round(centre[1] - side / 2))

    def compose(moment: float) -> Image.Image:
        frame = space.copy()
        for number, stars in enumerate(skies):
            frame = canvas.screen(
                frame,
                stars.point(
                    [round(v * (0.75 + 0.25 * wave(moment, turns=2, offset=number / 2))) for v in range(256)] * 3
                ),
            )

        def source(x: float, y: float) -> tuple[float, float]:
            across, down = x * 2 - 1, y * 2 - 1
            across, down = across * 0.965 + down * 0.26, down * 0.965 - across * 0.26  # its axis leans
            latitude = math.asin(max(-1.0, min(1.0, down)))
            edge = math.sqrt(max(0.0004, 1 - min(0.9996, down * down)))
            longitude = math.asin(max(-1.0, min(1.0, across / edge)))
            return (512 * (longitude / math.pi + 0.5) + 512 * moment, 255 * (latitude / math.pi + 0.5))

        globe = ImageChops.multiply(canvas.warp(bands, (side, side), source, (20, 20)), shade)
        frame.paste(ring_colour, mask=back)
        frame.paste(globe, corner, disc)
        frame.paste(ring_colour, mask=front)
        return canvas.bloom(frame, 0.25)

    return compose


def _stars(size: Size, random: Random) -> Image.Image:
    sky = Image.new("RGB", size)
    pen = ImageDraw.Draw(sky)
    for _ in range(size[0] * size[1] // 1900):
        light = round(255 * random.random() ** 3)
        warm = random.randrange(-26, 26)
        x, y = random.randrange(size[0]), random.randrange(size[1])
        pen.point((x, y), fill=(max(0, min(255, light + warm)), light, max(0, min(255, light - warm))))
        if light > 200:
            pen.point([(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)], fill=(light // 3,) * 3)
    return sky


def _bands(random: Random) -> Image.Image:
    """Paint clouds in bands, torn by eddies, as a map which wraps around twice."""
    fine = canvas.noise((512, 256), (2, 30), random, octaves=4, gain=0.6)
    stir = canvas.noise((512, 256), (7, 16), random, octaves=4)
    stirring = stir.load()
    assert stirring is not None

    def source(x: float, y: float) -> tuple[float, float]:
        push = int(str(stirring[int(x * 511.9) % 512, min(255, int(y * 255))])) / 255 - 0.5
        return (x * 512, min(255.0, max(0.0, y * 256 + push * 15)))

    torn = canvas.warp(fine, (512, 256), source, (96, 64))
    torn = Image.blend(torn, stir, 0.16)
    tones: list[tuple[float, Colour]] = [
        (0, (122, 74, 50)),
        (0.25, (178, 118, 78)),
        (0.45, (222, 176, 130)),
        (0.6, (246, 222, 186)),
        (0.8, (236, 196, 150)),
        (1, (255, 246, 226)),
    ]
    return canvas.widened(canvas.colourise(torn, canvas.colour_tables(tones)), 1024)


def _globe_shade(side: int) -> Image.Image:
    """Paint light from the upper left, night at the lower right, a warm rim between, and the shadow of the rings."""
    light = (-0.62, -0.42, 0.66)

    def colour_at(x: int, y: int) -> Colour:
        across, down = (x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1
        squared = across * across + down * down
        towards = math.sqrt(max(0.0, 1 - squared))
        lit = across * light[0] + down * light[1] + towards * light[2]
        bright = smooth(-0.12, 0.75, lit) * (0.72 + 0.28 * towards)
        lean = down * 0.965 - across * 0.26
        shadow = 1 - 0.5 * math.exp(-(((lean + 0.17 - 0.1 * towards) / 0.045) ** 2))
        dusk = math.exp(-((lit / 0.16) ** 2)) * 0.2
        value = 0.015 + bright * shadow
        return (
            round(min(255, 262 * value + 255 * dusk * 0.5)),
            round(min(255, 255 * value + 255 * dusk * 0.22)),
            round(min(255, 246 * value + 10)),
        )

    return canvas.plate((side, side), colour_at)


def _rings(size: Size, centre: tuple[float, float], radius: float) -> tuple[Image.Image, Image.Image]:
    """Paint the rings as two masks, the part behind the planet and the part before it."""
    width, height = size[0], size[1]
    random = Random(7)  # noqa: S311 - the grooves of a ring, not a secret
    grooves = [0.55 + 0.45 * random.random() for _ in range(90)]

    def strength(x: int, y: int) -> float:
        across, down = (x - centre[0]) / radius, (y - centre[1]) / radius
        across, down = across * 0.965 + down * 0.26, (down * 0.965 - across * 0.26) / 0.24
        distance = math.hypot(across, down)
        if not 1.28 < distance < 2.3:
            return 0
        share = (distance - 1.28) / 1.02
        place = share * 88
        groove = mix(grooves[int(place)], grooves[int(place) + 1], place % 1)
        gap = 1 - 0.94 * math.exp(-(((share - 0.62) / 0.028) ** 2))
        behind, beside = across * 0.8 - down * 0.6, abs(across * 0.6 + down * 0.8)  # of the planet, seen from the light
        dim = 1 - 0.93 * smooth(1.06, 0.92, beside) if behind > 0 else 1.0
        return (
            225
            * groove
            * gap
            * dim
            * min(1.0, share * 9)
            * min(1.0, (1 - share) * 7)
            * (0.5 + 0.5 * share if share < 0.5 else 0.78)
        )

    whole = canvas.grey_plate(size, strength)
    before = Image.new("L", (width * 2, height * 2))
    # The line through the centre along which the rings lean divides before from behind.
    slope = 0.26 / 0.965
    left, right = centre[1] - slope * -centre[0] * -1, centre[1] + slope * (width - centre[0])
    ImageDraw.Draw(before).polygon(
        [(0, left * 2), (width * 2, right * 2), (width * 2, height * 2), (0, height * 2)], fill=255
    )
    before = before.resize(size, Image.Resampling.BOX)
    return whole, ImageChops.multiply(whole, before)


def spheres(size: Size, random: Random) -> Compose:
    """Four soap-thin glass spheres bobbing on warm paper light."""
    width, height = size
    unit = min(height, width * 0.78)
    floor = height * 0.5 + unit * 0.2
    room = canvas.gradient(
        size,
        [
            (0, (226, 204, 200)),
            (floor / height - 0.02, (204, 176, 170)),
            (floor / height + 0.06, (222, 196, 184)),
            (1, (240, 220, 206)),
        ],
    )
    room = canvas.screen(
        room, canvas.tint(canvas.glow(size, (width * 0.3, height * 0.2), max(size) * 0.8, 1.3), (66, 50, 44))
    )
    shape = _Glass(240)
    balls = [(-0.3, 0.27, 0.0), (0.02, 0.13, 0.3), (0.155, 0.095, 0.62), (0.34, 0.235, 0.8)]

    def compose(moment: float) -> Image.Image:
        frame = room.copy()
        shadows = Image.new("L", (width // 4, height // 4))
        pen = ImageDraw.Draw(shadows)
        placed = []
        for across, radius, offset in balls:
            lift = unit * 0.035 * (1 + wave(moment, offset=offset))
            x = width / 2 + unit * (across + 0.012 * wave(moment, offset=offset + 0.25))
            y = floor + unit * 0.1 - unit * radius - lift
            wide, dark = unit * radius * 0.95, round(150 - lift / unit * 700)
            ground = floor + unit * 0.1
            pen.ellipse(
                ((x - wide) / 4, (ground - wide * 0.16) / 4, (x + wide * 1.25) / 4, (ground + wide * 0.16) / 4),
                fill=dark,
            )
            placed.append((x, y, unit * radius, offset))
        soft = shadows.filter(ImageFilter.GaussianBlur(unit / 80)).resize(size, Image.Resampling.BICUBIC)
        frame.paste((120, 82, 84), mask=soft)
        for x, y, radius, offset in sorted(placed, key=lambda ball: ball[2]):
            colour, mask = shape.at(moment + offset, round(radius * 2))
            frame.paste(colour, (round(x - radius), round(y - radius)), mask)
        return frame

    return compose


class _Glass:
    """One sphere: a film whose colours travel, a dark rim, and two reflected windows."""

    def __init__(self, side: int) -> None:
        def polar(x: int, y: int) -> tuple[float, float, float]:
            across, down = (x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1
            return across, down, math.hypot(across, down)

        def film(x: int, y: int) -> float:
            across, down, distance = polar(x, y)
            swirl = 0.13 * math.sin(4 * across + 2.2 * math.sin(3 * down)) + 0.1 * math.sin(5 * down + across * 2)
            return 256 * (0.55 * (down + 1) / 2 + 1.05 * distance**5 + swirl)

        def opacity(x: int, y: int) -> float:
            _, down, distance = polar(x, y)
            edge = smooth(1.0, 0.975, distance) if distance > 0.975 else 1.0
            return 255 * edge * min(1.0, 0.42 + 0.5 * distance**3 + 0.12 * max(0.0, down)) if distance < 1 else 0

        def light(x: int, y: int) -> float:
            across, down, distance = polar(x, y)
            if distance >= 1:
                return 0
            window = math.exp(-((((across + 0.4) / 0.17) ** 2 + ((down + 0.5) / 0.11) ** 2) ** 2))
            bounce = 0.5 * math.exp(-(((across - 0.38) / 0.22) ** 2 + ((down - 0.62) / 0.1) ** 2))
            rim = (
                0.55 * math.exp(-(((distance - 0.93) / 0.035) ** 2)) * smooth(-0.2, -0.9, -across - down)
                if across + down > 0.2
                else 0
            )
            return 255 * min(1.0, window + bounce + rim)

        def depth(x: int, y: int) -> float:
            across, down, distance = polar(x, y)
            return 255 * (
                1 - 0.5 * math.exp(-(((distance - 0.97) / 0.06) ** 2)) - 0.14 * max(0.0, 0.6 * across + down) * distance
            )

        self._film = canvas.grey_plate((side, side), film)
        self._mask = canvas.grey_plate((side, side), opacity)
        self._light = canvas.tint(canvas.grey_plate((side, side), light), (255, 250, 240))
        self._depth = Image.merge("RGB", [canvas.grey_plate((side, side), depth)] * 3)
        pearl: list[tuple[float, Colour]] = [
            (0, (252, 226, 190)),
            (0.2, (250, 196, 168)),
            (0.38, (214, 178, 214)),
            (0.56, (150, 182, 232)),
            (0.74, (170, 222, 218)),
            (0.88, (238, 236, 196)),
            (1, (252, 226, 190)),
        ]
        self._tables = canvas.colour_tables(pearl)

    def at(self, moment: float, side: int) -> tuple[Image.Image, Image.Image]:
        colour = canvas.colourise(canvas.shifted(self._film, moment), self._tables)
        colour = canvas.screen(ImageChops.multiply(colour, self._depth), self._light)
        return (
            colour.resize((side, side), Image.Resampling.BICUBIC),
            self._mask.resize((side, side), Image.Resampling.BICUBIC),
        )


def highway(size: Size, random: Random) -> Compose:
    """Lamps and tail-lights streaming along a bend towards a city after rain."""
    width, height = size
    unit = min(size)
    horizon = height * 0.46
    night = canvas.gradient(
        size,
        [
            (0, (8, 10, 30)),
            (0.36, (36, 26, 62)),
            (horizon / height, (124, 62, 84)),
            (horizon / height + 0.01, (14, 14, 24)),
            (1, (6, 6, 12)),
        ],
    )
    night = canvas.screen(night, canvas.tint(canvas.glow(size, (width * 0.5, horizon), unit * 0.8, 1.6), (120, 54, 46)))
    _skyline(night, horizon, random)
    cars = [
        (random.choice((-1, 1)), random.random(), random.choice((0.36, 0.74)), random.choice((1, 1, 2)))
        for _ in range(30)
    ]

    nearest = unit * 0.12 / ((height - horizon) * 1.15)  # so that the road runs out under the camera in every format

    def place(lane: float, depth: float) -> tuple[float, float, float]:
        away = max(0.0, 1 - min(1.0, depth))
        scale = 1 / (nearest + 9 * away**1.6)
        bend = 0.2 * away**2 * unit
        return (width / 2 + bend + lane * unit * 0.24 * scale, horizon + unit * 0.12 * scale, scale)

    def compose(moment: float) -> Image.Image:
        lights = Image.new("RGB", size)
        pen = ImageDraw.Draw(lights)
        for number in range(14):
            depth = ((number + moment * 3) % 14) / 14
            _streak(pen, place(0, depth), place(0, min(1.0, depth + 0.025)), unit * 0.003, (120, 110, 90))
        for side, start, lane, speed in cars:
            head = (start - moment * speed * side) % 1 * 1.3 - 0.1
            colour = (255, 30, 22) if side > 0 else (255, 226, 182)
            for half in (-0.075, 0.075):
                path = [place(side * lane + half, head + side * step * 0.012) for step in range(-8, 13)]
                for step, (near, far) in enumerate(pairwise(path)):
                    strength = math.sin(math.pi * (step + 0.5) / 20) ** 0.7
                    _streak(pen, near, far, unit * 0.0032, _dimmed(colour, strength))
        small = lights.resize((width // 4, height // 4), Image.Resampling.BOX)
        wide = small.filter(ImageFilter.GaussianBlur(unit / 55)).point([min(255, v * 3) for v in range(256)] * 3)
        wet = small.filter(ImageFilter.BoxBlur((1, unit // 26))).point([min(255, v * 2) for v in range(256)] * 3)
        frame = canvas.screen(night, canvas.screen(wide, wet).resize(size, Image.Resampling.BILINEAR))
        return canvas.screen(frame, lights)

    return compose


_Place = tuple[float, float, float]
"""Across, down, and how large things are there."""


def _streak(pen: ImageDraw.ImageDraw, one: _Place, other: _Place, half: float, colour: Colour) -> None:
    """Paint a stretch of light lying on the road, as wide as perspective makes it."""
    (x, y, scale), (x2, y2, scale2) = one, other
    wide, wide2 = max(0.5, half * scale), max(0.5, half * scale2)
    pen.polygon([(x - wide, y), (x + wide, y), (x2 + wide2, y2), (x2 - wide2, y2)], fill=colour)


def _dimmed(colour: Colour, strength: float) -> Colour:
    return (round(colour[0] * strength), round(colour[1] * strength), round(colour[2] * strength))


def _skyline(image: Image.Image, horizon: float, random: Random) -> None:
    """Paint towers with lit windows standing on the horizon."""
    unit = min(image.size)
    pen = ImageDraw.Draw(image)
    for layer in range(2):
        x = -unit * 0.05
        while x < image.width:
            wide = unit * random.uniform(0.035, 0.09)
            nearness = math.exp(-(((x / image.width - 0.55) / 0.3) ** 2))
            tall = unit * random.uniform(0.04, 0.1) + unit * random.uniform(0.02, 0.22) * nearness * (
                1.15 - 0.4 * layer
            )
            pen.rectangle((x, horizon - tall, x + wide, horizon), fill=((46, 30, 62), (16, 14, 32))[layer])
            step = max(3, round(unit * 0.011))
            for window_x in range(round(x) + step, round(x + wide) - step // 2, step):
                for window_y in range(round(horizon - tall) + step, round(horizon) - step, step):
                    if random.random() < 0.32:
                        glow = random.choice(((255, 206, 130), (255, 176, 96), (150, 190, 255)))
                        dim = random.uniform(0.3, 0.95)
                        half = max(1, step // 3)
                        fill = _dimmed(glow, dim)
                        pen.rectangle((window_x, window_y, window_x + half - 1, window_y + half), fill=fill)
            x += wide * random.uniform(0.75, 1.3)
