"""Small media files, made on the spot."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
from PIL import Image, ImageDraw

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 30), (30, 30, 220), (220, 220, 30)


def quarters(width: int, height: int) -> Image.Image:
    """Red and green above blue and yellow: every turn and flip of it looks different."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    right, bottom = width // 2, height // 2
    for x, y, colour in ((0, 0, RED), (right, 0, GREEN), (0, bottom, BLUE), (right, bottom, YELLOW)):
        draw.rectangle((x, y, x + right, y + bottom), fill=colour)
    return picture


def picture_bytes(width: int = 64, height: int = 36, kind: str = "JPEG") -> bytes:
    """The quarters as a file."""
    file = io.BytesIO()
    quarters(width, height).save(file, kind)
    return file.getvalue()


def moving(width: int = 64, height: int = 48, count: int = 24) -> Iterator[Image.Image]:
    """Quarters with a white bar that crosses them."""
    for index in range(count):
        picture = quarters(width, height)
        x = index * width // count
        ImageDraw.Draw(picture).rectangle((x, 0, x + 3, height), fill="white")
        yield picture


def make_video(
    path: Path,
    frames: Iterable[Image.Image] | None = None,
    *,
    codec: str = "libx264",
    rotation: int = 0,
    audio: bool = False,
    muxer: dict[str, str] | None = None,
) -> Path:
    """Encode the frames at 24 a second; the file's extension chooses the container."""
    pictures = list(moving() if frames is None else frames)
    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac" if path.suffix == ".mp4" else "libopus", rate=48_000) if audio else None
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
        if sound is not None:
            container.mux(_silence(sound, seconds=len(pictures) / 24))
    return path


def _silence(stream: av.AudioStream, *, seconds: float) -> Iterator[av.Packet]:
    size = stream.codec_context.frame_size or 960
    for start in range(0, int(seconds * 48_000), size):
        frame = av.AudioFrame(format=stream.format.name, layout="stereo", samples=size)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = 48_000, start
        yield from stream.encode(frame)
    yield from stream.encode()


def encoded(picture: Image.Image, encoder: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=encoder, **options)
    return buffer.getvalue()
