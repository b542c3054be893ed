"""What a preview costs: the processor's time for one film, beside the time the film plays."""

from __future__ import annotations

import resource
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from lumaboard.media.worker import make_preview
from lumaboard.simulator.clips import FILES, ClipKey, ClipStyle
from lumaboard.simulator.render import render_clip
from lumaboard.simulator.scenes import SCENES
from tests.bench.bench import Bench, say
from tests.bench.figures import Figure


def measure(bench: Bench) -> Figure:
    """Of a film as providers make them, 16:9 at 720p (smaller in the tiny mode)."""
    style = ClipStyle(short_side=bench.scale.preview_side, max_seconds=bench.scale.preview_seconds)
    folder = bench.folder / "film"
    render_clip(ClipKey(next(iter(SCENES)), "16:9", 9), style, folder)
    found = [_cost(folder / FILES["raw"]) for _ in range(bench.scale.rounds)]
    share, bytes_kept = median(share for share, _ in found), found[0][1]
    say(f"previews: {share:.2f} s of CPU for each second, {bytes_kept:.2f} of the film's bytes")
    return Figure(share, shown=f"{share:.2f}, {bytes_kept:.2f} of its bytes")


def _cost(film: Path) -> tuple[float, float]:
    before = _children_seconds()
    with TemporaryDirectory() as folder:
        made = make_preview(film, out_dir=Path(folder), mark="Northlight", timeout=300)
    (file,) = made.files
    duration = made.facts.duration_s or 0.0
    return (_children_seconds() - before) / duration, file.size_bytes / film.stat().st_size


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
