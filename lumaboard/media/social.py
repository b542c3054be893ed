"""The picture that chats and networks show for a link: 1200 × 630, made of the poster alone."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from lumaboard.media.mark import marked

SIZE: Final = (1200, 630)
MOST_BYTES: Final = 300_000
"""Some chats ignore larger pictures."""

_CROPPED_AT_MOST: Final = 0.12
_BLURRED_AT: Final = (120, 63)
_DIMMED_TO: Final = 0.35
_GLYPH: Final = 112
_OVERSAMPLED: Final = 4


def social_picture(poster: Image.Image, *, mark: str, is_film: bool) -> Image.Image:
    """Fill the picture where little is lost by it, else show the poster whole on a dim, blurred ground of itself.

    The mark lies in the poster, not beside it, where it could be cut away.
    """
    fitting = min(SIZE[0] / poster.width, SIZE[1] / poster.height)
    filling = max(SIZE[0] / poster.width, SIZE[1] / poster.height)
    if fitting >= filling * (1 - _CROPPED_AT_MOST):
        picture = marked(ImageOps.fit(poster, SIZE, Image.Resampling.LANCZOS), mark)
    else:
        picture = _ground(poster)
        whole = marked(ImageOps.contain(poster, SIZE, Image.Resampling.LANCZOS), mark)
        picture.paste(whole, ((SIZE[0] - whole.width) // 2, (SIZE[1] - whole.height) // 2))
    if is_film:
        _paste_play_glyph(picture)
    picture.info = poster.info
    return picture


def _ground(poster: Image.Image) -> Image.Image:
    """Blurred while small: as soft, and a hundredth of the work."""
    small = ImageOps.fit(poster, _BLURRED_AT, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(5))
    return ImageEnhance.Brightness(small).enhance(_DIMMED_TO).resize(SIZE, Image.Resampling.BICUBIC)


def _paste_play_glyph(picture: Image.Image) -> None:
    side = _GLYPH * _OVERSAMPLED
    glyph = Image.new("RGBA", (side, side), (10, 11, 14, 0))
    pen = ImageDraw.Draw(glyph)
    pen.ellipse((0, 0, side - 1, side - 1), fill=(10, 11, 14, 150))
    # Its centre of weight, not its box, lies in the middle of the circle.
    pen.polygon([(side * 0.39, side * 0.29), (side * 0.39, side * 0.71), (side * 0.74, side * 0.5)], fill="white")
    glyph = glyph.resize((_GLYPH, _GLYPH), Image.Resampling.LANCZOS)
    picture.paste(glyph, ((SIZE[0] - _GLYPH) // 2, (SIZE[1] - _GLYPH) // 2), glyph)
