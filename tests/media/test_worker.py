"""Facts and stills, had from the outside: through the process that makes them."""

import random
import signal
import struct
import sys
import zlib

import pytest
from PIL import Image, ImageCms

from lumaboard.media.errors import MediaCrashed, MediaError, MediaRefused, MediaTimeout, MediaUnreadable
from lumaboard.media.facts import Inspection
from lumaboard.media.stills import CARD_WIDTH, SPRITE_FRAME_WIDTH, SPRITE_FRAMES
from lumaboard.media.worker import inspect, probe, run_confined
from tests.media.samples import BLUE, GREEN, RED, YELLOW, encoded, make_video, moving, quarters


@pytest.fixture
def out_dir(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def corners(picture):
    """The colours near the four corners, left to right and down."""
    right, bottom = picture.width - picture.width // 6, picture.height - picture.height // 6
    left, top = picture.width // 6, picture.height // 6
    return [picture.convert("RGB").getpixel(at) for at in ((left, top), (right, top), (left, bottom), (right, bottom))]


def looks_like(seen, expected):
    """The same colours, give or take what a codec does to them."""
    return all(
        abs(a - b) < 60 for one, other in zip(seen, expected, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_a_video_is_probed(tmp_path):
    facts = probe(make_video(tmp_path / "clip.mp4", moving(96, 64, 36), audio=True))
    assert (facts.kind, facts.content_type, facts.codec) == ("video", "video/mp4", "h264")
    assert (facts.width, facts.height, facts.frame_rate, facts.has_audio) == (96, 64, 24.0, True)
    assert facts.duration_s == pytest.approx(1.5, abs=0.05)


def test_a_picture_is_probed(tmp_path):
    (tmp_path / "still").write_bytes(encoded(quarters(90, 60), "PNG"))
    facts = probe(tmp_path / "still")
    assert (facts.kind, facts.content_type, facts.width, facts.height) == ("image", "image/png", 90, 60)
    assert facts.duration_s is None


def test_a_video_gets_poster_card_and_sprite(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4", moving(1280, 720, 24))
    inspection = inspect(clip, out_dir=out_dir)
    sizes = {"poster": (1280, 720), "card": (CARD_WIDTH, 360), "sprite": (SPRITE_FRAMES * SPRITE_FRAME_WIDTH, 90)}
    assert [made.role for made in inspection.files] == list(sizes)
    for made in inspection.files:
        with Image.open(made.path) as picture:
            assert picture.size == (made.width, made.height) == sizes[made.role]
            assert picture.get_format_mimetype() == made.content_type
        assert made.path.stat().st_size == made.size_bytes
    assert sorted(path.name for path in out_dir.iterdir()) == ["card.webp", "poster.jpg", "sprite.webp"]


def test_the_sprite_runs_from_the_beginning_to_the_end(tmp_path, out_dir):
    shades = [Image.new("RGB", (160, 96), (level, level, level)) for level in range(16, 232, 9)]
    inspection = inspect(make_video(tmp_path / "clip.mp4", shades), out_dir=out_dir)
    with Image.open(inspection.file("sprite").path) as strip:
        step = strip.width // SPRITE_FRAMES
        levels = [strip.convert("L").getpixel((index * step + step // 2, 40)) for index in range(SPRITE_FRAMES)]
    assert levels == sorted(set(levels))
    assert levels[0] < 40
    assert levels[-1] > 200


def test_a_sprite_can_be_left_out(tmp_path, out_dir):
    inspection = inspect(make_video(tmp_path / "clip.webm", codec="libvpx"), out_dir=out_dir, want_sprite=False)
    assert [made.role for made in inspection.files] == ["poster", "card"]
    assert inspection.facts.content_type == "video/webm"


def test_a_long_video_gets_its_sprite_from_key_frames(tmp_path, out_dir):
    clip = make_video(tmp_path / "long.mp4", moving(32, 32, 24 * 61))
    assert inspect(clip, out_dir=out_dir).file("sprite").width == SPRITE_FRAMES * 32


def test_the_poster_is_the_first_frame_that_shows_something(tmp_path, out_dir):
    black = [Image.new("RGB", (96, 64))] * 12
    clip = make_video(tmp_path / "clip.mp4", [*black, *[quarters(96, 64)] * 12])
    with Image.open(inspect(clip, out_dir=out_dir).file("poster").path) as poster:
        assert looks_like(corners(poster), [RED, GREEN, BLUE, YELLOW])


def test_the_poster_can_be_taken_from_a_given_second(tmp_path, out_dir):
    blue = [Image.new("RGB", (96, 64), BLUE)] * 12
    clip = make_video(tmp_path / "clip.mp4", [*[quarters(96, 64)] * 12, *blue])
    for second in (0.75, 30.0):
        with Image.open(inspect(clip, out_dir=out_dir, poster_at=second).file("poster").path) as poster:
            assert looks_like(corners(poster), [BLUE] * 4)


@pytest.mark.parametrize(
    ("rotation", "size", "expected"),
    [
        (90, (64, 96), [GREEN, YELLOW, RED, BLUE]),
        (180, (96, 64), [YELLOW, BLUE, GREEN, RED]),
        (-90, (64, 96), [BLUE, RED, YELLOW, GREEN]),
    ],
)
def test_a_turned_video_is_shown_upright(tmp_path, out_dir, rotation, size, expected):
    clip = make_video(tmp_path / "clip.mp4", [quarters(96, 64)] * 3, rotation=rotation)
    inspection = inspect(clip, out_dir=out_dir)
    assert (inspection.facts.width, inspection.facts.height) == size
    with Image.open(inspection.file("poster").path) as poster:
        assert poster.size == size
        assert looks_like(corners(poster), expected)


def test_a_turned_photograph_is_shown_upright(tmp_path, out_dir):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned: show it a quarter clockwise
    (tmp_path / "photo").write_bytes(encoded(quarters(96, 64), "JPEG", exif=exif, quality=95))
    inspection = inspect(tmp_path / "photo", out_dir=out_dir)
    assert (inspection.facts.width, inspection.facts.height) == (64, 96)
    with Image.open(inspection.file("poster").path) as poster:
        assert looks_like(corners(poster), [BLUE, RED, YELLOW, GREEN])
        assert not poster.getexif(), "where and with what it was taken is not passed on"


def test_a_transparent_picture_stands_on_white(tmp_path, out_dir):
    (tmp_path / "logo").write_bytes(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "WEBP", lossless=True))
    with Image.open(inspect(tmp_path / "logo", out_dir=out_dir).file("poster").path) as poster:
        assert looks_like(corners(poster), [(255, 255, 255)] * 4)


def test_a_colour_profile_is_kept_only_where_it_still_fits(tmp_path, out_dir):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode, kept in (("RGB", profile), ("CMYK", None)):
        (tmp_path / "photo").write_bytes(encoded(quarters(32, 32).convert(mode), "JPEG", icc_profile=profile))
        with Image.open(inspect(tmp_path / "photo", out_dir=out_dir).file("poster").path) as poster:
            assert poster.info.get("icc_profile") == kept


def png_claiming(width, height):
    """A picture of some bytes whose header promises far more."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 10), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path, out_dir, size):
    (tmp_path / "bomb").write_bytes(png_claiming(*size))
    with pytest.raises(MediaRefused, match="too large"):
        inspect(tmp_path / "bomb", out_dir=out_dir)


def test_what_is_not_media_is_refused(tmp_path, out_dir):
    (tmp_path / "page").write_bytes(b"<!doctype html><h1>Forbidden</h1>")
    with pytest.raises(MediaRefused):
        inspect(tmp_path / "page", out_dir=out_dir)
    (tmp_path / "list").write_bytes(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(MediaRefused):
        inspect(tmp_path / "list", out_dir=out_dir)


@pytest.mark.parametrize(
    "magic", [b"\x00\x00\x00\x18ftypisom", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x01\x00\x00WEBP"]
)
def test_noise_behind_the_right_magic_is_unreadable_and_leaves_nothing(tmp_path, out_dir, magic):
    (tmp_path / "noise").write_bytes(magic + random.Random(7).randbytes(5000))
    with pytest.raises(MediaUnreadable) as caught:
        inspect(tmp_path / "noise", out_dir=out_dir)
    assert str(tmp_path) not in caught.value.reason
    assert list(out_dir.iterdir()) == []


def test_a_codec_nobody_knows_is_unreadable(tmp_path):
    clip = make_video(tmp_path / "clip.mp4")
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(MediaUnreadable):
        probe(clip)


def test_metadata_in_an_odd_encoding_is_no_obstacle(tmp_path):
    clip = make_video(tmp_path / "clip.mp4")
    content = clip.read_bytes()
    assert b"VideoHandler" in content
    clip.write_bytes(content.replace(b"VideoHandler", b"Vid\xe9oHandler"))
    assert probe(clip).codec == "h264"


def test_a_file_that_takes_too_long_is_given_up(tmp_path, out_dir):
    with pytest.raises(MediaTimeout, match=r"0\.01 seconds"):
        inspect(make_video(tmp_path / "clip.mp4"), out_dir=out_dir, timeout=0.01)


def run_python(code, **options):
    return run_confined([sys.executable, "-c", code], **{"timeout": 30.0, **options})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", MediaCrashed),
        ("import os; os.abort()", MediaCrashed),
        ("raise RuntimeError('a bug')", MediaCrashed),
        ("raise SystemExit(3)", MediaRefused),
        ("raise SystemExit(4)", MediaUnreadable),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", MediaTimeout),
    ],
)
def test_every_way_a_media_process_can_end_has_its_error(code, error):
    with pytest.raises(error) as caught:
        run_python(code)
    assert isinstance(caught.value, MediaError)
    assert caught.value.reason


def test_a_crash_keeps_what_the_process_said_for_the_log():
    with pytest.raises(MediaCrashed) as caught:
        run_python("raise RuntimeError('a bug')")
    assert "a bug" in caught.value.detail


def test_a_media_process_sees_none_of_our_settings(monkeypatch):
    monkeypatch.setenv("LUMABOARD_SECRET_KEY", "planted")
    assert b"planted" not in run_python("import os; print(dict(os.environ))")


def test_a_confined_process_is_ended_at_its_deadline_though_nobody_waits_for_it():
    code = "from lumaboard.media import limits; limits.confine(seconds=-1.8); import time; time.sleep(20)"
    with pytest.raises(MediaTimeout):
        run_python(code)


def test_a_confined_process_cannot_write_without_end(tmp_path):
    code = (
        "from lumaboard.media import limits; limits.confine(seconds=20)\n"
        f"file = open({str(tmp_path / 'large')!r}, 'wb')\n"
        "while True: file.write(bytes(1 << 20))"
    )
    with pytest.raises(MediaCrashed) as caught:
        run_python(code)
    assert "File too large" in caught.value.detail or str(int(signal.SIGXFSZ)) in caught.value.reason


def test_an_inspection_survives_its_way_between_processes(tmp_path, out_dir):
    inspection = inspect(make_video(tmp_path / "clip.mp4"), out_dir=out_dir)
    assert Inspection.from_json(inspection.as_json()) == inspection


@pytest.mark.parametrize(
    "change",
    [{"width": 0}, {"width": "64"}, {"kind": "page"}, {"duration_s": float("nan")}, {"codec": None}, {"height": True}],
)
def test_facts_that_make_no_sense_are_not_believed(tmp_path, out_dir, change):
    document = inspect(make_video(tmp_path / "clip.mp4"), out_dir=out_dir).as_json()
    document["facts"].update(change)
    with pytest.raises((TypeError, ValueError)):
        Inspection.from_json(document)
