"""Links, ranges and the files themselves."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from lumaboard.simulator import Simulator
from lumaboard.simulator.scenes import SCENES
from tests.simulator.tools import Asker, Clock, fetch


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def saved(url: str, path: Path) -> Path:
    path.write_bytes(fetch(url).content)
    return path


def test_the_video_is_what_it_says(asker: Asker, tmp_path: Path) -> None:
    answer = asker.settled("seen-legacy-scene-spheres")
    path = saved(answer["video_raw"]["url"], tmp_path / "raw.mp4")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 12)
        assert (stream.width, stream.height) == (answer["video_raw"]["width"], answer["video_raw"]["height"])
        assert container.duration == pytest.approx(1_000_000, abs=90_000)
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    frames = frames_of(path)
    assert len(frames) == 12
    assert difference(frames[0], frames[5]) > 0.5


def test_raw_and_watermarked_look_different_and_stills_are_the_ends(asker: Asker, tmp_path: Path) -> None:
    answer = asker.settled("marked-legacy-scene-spheres")
    raw = frames_of(saved(answer["video_raw"]["url"], tmp_path / "raw.mp4"))
    marked = frames_of(saved(answer["video"]["url"], tmp_path / "watermarked.mp4"))
    corner = (raw[0].width * 6 // 10, raw[0].height * 8 // 10, raw[0].width, raw[0].height)
    assert difference(raw[0].crop(corner), marked[0].crop(corner)) > 20
    first = Image.open(saved(answer["thumbnail"]["url"], tmp_path / "first.jpg"))
    last = Image.open(saved(answer["last_frame"]["url"], tmp_path / "last.jpg"))
    assert first.format == last.format == "JPEG"
    assert difference(first.convert("RGB"), raw[0]) < difference(first.convert("RGB"), raw[6])
    assert difference(last.convert("RGB"), raw[-1]) < difference(last.convert("RGB"), raw[5])


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_renders_and_moves(asker: Asker, tmp_path: Path, scene: str) -> None:
    answer = asker.settled(f"moving-official-scene-{scene}")
    frames = frames_of(saved(answer["assets"]["video"], tmp_path / "raw.mp4"))
    assert len(frames) == 12
    assert difference(frames[0], frames[4]) > 0.5
    assert max(ImageStat.Stat(frames[0]).stddev) > 8


def test_a_link_dies_when_it_says_and_asking_again_signs_anew(
    make_simulator: Callable[..., Simulator], clock: Clock
) -> None:
    with Asker(make_simulator(link_seconds=300).url, clock) as asker:
        link = asker.settled("expiring-official-scene-spheres")["assets"]["image"]
        assert "X-Amz-Expires=300" in link
        clock.advance(299)
        assert fetch(link).status_code == 200
        clock.advance(2)
        refused = fetch(link)
        assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/xml")
        assert b"<Code>AccessDenied</Code>" in refused.content
        assert fetch(asker.poll("expiring-official-scene-spheres").json()["assets"]["image"]).status_code == 200


def test_a_link_cannot_be_made_up(asker: Asker) -> None:
    link = asker.settled("forged-official-scene-spheres")["assets"]["video"]
    for forged in (
        link.partition("?")[0],
        link.replace("Expires=3600", "Expires=36000"),
        link.replace("forged", "others"),
        f"{link}0",
    ):
        assert fetch(forged).status_code == 403


def test_ranges_are_honoured(asker: Asker) -> None:
    link = asker.settled("ranged-official-scene-spheres")["assets"]["video"]
    whole = fetch(link)
    size = len(whole.content)
    assert (whole.headers["Content-Length"], whole.headers["Accept-Ranges"]) == (str(size), "bytes")
    for asked, span in (("0-1", (0, 2)), ("5-", (5, size)), ("-7", (size - 7, size)), (f"3-{size * 2}", (3, size))):
        part = fetch(link, Range=f"bytes={asked}")
        assert part.status_code == 206
        assert part.content == whole.content[slice(*span)]
        assert part.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/{size}"
    outside = fetch(link, Range=f"bytes={size}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert fetch(link, Range="bytes=9-3").status_code == 200
    etag = whole.headers["ETag"]
    assert fetch(link, Range="bytes=0-1", If_Range=etag).status_code == 206
    assert fetch(link, Range="bytes=0-1", If_Range='"old"').status_code == 200
    assert fetch(link, If_None_Match=etag).status_code == 304
    head = fetch(link, "HEAD")
    assert (head.headers["Content-Length"], head.content) == (str(size), b"")


def test_a_generation_can_wait_for_its_clip(
    tmp_path: Path, make_simulator: Callable[..., Simulator], clock: Clock
) -> None:
    simulator = make_simulator(data_dir=tmp_path / "fresh", waits_for_renders=True)
    with Asker(simulator.url, clock) as asker:
        assert asker.settled("waiting-official-scene-silk")["state"] == "dreaming"
        deadline = time.monotonic() + 60
        while asker.poll("waiting-official-scene-silk").json()["state"] == "dreaming" and time.monotonic() < deadline:
            time.sleep(0.05)
        answer = asker.poll("waiting-official-scene-silk").json()
    assert answer["state"] == "completed"
    assert simulator.library.renders == 1


def test_a_clip_many_ask_for_is_rendered_once(
    tmp_path: Path, make_simulator: Callable[..., Simulator], clock: Clock
) -> None:
    simulator = make_simulator(data_dir=tmp_path / "fresh", workers=2)
    with Asker(simulator.url, clock) as asker:
        link = asker.settled("crowded-official-scene-ridges")["assets"]["video"]
    answers: list[bytes] = []
    crowd = [threading.Thread(target=lambda: answers.append(fetch(link).content)) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert simulator.library.renders == 1
    assert not list((tmp_path / "fresh").rglob("*.part"))
