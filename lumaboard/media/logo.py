"""A logo, drawn anew: small, and without anything its file carried beside the picture. Only inside the media process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from lumaboard.media.errors import MediaRefused
from lumaboard.media.facts import Inspection
from lumaboard.media.picture import open_picture
from lumaboard.media.stills import media_type_of, save

MOST_HEIGHT: Final = 96
"""Four device pixels for each of the 24 it is shown high."""

MOST_WIDTH: Final = 640


def draw_logo(path: Path, out_dir: Path) -> Inspection:
    """Write the picture as a PNG of at most 640 by 96 pixels; raises a `MediaError` for anything but a picture."""
    media_type = media_type_of(path)
    if media_type.kind != "image":
        raise MediaRefused("a film is no logo")
    facts, picture = open_picture(path, media_type, keeps_transparency=True)
    picture.thumbnail((MOST_WIDTH, MOST_HEIGHT), Image.Resampling.LANCZOS)
    return Inspection(facts=facts, files=(save(picture, "logo", out_dir),))
