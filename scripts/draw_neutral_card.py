"""Draw the picture that chats show for links which tell nothing: `.venv/bin/python scripts/draw_neutral_card.py`.

Run it anew when the emblem in `static/favicon.svg` changes, and commit what it writes.
"""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "static" / "neutral-card.jpg"
FONT: Final = ROOT / "static" / "vendor" / "geist" / "geist-latin-wght-normal.woff2"

SIZE: Final = (1200, 630)
SCALE: Final = 4  # drawn larger, for smooth edges
GROUND: Final = (14, 15, 18)
LAMP: Final = (242, 193, 78)
QUIET: Final = (70, 72, 79)
TEXT: Final = (241, 241, 243)
TILE, GAP, ROUNDING = 72, 16, 17
WORD: Final = "Lumaboard"


def draw() -> Image.Image:
    left, top = (SIZE[0] - 2 * TILE - GAP) // 2, 176
    card = _with_glow(Image.new("RGB", SIZE, GROUND), centre=(left + TILE // 2, top + TILE // 2))
    sheet = Image.new("RGBA", (SIZE[0] * SCALE, SIZE[1] * SCALE))
    pen = ImageDraw.Draw(sheet)
    for row in (0, 1):
        for column in (0, 1):
            x, y = (start + place * (TILE + GAP) for start, place in ((left, column), (top, row)))
            box = tuple(side * SCALE for side in (x, y, x + TILE, y + TILE))
            pen.rounded_rectangle(box, ROUNDING * SCALE, fill=QUIET if row or column else LAMP)
    font = ImageFont.truetype(str(FONT), 54 * SCALE)
    font.set_variation_by_axes([600])
    pen.text((SIZE[0] / 2 * SCALE, 438 * SCALE), WORD, font=font, fill=TEXT, anchor="ms")
    sheet = sheet.resize(SIZE, Image.Resampling.LANCZOS)
    card.paste(sheet, (0, 0), sheet)
    return card


def _with_glow(card: Image.Image, *, centre: tuple[int, int]) -> Image.Image:
    """The lamp is on, as it is on the board."""
    light = Image.new("L", SIZE, 0)
    x, y = centre
    ImageDraw.Draw(light).ellipse((x - 150, y - 150, x + 150, y + 150), fill=46)
    return Image.composite(Image.new("RGB", SIZE, LAMP), card, light.filter(ImageFilter.GaussianBlur(110)))


if __name__ == "__main__":
    draw().save(TARGET, quality=90, optimize=True, progressive=True)
