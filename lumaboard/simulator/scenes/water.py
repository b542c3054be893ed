"""Golden-hour sea, aurora over a lake, a jellyfish."""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from . import canvas
from .canvas import Compose, Size, wave


def sea(size: Size, random: Random) -> Compose:
    """Low sun over a swell in perspective, its path glittering."""
    width, height = size
    horizon = round(height * 0.47)
    sun = (width * 0.46, horizon - min(size) * 0.15)
    unit = min(size)
    sky = canvas.gradient(
        (width, horizon),
        [(0, (92, 84, 134)), (0.35, (168, 118, 142)), (0.7, (236, 164, 116)), (1, (255, 206, 128))],
    )
    for radius, colour, power in (
        (0.95, (120, 70, 20), 1.6),
        (0.34, (200, 140, 70), 2.2),
        (0.12, (255, 236, 190), 1.2),
    ):
        sky = canvas.screen(sky, canvas.tint(canvas.glow((width, horizon), sun, unit * radius, power), colour))
    disc = canvas.glow((width, horizon), sun, unit * 0.08, 0.8).point(canvas.table(lambda v: v * 3.2))
    sky.paste((255, 246, 218), mask=disc)
    room = round(unit * 0.14)
    cloud = canvas.noise((width + room, horizon), (max(2, width * 4 // unit), 7), random, octaves=5)
    cloud = cloud.point(canvas.table(lambda v: 0.75 * canvas.smooth(0.5, 0.95, v)))
    cloud = ImageChops.multiply(cloud, canvas.ramp(cloud.size, lambda y: 1 - 0.75 * y))
    cloud_colour = canvas.gradient(
        (width, horizon), [(0, (208, 150, 158)), (0.6, (255, 202, 158)), (1, (255, 224, 170))]
    )
    swell = _Swell((width, height - horizon), sun[0], random)

    def compose(moment: float) -> Image.Image:
        frame = Image.new("RGB", size)
        air = sky.copy()
        air.paste(
            cloud_colour, mask=canvas.window(cloud, (width, horizon), room * (0.5 + 0.5 * wave(moment, offset=-0.25)))
        )
        frame.paste(air, (0, 0))
        frame.paste(swell.at(moment), (0, horizon))
        return canvas.bloom(frame, 0.22)

    return compose


class _Swell:
    """Water seen flat: eight waves whose phases are laid out in perspective once."""

    def __init__(self, size: Size, sun_x: float, random: Random) -> None:
        self._size = size
        small = (max(8, size[0] * 2 // 3), max(8, size[1] * 2 // 3))
        self._small = small
        scale = size[1] / small[1]
        unit = min(size[0], size[1] * 2)
        ripple = canvas.noise(small, (9, 24), random, octaves=3).tobytes()
        self._waves: list[tuple[Image.Image, int]] = []
        for number in range(8):
            pitch = 1.9 * 1.5**number
            angle = random.uniform(-0.75, 0.75)
            across, along = pitch * math.sin(angle), pitch * math.cos(angle)
            phase = bytearray()
            for y in range(small[1]):
                depth = 0.62 / (y / small[1] + 0.035)
                for x in range(small[0]):
                    sideways = (x * scale - sun_x) / unit * depth
                    bent = ripple[y * small[0] + x] * 0.35
                    phase.append(int((across * sideways + along * depth) * 256 + bent * (1 + number % 3)) & 255)
            self._waves.append((Image.frombytes("L", small, bytes(phase)), random.choice((1, 1, 2)) + number // 3))
        self._crest = canvas.table(lambda v: (0.5 + 0.5 * math.sin(math.tau * v)) ** 1.35)
        self._colours = canvas.colour_tables(
            [
                (0, (26, 32, 62)),
                (0.3, (54, 52, 92)),
                (0.48, (124, 92, 108)),
                (0.66, (226, 160, 122)),
                (1, (255, 224, 170)),
            ]
        )
        self._far = canvas.gradient(size, [(0, (252, 198, 128)), (0.3, (210, 148, 120)), (1, (120, 90, 110))])
        self._far_mask = canvas.ramp(size, lambda y: 0.92 * (1 - y) ** 5 + 0.04)
        self._path = _sun_path(small, sun_x / size[0])
        self._contrast = canvas.table(lambda v: canvas.smooth(0.0, 0.98, v))
        self._glitter = canvas.table(lambda v: canvas.smooth(0.46, 0.72, v))
        self._depth = canvas.ramp(small, lambda y: 1 - 0.38 * y)

    def at(self, moment: float) -> Image.Image:
        heights = [canvas.shifted(phase, moment * turns).point(self._crest) for phase, turns in self._waves]
        long = Image.blend(ImageChops.add(heights[0], heights[1], 2), ImageChops.add(heights[2], heights[3], 2), 0.5)
        short = Image.blend(ImageChops.add(heights[4], heights[5], 2), ImageChops.add(heights[6], heights[7], 2), 0.45)
        surface = ImageChops.multiply(Image.blend(long, short, 0.45).point(self._contrast), self._depth)
        light = ImageChops.multiply(ImageChops.add(short, long, 2).point(self._glitter), self._path)
        water = canvas.colourise(surface, self._colours)
        water = canvas.screen(water, canvas.tint(light, (255, 232, 186)))
        water = water.resize(self._size, Image.Resampling.BICUBIC)
        water.paste(self._far, mask=self._far_mask)
        return water


def _sun_path(size: Size, sun_x: float) -> Image.Image:
    def strength(x: int, y: int) -> float:
        spread = 0.05 + 0.15 * y / size[1]
        return 255 * math.exp(-(((x / size[0] - sun_x) / spread) ** 2)) * (1 - 0.35 * y / size[1])

    return canvas.grey_plate(size, strength)


def aurora(size: Size, random: Random) -> Compose:
    """Green and violet curtains above a lake that mirrors them."""
    width, height = size
    shore = round(height * 0.66)
    small = (width // 2, shore // 2)
    night = canvas.gradient((width, shore), [(0, (8, 8, 34)), (0.6, (16, 24, 66)), (1, (18, 66, 84))])
    stars = ImageDraw.Draw(night)
    for _ in range(260):
        x, y, light = random.randrange(width), int(shore * random.random() ** 1.4), random.randrange(70, 230)
        stars.point((x, y), fill=(light, light, min(255, light + 20)))
    curtains = [_Curtain(small, random, number) for number in range(3)]
    land = _treeline((width, height), shore, random)
    ripples = canvas.noise((48, 160), (3, 40), random, octaves=2).tobytes()

    def compose(moment: float) -> Image.Image:
        light = Image.new("RGB", small)
        for curtain in curtains:
            light = canvas.screen(light, curtain.at(moment))
        sky = canvas.screen(night, light.resize((width, shore), Image.Resampling.BICUBIC))
        frame = Image.new("RGB", size)
        frame.paste(sky, (0, 0))
        frame.paste((3, 8, 16), mask=land)
        mirror = ImageOps.flip(frame.crop((0, max(0, 2 * shore - height), width, shore)))
        lake = (width, height - shore)
        amount = min(size) * 0.012

        def source(x: float, y: float) -> tuple[float, float]:
            bend = ripples[int(y * 159) * 48 + int(x * 47)] / 255 - 0.5
            swing = wave(moment, turns=2, offset=y * 7 + bend * 2)
            return (
                min(lake[0] - 1.0, max(0.0, x * lake[0] + amount * 0.4 * swing * y)),
                min(mirror.height - 2.0, max(0.0, y * mirror.height + amount * y * (swing + bend))),
            )

        bent = canvas.warp(mirror, lake, source, (6, 36))
        frame.paste(Image.blend(bent, Image.new("RGB", lake, (6, 16, 34)), 0.34), (0, shore))
        return frame

    return compose


class _Curtain:
    """One sheet of light: a streaked strip, sharp below and fading above, hung along a moving line."""

    def __init__(self, size: Size, random: Random, number: int) -> None:
        self._size = size
        self._base = (0.9, 0.72, 0.56)[number] - random.uniform(0, 0.05)
        self._tall = (0.75, 0.62, 0.5)[number]
        self._offset = random.random()
        self._turn = (1, -1, 1)[number]
        streaks = canvas.noise((512, 1), (26, 1), random, octaves=4, gain=0.7).resize((512, 128))
        fold = canvas.noise((512, 1), (5, 1), random, octaves=2).resize((512, 128))
        strip = ImageChops.multiply(streaks.point(canvas.table(lambda v: 0.25 + 0.75 * v)), fold)
        profile = canvas.ramp((512, 128), lambda y: (y**1.9) * (1 - canvas.smooth(0.9, 1.0, y)) * 1.25)
        strip = ImageChops.multiply(strip, profile)
        tones = [(0, (88, 40, 190)), (0.45, (70, 70, 200)), (0.72, (24, 214, 150)), (1, (120, 255, 190))]
        coloured = ImageChops.multiply(Image.merge("RGB", [strip] * 3), canvas.gradient((512, 128), tones))
        self._strip = canvas.widened(coloured, 512)

    def at(self, moment: float) -> Image.Image:
        height = self._size[1]
        pan = 60 + 50 * wave(moment * self._turn, offset=self._offset)

        def source(x: float, y: float) -> tuple[float, float]:
            line = self._base + 0.07 * math.sin(
                math.tau * (x * 0.9 + self._offset) + 0.9 * wave(moment, offset=self._offset)
            )
            line += 0.035 * math.sin(math.tau * (x * 2.3 - moment * self._turn + self._offset))
            bent = pan + x * 430 + 26 * math.sin(math.tau * (x * 1.7 + moment * self._turn))
            return (bent, (1 - (line - y) / self._tall) * 127)  # outside of the strip it is dark

        return canvas.warp(self._strip, (self._size[0], height), source, (44, 1))


def _treeline(size: Size, shore: int, random: Random) -> Image.Image:
    """Paint far hills and firs as one mask standing on the shore."""
    land = Image.new("L", size)
    pen = ImageDraw.Draw(land)
    unit = min(size)
    hills = [
        (x, shore - unit * (0.06 + 0.035 * math.sin(x / unit * 3.1 + 1) + 0.02 * math.sin(x / unit * 7.7)))
        for x in range(0, size[0] + 8, 8)
    ]
    pen.polygon([(0, shore), *hills, (size[0], shore)], fill=150)
    x = 0.0
    while x < size[0]:
        tall = unit * random.uniform(0.02, 0.075) * (0.6 + 0.4 * abs(math.sin(x / unit * 2.2)))
        for level in range(5):
            top, half = shore - tall + tall * level / 6, tall * (0.05 + 0.045 * level)
            pen.polygon([(x - half, top + tall * 0.3), (x, top), (x + half, top + tall * 0.3)], fill=255)
        x += unit * random.uniform(0.006, 0.024)
    pen.rectangle((0, shore - unit * 0.008, size[0], shore), fill=255)
    return land


def jellyfish(size: Size, random: Random) -> Compose:
    """A translucent bell pulsing upwards through shafts of light."""
    width, height = size
    unit = min(size)
    water = canvas.gradient(size, [(0, (44, 190, 196)), (0.35, (10, 120, 146)), (0.75, (4, 52, 88)), (1, (2, 20, 48))])
    drifting = [(random.random(), random.random(), random.uniform(0.4, 1.6), random.random()) for _ in range(90)]
    shafts = canvas.noise((256, 1), (9, 1), random, octaves=3).point(canvas.table(lambda v: canvas.smooth(0.45, 1, v)))
    shafts = ImageChops.multiply(shafts.resize((256, 128)), canvas.ramp((256, 128), lambda y: 0.62 * (1 - y) ** 1.6))
    shafts = canvas.widened(shafts, 256)
    arms = [(random.uniform(-0.8, 0.8), random.uniform(0.55, 1.0), random.random()) for _ in range(16)]
    shade = canvas.vignette(size, 0.4)

    def compose(moment: float) -> Image.Image:
        def fan(x: float, y: float) -> tuple[float, float]:
            return (128 + (x - 0.35) * 190 / (0.75 + y) + 14 * wave(moment, offset=y * 0.2), y * 127)

        light = canvas.warp(shafts, (width // 4, height // 4), fan, (12, 8)).resize(size, Image.Resampling.BILINEAR)
        frame = canvas.screen(water, canvas.tint(light, (150, 255, 240)))
        specks = Image.new("L", size)
        pen = ImageDraw.Draw(specks)
        for x, y, big, offset in drifting:
            at_x = (x + 0.012 * wave(moment, offset=offset)) * width
            at_y = (y + moment * (1 if big > 1 else 0) + 0.02 * wave(moment, offset=y)) % 1 * height
            radius = big * unit / 420
            pen.ellipse((at_x - radius, at_y - radius, at_x + radius, at_y + radius), fill=round(50 + 70 * big))
        body = _jelly(size, moment, arms)
        halo = body.resize((width // 8, height // 8), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(unit / 130))
        halo = halo.point([round(value * 0.7) for value in range(256)]).resize(size, Image.Resampling.BILINEAR)
        shining = ImageChops.screen(ImageChops.lighter(body, specks), halo)
        return ImageChops.multiply(canvas.screen(frame, canvas.tint(shining, (238, 236, 248))), shade)

    return compose


def _jelly(size: Size, moment: float, arms: list[tuple[float, float, float]]) -> Image.Image:
    """Draw the animal as light: bell, ribs, rim, arms and trailing threads."""
    width, height = size
    unit = min(size)
    pulse = wave(moment, turns=2)
    centre_x = width / 2 + unit * 0.02 * wave(moment)
    centre_y = height * 0.4 - unit * 0.025 * wave(moment, turns=2, offset=-0.12)
    half, tall = unit * (0.2 - 0.022 * pulse), unit * (0.17 + 0.022 * pulse)
    body = Image.new("L", size)
    pen = ImageDraw.Draw(body)
    for place, reach, offset in arms:
        points = []
        for step in range(26):
            down = step / 25
            swing = unit * 0.045 * down * math.sin(math.tau * (down * 1.3 - moment * 2 + offset))
            points.append(
                (centre_x + place * half * (0.95 - 0.3 * down) + swing, centre_y + (down * reach * 0.66 - 0.03) * unit)
            )
        is_ribbon = reach > 0.8
        pen.line(
            points,
            fill=120 if is_ribbon else 84,
            width=max(1, round(unit / (150 if is_ribbon else 320))),
            joint="curve",
        )
    fade = canvas.ramp(size, lambda y: 1.0 - 0.85 * canvas.smooth(centre_y / height, 0.98, y))
    body = ImageChops.multiply(body.filter(ImageFilter.BoxBlur(0.6)), fade)
    bell = Image.new("L", size)
    bell.paste(_bell(round(half * 2), round(tall * 1.5)), (round(centre_x - half), round(centre_y - tall)))
    return ImageChops.screen(body, bell)


_BELLS: dict[Size, Image.Image] = {}


def _bell(width: int, height: int) -> Image.Image:
    """Paint the bell once, at one size, and stretch it to the others: bright at the rim and along the ribs."""
    side = 220

    def light(x: int, y: int) -> float:
        across, up = (x + 0.5) / side * 2 - 1, 1 - (y + 0.5) / side * 1.5
        frill = 0.045 * math.cos(across * 34) * math.sqrt(max(0.0, 1 - across * across))
        if up < -0.12 * (1 - across * across) + frill - 0.02:
            return 0
        distance = math.hypot(across, max(0.0, up))
        if distance >= 1:
            return 0
        thick = 1 - math.sqrt(1 - distance * distance)
        ribs = 0.5 + 0.5 * math.cos(
            14 * math.asin(max(-1, min(1, across / math.sqrt(max(0.02, 1 - min(0.97, max(0, up)) ** 2)))))
        )
        rim = canvas.smooth(0.3, -0.08, up) if up < 0.3 else 0.0
        soft = canvas.smooth(1.0, 0.93, distance) if distance > 0.93 else 1.0
        core = 0.34 * math.exp(-((across / 0.42) ** 2 + ((up - 0.25) / 0.3) ** 2))
        return 255 * min(1.0, (0.2 + 0.62 * thick + 0.13 * ribs * (1 - up) + 0.3 * rim + core)) * soft

    if (side, side) not in _BELLS:
        _BELLS[side, side] = canvas.grey_plate((side, side), light)
    return _BELLS[side, side].resize((width, height), Image.Resampling.BICUBIC)
