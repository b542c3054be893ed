"""Facts about a video, and single frames of it as upright pictures. Runs FFmpeg's libraries: only inside the media process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from lumaboard.media.errors import MediaRefused, MediaUnreadable
from lumaboard.media.facts import MediaFacts
from lumaboard.media.limits import MAX_SIDE, MAX_VIDEO_PIXELS
from lumaboard.media.sniff import MediaType

# Naming the demuxer keeps FFmpeg from guessing, and so from taking the file for a playlist that names other files.
_DEMUXERS: Final = {"mp4": "mp4", "webm": "webm"}

_OPENING_FRAMES: Final = 72
_FLAT: Final = 12.0
"""Standard deviation of brightness (0 to 127) below which a frame shows next to nothing: black, white, a fade."""

_DECODED_WHOLE_SECONDS: Final = 60.0

_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True)
class Video:
    """An open video, positioned anywhere: every method seeks first."""

    media_type: MediaType
    container: InputContainer
    stream: VideoStream

    @property
    def duration_s(self) -> float | None:
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        return self.container.duration / 1_000_000 if self.container.duration else None

    def facts(self) -> MediaFacts:
        """Decodes one frame: only a frame knows for certain how it is turned."""
        first = next(self._frames_from(0.0), None)
        if first is None:
            raise MediaUnreadable("the video holds no frame")
        width, height = _shown_size(first, self.stream)
        rate = self.stream.average_rate
        return MediaFacts(
            kind="video",
            content_type=self.media_type.content_type,
            width=width,
            height=height,
            codec=self.stream.codec_context.name,
            duration_s=self.duration_s,
            frame_rate=float(rate) if rate else None,
            has_audio=bool(self.container.streams.audio),
        )

    def opening(self) -> Image.Image:
        """The first frame that shows something. Clips often fade in, and a black card says nothing."""
        best: tuple[float, VideoFrame] | None = None
        for frame in islice(self._frames_from(0.0), _OPENING_FRAMES):
            contrast = _contrast(frame)
            if best is None or contrast > best[0]:
                best = contrast, frame
            if contrast >= _FLAT:
                break
        if best is None:
            raise MediaUnreadable("the video holds no frame")
        return self._upright(best[1])

    def at(self, second: float) -> Image.Image:
        """The frame shown at this second, or the last one."""
        last: VideoFrame | None = None
        for frame in self._frames_from(second):
            last = frame
            if frame.time is not None and frame.time >= second + self.start:
                break
        if last is None:
            raise MediaUnreadable("the video holds no frame there")
        return self._upright(last)

    def evenly(self, count: int) -> list[Image.Image]:
        """`count` frames spread over the video; empty if it does not say how long it is.

        A clip is decoded once from front to back. Of a longer video the nearest earlier key frames stand in.
        """
        duration = self.duration_s
        if not duration:
            return []
        moments = [(index + 0.5) * duration / count for index in range(count)]
        if duration > _DECODED_WHOLE_SECONDS:
            frames = [next(self._frames_from(moment), None) for moment in moments]
            return [self._upright(frame) for frame in frames if frame is not None]
        return [self._upright(frame) for frame in self._passing(moments)]

    def _passing(self, moments: list[float]) -> list[VideoFrame]:
        """The first frame at or after each moment; the last frame for moments behind it."""
        found: list[VideoFrame] = []
        frame: VideoFrame | None = None
        for frame in self._frames_from(0.0):
            while len(found) < len(moments) and (frame.time or 0.0) >= moments[len(found)] + self.start:
                found.append(frame)
            if len(found) == len(moments):
                break
        if frame is not None:
            found.extend([frame] * (len(moments) - len(found)))
        return found

    @property
    def start(self) -> float:
        """In seconds. Time stamps need not begin at 0."""
        if self.stream.start_time is None or self.stream.time_base is None:
            return 0.0
        return float(self.stream.start_time * self.stream.time_base)

    def rewind(self) -> None:
        """Go back to the first frame, for whoever reads the container's packets itself."""
        self.container.seek(int(self.start * 1_000_000), backward=True)

    def _frames_from(self, second: float) -> Iterator[VideoFrame]:
        """Decoded frames from the key frame at or before this second. A stream may change size midway: each is checked."""
        self.container.seek(int((second + self.start) * 1_000_000), backward=True)
        for frame in self.container.decode(self.stream):
            _require_decodable(frame.width, frame.height)
            yield frame

    def _upright(self, frame: VideoFrame) -> Image.Image:
        picture = _picture(frame)
        turn = _TURNS.get(frame.rotation % 360)
        if turn is not None:
            picture = picture.transpose(turn)
        shown = _shown_size(frame, self.stream)
        return picture if picture.size == shown else picture.resize(shown, Image.Resampling.BICUBIC)


@contextmanager
def open_video(path: Path, media_type: MediaType) -> Iterator[Video]:
    """Open through a file object, so that FFmpeg sees bytes and never a name it could read as an address."""
    demuxer = _DEMUXERS[media_type.extension]
    try:
        # Metadata is free text in any encoding or none, and we do not use it: it must not be able to fail the file.
        with path.open("rb") as file, av.open(file, "r", format=demuxer, metadata_errors="replace") as container:
            if not container.streams.video:
                raise MediaUnreadable("the file holds no video")
            stream = container.streams.video[0]
            if stream.codec_context is None:  # the type stubs deny it, but so it is for a codec FFmpeg does not know
                raise MediaUnreadable("the video is in a format we cannot decode")
            _require_decodable(stream.codec_context.width, stream.codec_context.height)
            stream.thread_type = "AUTO"
            yield Video(media_type, container, stream)
    except MemoryError as error:
        raise MediaRefused("the video needs more memory than we allow") from error
    except av.FFmpegError as error:
        raise MediaUnreadable("the video cannot be decoded", detail=str(error)) from error


def _require_decodable(width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise MediaUnreadable("the video has no picture size")
    if width * height > MAX_VIDEO_PIXELS or max(width, height) > MAX_SIDE:
        raise MediaRefused(f"the video is too large to decode ({width} × {height})")


def _shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """The size on screen: pixels made square, then turned."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) <= aspect <= 8:  # nonsense in the header is not worth a picture of nonsense size
        aspect = Fraction(1)
    width, height = max(1, round(frame.width * aspect)), frame.height
    if max(width, height) > MAX_SIDE:
        raise MediaRefused(f"the video is too large to decode ({width} × {height})")
    return (height, width) if frame.rotation % 180 == 90 else (width, height)


def _contrast(frame: VideoFrame) -> float:
    small = _picture(frame.reformat(width=32, height=32, format="gray")).convert("L")
    return float(ImageStat.Stat(small).stddev[0])


def _picture(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves this one method untyped
    return picture
