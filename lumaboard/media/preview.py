"""The rendition outsiders may watch: smaller, encoded anew, the workspace's mark in every picture.

Runs FFmpeg's libraries: only inside the media process. Frames are decoded, marked and encoded one after the other, so a
film of any length takes the same memory.
"""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from lumaboard.media.errors import MediaRefused
from lumaboard.media.facts import Inspection, MadeFile
from lumaboard.media.mark import Mark, mark_for, marked
from lumaboard.media.picture import open_picture
from lumaboard.media.sniff import MP4
from lumaboard.media.stills import media_type_of, probe, save, within
from lumaboard.media.video import Video, open_video

LONG_SIDE: Final = 1280

THREADS: Final = 2
"""For decoding and for encoding: each more would take memory for frames of its own, and the web server's processors."""

_ENCODER: Final = {
    "preset": "veryfast",
    "profile": "main",
    "crf": "23",
    "maxrate": "4M",
    "bufsize": "8M",
    "threads": str(THREADS),
}
_KEY_FRAME_SECONDS: Final = 2
_USUAL_RATE: Final = Fraction(24)
_MOST_RATE: Final = 240
_SOUND_RATE: Final = 48_000
_SOUND_BITS: Final = 128_000

# How bright and how coloured a number means to be. What is written in the file stays so; where nothing is, it is written what
# browsers take a film of that size for. By FFmpeg's number of each matrix.
_MATRICES: Final = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020"}
_MATRIX_OF_LARGE, _MATRIX_OF_SMALL = 1, 6
_LARGE_FROM: Final = 720
_LIMITED_RANGE: Final = 1

# How FFmpeg's filters turn a frame upright, by the frame's rotation.
_TURNS: Final = {90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}


def make_preview(path: Path, out_dir: Path, *, mark: str) -> Inspection:
    """Write the preview of a film or picture to `out_dir`; the facts are those of the preview."""
    media_type = media_type_of(path)
    if media_type.kind == "image":
        picture = within(open_picture(path, media_type)[1], LONG_SIDE)
        made = save(marked(picture, mark), "preview", out_dir)
        return Inspection(facts=probe(made.path), files=(made,))
    target = out_dir / "preview.mp4"
    unfinished = target.with_suffix(".mp4.part")
    with open_video(path, media_type) as video:
        _encode(video, unfinished, mark)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)
    facts = probe(target)
    size = target.stat().st_size
    made = MadeFile(
        role="preview",
        path=target,
        width=facts.width,
        height=facts.height,
        size_bytes=size,
        content_type=MP4.content_type,
    )
    return Inspection(facts=facts, files=(made,))


def _encode(video: Video, target: Path, mark: str) -> None:
    try:
        # The index is moved to the front at the end, so that a player can begin and seek before it has the whole file.
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            _pass_on(video, container, mark)
    except OSError as error:  # FFmpeg's own errors among them, where the system had a number for it
        if error.errno == errno.EFBIG:
            raise MediaRefused("its preview would be larger than we allow") from error
        raise


def _pass_on(video: Video, container: OutputContainer, mark: str) -> None:
    """Read the file once, from front to back, and write pictures and sound as they come."""
    video.stream.codec_context.thread_count = THREADS
    pictures = _Pictures(video, container, mark)
    video.rewind()
    sound = _Sound(video, container)
    streams = [stream for stream in (video.stream, sound.source) if stream is not None]
    for packet in video.container.demux(*streams):
        for frame in packet.decode():
            if isinstance(frame, VideoFrame):
                pictures.add(frame)
            elif isinstance(frame, av.AudioFrame):
                sound.add(frame)
    pictures.end()
    sound.end()


class _Pictures:
    """Frames on their way: made upright and small, marked, encoded. Their times stay what they were, even or not."""

    def __init__(self, video: Video, container: OutputContainer, mark: str) -> None:
        facts = video.facts()
        self._size = _preview_size(facts.width, facts.height)
        self._mark = mark_for(self._size, mark)
        self._container = container
        self._time_base = video.stream.time_base or 1 / _USUAL_RATE
        self._start = video.stream.start_time or 0
        rate = video.stream.average_rate
        self._rate = rate if rate and 1 <= rate <= _MOST_RATE else _USUAL_RATE
        self._target: VideoStream = container.add_stream("libx264", rate=self._rate, options=_ENCODER)
        codec = self._target.codec_context
        codec.width, codec.height = self._size
        codec.pix_fmt = "yuv420p"
        codec.time_base = self._time_base
        source = video.stream.codec_context
        usual = _MATRIX_OF_LARGE if facts.height >= _LARGE_FROM else _MATRIX_OF_SMALL
        codec.colorspace = source.colorspace if source.colorspace in _MATRICES else usual
        codec.color_primaries, codec.color_trc = source.color_primaries, source.color_trc
        codec.color_range = _LIMITED_RANGE
        self._matrix = _MATRICES[codec.colorspace]
        codec.gop_size = round(self._rate * _KEY_FRAME_SECONDS)
        self._bench: _Bench | None = None
        self._last = -1

    def add(self, frame: VideoFrame) -> None:
        at = self._last + self._step if frame.pts is None else frame.pts - self._start
        if at <= self._last:
            return  # a frame from before the beginning, or one whose time stood still
        self._last = at
        frame.pts, frame.time_base = at, self._time_base
        if self._bench is None or not self._bench.fits(frame):
            # Anew where a stream changes shape midway: what comes out keeps its size.
            self._bench = _Bench(frame, self._size, self._mark, self._time_base, self._matrix)
        finished = self._bench.work(frame)
        finished.pict_type = PictureType.NONE  # else the encoder would repeat the source's choice of key frames
        self._container.mux(self._target.encode(finished))

    def end(self) -> None:
        self._container.mux(self._target.encode())

    @property
    def _step(self) -> int:
        return max(1, round(1 / (self._rate * self._time_base)))


class _Bench:
    """FFmpeg's filters, set up for frames of one shape."""

    def __init__(self, frame: VideoFrame, size: tuple[int, int], mark: Mark, time_base: Fraction, matrix: str) -> None:
        self._shape = _shape(frame)
        turned = frame.rotation % 360
        across, down = size if turned % 180 == 0 else size[::-1]
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=time_base, name="film"
        )
        badge = graph.add_buffer(
            width=mark.badge.width,
            height=mark.badge.height,
            format=VideoFormat("rgba"),
            time_base=time_base,
            name="badge",
        )
        scale = f"scale={across}:{down}:in_color_matrix={matrix}:out_color_matrix={matrix}:out_range=tv"
        last = source
        for step in [scale, *_TURNS.get(turned, ()), "setsar=1", "format=yuv420p"]:
            name, _, arguments = step.partition("=")
            node = graph.add(name, arguments or None)
            last.link_to(node)
            last = node
        overlay = graph.add("overlay", f"x={mark.x}:y={mark.y}:eof_action=repeat:format=yuv420")
        sink = graph.add("buffersink")
        last.link_to(overlay, 0, 0)
        badge.link_to(overlay, 0, 1)
        overlay.link_to(sink)
        graph.configure()
        badge.push(_as_frame(mark.badge, at=frame.pts or 0, time_base=time_base))
        badge.push(None)
        self._graph, self._source, self._sink = graph, source, sink

    def fits(self, frame: VideoFrame) -> bool:
        return self._shape == _shape(frame)

    def work(self, frame: VideoFrame) -> VideoFrame:
        self._source.push(frame)
        finished = self._sink.pull()
        assert isinstance(finished, VideoFrame)
        return finished


class _Sound:
    """The film's sound as AAC, if it has one that can be decoded."""

    def __init__(self, video: Video, container: OutputContainer) -> None:
        streams = [stream for stream in video.container.streams.audio if stream.codec_context is not None]
        self.source: AudioStream | None = streams[0] if streams else None
        self._start = video.start
        self._container = container
        if self.source is not None:
            self._target: AudioStream = container.add_stream("aac", rate=_SOUND_RATE)
            self._target.codec_context.bit_rate = _SOUND_BITS
            self._target.codec_context.layout = "stereo"
            self._evenly = AudioResampler(format="fltp", layout="stereo", rate=_SOUND_RATE)

    def add(self, frame: av.AudioFrame) -> None:
        if frame.time is None or frame.time < self._start:
            return
        for even in self._evenly.resample(frame):
            self._write(even)

    def end(self) -> None:
        if self.source is None:
            return
        for even in self._evenly.resample(None):
            self._write(even)
        self._container.mux(self._target.encode())

    def _write(self, frame: av.AudioFrame) -> None:
        if frame.pts is not None and frame.time_base is not None:
            frame.pts -= round(self._start / frame.time_base)
        self._container.mux(self._target.encode(frame))


def _preview_size(width: int, height: int) -> tuple[int, int]:
    """At most `LONG_SIDE` in the same proportions, never enlarged, and even, as this format wants it."""
    scale = min(1.0, LONG_SIDE / max(width, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _shape(frame: VideoFrame) -> tuple[str, int, int, int]:
    return frame.format.name, frame.width, frame.height, frame.rotation


def _as_frame(badge: Image.Image, *, at: int, time_base: Fraction) -> VideoFrame:
    frame = VideoFrame.from_bytes(badge.tobytes(), badge.width, badge.height, format="rgba")
    frame.pts, frame.time_base = at, time_base
    return frame
