"""An image file as an upright picture. Runs Pillow's decoders: only inside the media process."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from lumaboard.media.errors import MediaRefused, MediaUnreadable
from lumaboard.media.facts import MediaFacts
from lumaboard.media.limits import MAX_IMAGE_PIXELS, MAX_SIDE
from lumaboard.media.sniff import MediaType

# Naming the format keeps Pillow from trying its other decoders on foreign bytes.
_DECODERS: Final = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def open_picture(
    path: Path, media_type: MediaType, *, keeps_transparency: bool = False
) -> tuple[MediaFacts, Image.Image]:
    """The facts, and the picture turned upright, in RGB, without metadata but its colour profile.

    Transparent parts become white, unless they are kept; then the picture is in RGBA.
    """
    Image.MAX_IMAGE_PIXELS = MAX_IMAGE_PIXELS
    try:
        with Image.open(path, formats=[_DECODERS[media_type.extension]]) as image:
            width, height = image.size
            if width * height > MAX_IMAGE_PIXELS or max(width, height) > MAX_SIDE:
                raise MediaRefused(f"the picture is too large to decode ({width} × {height})")
            upright = ImageOps.exif_transpose(image)
            picture = upright.convert("RGBA") if keeps_transparency else _flat(upright)
    except Image.DecompressionBombError as error:
        raise MediaRefused("the picture is too large to decode") from error
    except MemoryError as error:
        raise MediaRefused("the picture needs more memory than we allow") from error
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
    ) as error:  # what Pillow's decoders raise on bad bytes
        raise MediaUnreadable("the picture cannot be decoded", detail=str(error)) from error
    facts = MediaFacts(
        kind="image",
        content_type=media_type.content_type,
        width=picture.width,
        height=picture.height,
        codec=media_type.extension,
    )
    return facts, picture


def _flat(image: Image.Image) -> Image.Image:
    """In RGB. Transparent parts become white, as on a sheet of paper."""
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
        flat = ground.convert("RGB")
    else:
        flat = image.convert("RGB")
    # A colour profile describes the numbers it came with: one for grey or CMYK would be wrong for the RGB we made of them.
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    flat.info = {"icc_profile": profile} if profile else {}
    return flat
