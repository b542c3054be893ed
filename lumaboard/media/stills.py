"""The stills we make of a video or an image: poster, card and sprite for members, a marked still and the picture for chats
for everybody else. Runs decoders: only inside the media process.
"""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from lumaboard.media.errors import MediaRefused
from lumaboard.media.facts import Inspection, MadeFile, MediaFacts, Role
from lumaboard.media.mark import marked
from lumaboard.media.picture import open_picture
from lumaboard.media.sniff import HEAD_BYTES, MediaType, sniff
from lumaboard.media.social import MOST_BYTES, social_picture
from lumaboard.media.video import open_video

CARD_WIDTH: Final = 640
"""A card is at most some 336 CSS pixels wide: nearly two device pixels for each."""

STILL_LONG_SIDE: Final = 1280
"""Of the marked still: as large as the marked film."""

SPRITE_FRAMES: Final = 12
SPRITE_FRAME_WIDTH: Final = 160

_SAVED_AS: Final[dict[Role, tuple[str, str, dict[str, Any]]]] = {
    # The poster is also what mail clients and link previews fetch, and those want JPEG.
    "poster": ("JPEG", "image/jpeg", {"quality": 88, "progressive": True, "optimize": True}),
    "card": ("WEBP", "image/webp", {"quality": 80, "method": 4}),
    "sprite": ("WEBP", "image/webp", {"quality": 70, "method": 2}),
    "still": ("JPEG", "image/jpeg", {"quality": 84, "progressive": True, "optimize": True}),
    "social": ("JPEG", "image/jpeg", {"quality": 84, "progressive": True, "optimize": True}),
    "logo": ("PNG", "image/png", {"optimize": True}),
    "preview": ("JPEG", "image/jpeg", {"quality": 84, "progressive": True, "optimize": True}),
}
_EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_LESSER_QUALITIES: Final = (72, 60, 45, 30)


def probe(path: Path) -> MediaFacts:
    media_type = media_type_of(path)
    if media_type.kind == "image":
        return open_picture(path, media_type)[0]
    with open_video(path, media_type) as video:
        return video.facts()


def inspect(path: Path, out_dir: Path, *, want_sprite: bool, poster_at: float | None, mark: str = "") -> Inspection:
    """Look at the file and write its stills to `out_dir`: always a poster and a card, a sprite of a video that has a length.

    With a `mark`, also the two stills that outsiders may see.
    """
    media_type = media_type_of(path)
    if media_type.kind == "image":
        facts, picture = open_picture(path, media_type)
        return Inspection(facts=facts, files=tuple(_stills(picture, facts, out_dir, mark)))
    with open_video(path, media_type) as video:
        facts = video.facts()
        poster = video.opening() if poster_at is None else video.at(poster_at)
        files = list(_stills(poster, facts, out_dir, mark))
        frames = video.evenly(SPRITE_FRAMES) if want_sprite else []
        if frames:
            files.append(save(_strip(frames), "sprite", out_dir))
    return Inspection(facts=facts, files=tuple(files))


def make_social(poster: Path, out_dir: Path, *, mark: str, is_film: bool) -> Inspection:
    """Write the two stills that outsiders may see, of a poster made before."""
    facts, picture = open_picture(poster, media_type_of(poster))
    return Inspection(facts=facts, files=tuple(_outsiders_stills(picture, out_dir, mark=mark, is_film=is_film)))


def media_type_of(path: Path) -> MediaType:
    with path.open("rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    if media_type is None:
        raise MediaRefused("the file is not a video or picture we know")
    return media_type


def _stills(picture: Image.Image, facts: MediaFacts, out_dir: Path, mark: str) -> Iterator[MadeFile]:
    yield save(picture, "poster", out_dir)
    yield save(_narrowed(picture, CARD_WIDTH), "card", out_dir)
    if mark:
        yield from _outsiders_stills(picture, out_dir, mark=mark, is_film=facts.kind == "video")


def _outsiders_stills(picture: Image.Image, out_dir: Path, *, mark: str, is_film: bool) -> Iterator[MadeFile]:
    yield save(marked(within(picture, STILL_LONG_SIDE), mark), "still", out_dir)
    yield save(social_picture(picture, mark=mark, is_film=is_film), "social", out_dir, most_bytes=MOST_BYTES)


def within(picture: Image.Image, long_side: int) -> Image.Image:
    """At most this long on its longer side, in the same proportions; never enlarged."""
    return _narrowed(picture, max(1, round(min(1.0, long_side / max(picture.size)) * picture.width)))


def _narrowed(picture: Image.Image, width: int) -> Image.Image:
    """At most this wide, in the same proportions; never enlarged."""
    if picture.width <= width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _strip(frames: list[Image.Image]) -> Image.Image:
    """The frames side by side, all as large as the first."""
    first = _narrowed(frames[0], SPRITE_FRAME_WIDTH)
    strip = Image.new("RGB", (first.width * len(frames), first.height))
    for index, frame in enumerate(frames):
        strip.paste(frame.resize(first.size, Image.Resampling.BILINEAR, reducing_gap=2.0), (index * first.width, 0))
    return strip


def save(picture: Image.Image, role: Role, out_dir: Path, *, most_bytes: int | None = None) -> MadeFile:
    """Write under a name that says it is unfinished, then rename: the file appears complete or not at all.

    A JPEG that would have more than `most_bytes` is written at a lesser quality.
    """
    encoder, content_type, options = _SAVED_AS[role]
    body = _encoded(picture, encoder, options)
    for quality in _LESSER_QUALITIES:
        if most_bytes is None or len(body) <= most_bytes:
            break
        body = _encoded(picture, encoder, {**options, "quality": quality})
    target = out_dir / f"{role}.{_EXTENSIONS[encoder]}"
    unfinished = target.with_suffix(target.suffix + ".part")
    with unfinished.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    return MadeFile(
        role=role,
        path=target,
        width=picture.width,
        height=picture.height,
        size_bytes=len(body),
        content_type=content_type,
    )


def _encoded(picture: Image.Image, encoder: str, options: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format=encoder, icc_profile=picture.info.get("icc_profile"), **options)
    return buffer.getvalue()
