"""Makes the four files of one clip. Runs as a process of its own: `python -m lumaboard.simulator.render FOLDER SCENE …`.

Each frame is composed once and encoded twice, with and without the mark.
"""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import av
from PIL import Image, ImageDraw

from .clips import FILES, ClipKey, ClipStyle
from .scenes import SCENES

_NICENESS: Final = 5
_ENCODER_OPTIONS: Final = {"preset": "veryfast", "crf": "23", "profile": "high", "threads": "1"}


def frames_of(key: ClipKey, style: ClipStyle) -> Iterator[Image.Image]:
    """Compose the frames of a clip; the last leads back to the first."""
    compose = SCENES[key.scene].build(key.size(style), random.Random(f"{key.scene} {key.aspect_ratio}"))  # noqa: S311 - pictures, not secrets
    count = key.frame_count(style)
    for number in range(count):
        yield compose(number / count)


def render_clip(key: ClipKey, style: ClipStyle, folder: Path) -> None:
    """Write the files of a clip into a new folder."""
    folder.mkdir()
    mark = watermark(key.size(style))
    with ExitStack() as stack:
        raw = _Encoder(folder / FILES["raw"], key, style, stack)
        watermarked = _Encoder(folder / FILES["watermarked"], key, style, stack)
        last = None
        for last in frames_of(key, style):
            if not raw.frame_count:
                last.save(folder / FILES["thumbnail"], quality=88)
            raw.add(last)
            last = last.copy()
            marked = last.copy()
            marked.paste(mark, (0, 0), mark)
            watermarked.add(marked)
        assert last is not None
        last.save(folder / FILES["last_frame"], quality=88)


def watermark(size: tuple[int, int]) -> Image.Image:
    """Draw the mark: a translucent badge with a lens and a word in the lower right corner."""
    width, height = size
    unit = min(size) / 100
    mark = Image.new("RGBA", (width * 2, height * 2), (255, 255, 255, 0))
    pen = ImageDraw.Draw(mark)
    right, bottom = width * 2 - 8 * unit, height * 2 - 8 * unit
    left, top = right - 52 * unit, bottom - 18 * unit
    pen.rounded_rectangle((left, top, right, bottom), radius=9 * unit, fill=(8, 10, 16, 120))
    pen.ellipse(
        (left + 4 * unit, top + 4 * unit, left + 14 * unit, top + 14 * unit),
        outline=(255, 255, 255, 215),
        width=round(2 * unit) or 1,
    )
    pen.ellipse((left + 7.5 * unit, top + 7.5 * unit, left + 10.5 * unit, top + 10.5 * unit), fill=(255, 255, 255, 215))
    pen.text(
        (left + 17 * unit, top + 9 * unit), "SIMULATED", fill=(255, 255, 255, 215), font_size=6.2 * unit, anchor="lm"
    )
    return mark.resize(size, Image.Resampling.LANCZOS)


class _Encoder:
    """One MP4 file: H.264, 4:2:0, its index in front."""

    def __init__(self, path: Path, key: ClipKey, style: ClipStyle, stack: ExitStack) -> None:
        self._container: Any = stack.enter_context(av.open(str(path), "w", options={"movflags": "+faststart"}))
        self._container.metadata["title"] = key.scene
        self._container.metadata["comment"] = "Made by the Lumaboard simulator"
        self._stream: Any = self._container.add_stream("libx264", rate=style.fps, options=dict(_ENCODER_OPTIONS))
        self._stream.width, self._stream.height = key.size(style)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.gop_size = style.fps
        stack.callback(self._flush)
        self.frame_count = 0

    def add(self, image: Image.Image) -> None:
        frame: Any = av.VideoFrame
        self._container.mux(self._stream.encode(frame.from_image(image)))
        self.frame_count += 1

    def _flush(self) -> None:
        self._container.mux(self._stream.encode())


def main(arguments: list[str]) -> None:
    folder, scene, aspect_ratio, seconds, short_side, fps, max_seconds = arguments
    os.nice(_NICENESS)
    style = ClipStyle(short_side=int(short_side), fps=int(fps), max_seconds=float(max_seconds))
    render_clip(ClipKey(scene, aspect_ratio, int(seconds)), style, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
