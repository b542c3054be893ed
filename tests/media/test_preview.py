"""The renditions outsiders may watch, had from the outside: through the process that makes them."""

import random
import sys
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from lumaboard.media.container import verify_container
from lumaboard.media.errors import MediaRefused, MediaTimeout, MediaUnreadable
from lumaboard.media.mark import LONGEST_NAME, mark_for, marked
from lumaboard.media.preview import LONG_SIDE
from lumaboard.media.social import MOST_BYTES, SIZE
from lumaboard.media.worker import inspect, make_preview, make_social, probe, run_confined
from tests.media.samples import BLUE, GREEN, RED, YELLOW, encoded, make_video, moving, quarters

NAME = "Northlight"


@pytest.fixture
def out_dir(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def preview_of(path, out_dir, **options):
    """The preview's file and its facts."""
    made = make_preview(path, out_dir=out_dir, mark=NAME, timeout=60, **options)
    (file,) = made.files
    assert file.role == "preview"
    assert (file.width, file.height) == (made.facts.width, made.facts.height)
    assert file.path.stat().st_size == file.size_bytes
    return file.path, made.facts


def frames_of(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_image()) for frame in container.decode(video=0)]


def difference(one, other):
    """How far two pictures are from each other, on average, of 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def mark_box(size):
    mark = mark_for(size, NAME)
    return mark.x, mark.y, mark.x + mark.badge.width, mark.y + mark.badge.height


def assert_marked_only_in_its_corner(raw, shown):
    """The badge is there; beside it nothing differs by more than an encoder's doing."""
    box = mark_box(shown.size)
    assert box[0] > shown.width / 3
    assert box[1] > shown.height / 2
    assert difference(raw.crop(box), shown.crop(box)) > 25
    hidden = [picture.copy() for picture in (raw, shown)]
    for picture in hidden:
        picture.paste("black", box)
    assert difference(*hidden) < 6


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (336, 144)])
def test_every_frame_bears_the_mark_and_is_else_what_it_was(tmp_path, out_dir, size):
    clip = make_video(tmp_path / "clip.mp4", moving(*size, 36))
    path, facts = preview_of(clip, out_dir)
    assert (facts.content_type, facts.codec, facts.has_audio) == ("video/mp4", "h264", False)
    assert (facts.width, facts.height, facts.frame_rate) == (*size, 24.0)
    raw, shown = frames_of(clip), frames_of(path)
    assert [time for time, _ in shown] == pytest.approx([time for time, _ in raw], abs=0.001)
    for (_, before), (_, after) in zip(raw, shown, strict=True):
        assert_marked_only_in_its_corner(before, after)


def test_it_lasts_as_long_as_the_film_and_keeps_its_sound(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4", moving(96, 64, 36), audio=True)
    path, facts = preview_of(clip, out_dir)
    assert facts.has_audio
    assert facts.duration_s == pytest.approx(probe(clip).duration_s, abs=1 / 24)
    with av.open(str(path)) as container:
        (sound,) = container.streams.audio
        assert sound.codec_context.name == "aac"
        assert float(sound.duration * sound.time_base) == pytest.approx(1.5, abs=0.05)


def test_it_can_be_played_before_it_is_there_as_a_whole(tmp_path, out_dir):
    path, _ = preview_of(make_video(tmp_path / "clip.mp4", moving(96, 64, 100)), out_dir)
    body = path.read_bytes()
    assert body.index(b"moov") < body.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.pix_fmt, stream.codec_context.profile) == ("yuv420p", "Main")
        keys = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.is_keyframe]
    assert keys[:2] == [0, 2]
    verify_container(path)


@pytest.mark.parametrize(
    ("size", "shown"),
    [((2560, 1440), (LONG_SIDE, 720)), ((720, 2560), (360, LONG_SIDE)), ((2520, 1080), (LONG_SIDE, 548))],
)
def test_a_large_film_is_made_smaller_in_its_proportions(tmp_path, out_dir, size, shown):
    _, facts = preview_of(make_video(tmp_path / "clip.mp4", [quarters(*size)] * 2), out_dir)
    assert (facts.width, facts.height) == shown


def test_odd_sizes_become_even(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.webm", moving(101, 75, 6), codec="libvpx")
    _, facts = preview_of(clip, out_dir)
    assert (facts.width, facts.height) == (100, 74)
    assert facts.content_type == "video/mp4"


def test_a_tiny_film_is_marked_all_the_same(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4", [Image.new("RGB", (32, 16), "red")] * 3)
    path, _ = preview_of(clip, out_dir)
    assert max(ImageStat.Stat(frames_of(path)[0][1]).stddev) > 10


@pytest.mark.parametrize(
    ("rotation", "size", "expected"),
    [
        (90, (64, 96), [GREEN, YELLOW, RED]),
        (180, (96, 64), [YELLOW, BLUE, GREEN]),
        (-90, (64, 96), [BLUE, RED, YELLOW]),
    ],
)
def test_a_turned_film_is_upright_without_being_told_so(tmp_path, out_dir, rotation, size, expected):
    path, _ = preview_of(make_video(tmp_path / "clip.mp4", [quarters(96, 64)] * 3, rotation=rotation), out_dir)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation == 0
        picture = frame.to_image()
    assert picture.size == size
    corners = [(8, 8), (picture.width - 8, 8), (8, picture.height - 8)]  # the fourth has the mark
    for at, colour in zip(corners, expected, strict=True):
        assert picture.getpixel(at) == pytest.approx(colour, abs=60)


def encode(path, pictures, *, pix_fmt="yuv420p", codec="libx264", times=None, **settings):
    """A film of any pixel format, with frames at any time, in ticks of 1/1000 s."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture).reformat(format=pix_fmt)
            frame.pts, frame.time_base = times[index] if times else index * 1000 // 24, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv444p", "yuv422p"])
def test_pixel_formats_that_browsers_cannot_play_become_one_they_can(tmp_path, out_dir, pix_fmt):
    clip = encode(tmp_path / "clip.mp4", list(moving(192, 108, 6)), pix_fmt=pix_fmt)
    path, _ = preview_of(clip, out_dir)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert_marked_only_in_its_corner(frames_of(clip)[0][1], frames_of(path)[0][1])


def test_film_for_hdr_screens_is_shown_on_any(tmp_path, out_dir):
    pq, bt2020 = 16, 9
    clip = encode(
        tmp_path / "clip.mp4",
        list(moving(192, 108, 6)),
        pix_fmt="yuv420p10le",
        color_trc=pq,
        color_primaries=bt2020,
        colorspace=bt2020,
    )
    path, _ = preview_of(clip, out_dir)
    assert frames_of(path)[0][1].getpixel((20, 20)) == pytest.approx(RED, abs=80)


def test_uneven_times_stay_as_they_were(tmp_path, out_dir):
    times = [0, 40, 200, 210, 700, 1000]
    clip = encode(tmp_path / "clip.mp4", list(moving(64, 48, len(times))), times=times)
    path, _ = preview_of(clip, out_dir)
    assert [time for time, _ in frames_of(path)] == pytest.approx([at / 1000 for at in times], abs=0.002)


def test_a_film_that_begins_late_begins_at_once(tmp_path, out_dir):
    clip = encode(tmp_path / "clip.webm", list(moving(64, 48, 24)), codec="libvpx", times=range(5000, 6000, 41))
    path, facts = preview_of(clip, out_dir)
    assert frames_of(path)[0][0] == pytest.approx(0, abs=0.001)
    assert facts.duration_s == pytest.approx(1.0, abs=1 / 24)


def test_a_film_that_changes_its_shape_midway_keeps_the_one_it_began_with(tmp_path, out_dir):
    parts = [
        make_video(tmp_path / f"{size[0]}.webm", moving(*size, 12), codec="libvpx") for size in ((96, 64), (160, 80))
    ]
    clip = tmp_path / "clip.webm"
    with av.open(str(clip), "w") as target:
        stream, offset = None, 0
        for part in parts:
            with av.open(str(part)) as source:
                stream = stream or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(source.streams.video[0]):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                        target.mux(packet)
            offset += 500
    path, facts = preview_of(clip, out_dir)
    assert (facts.width, facts.height) == (96, 64)
    shown = frames_of(path)
    assert len(shown) == 24
    for _, picture in (shown[2], shown[-2]):
        assert picture.getpixel((8, 8)) == pytest.approx(RED, abs=60)
        assert difference(picture.crop(mark_box((96, 64))), quarters(96, 64).crop(mark_box((96, 64)))) > 25


def test_what_is_written_into_the_film_beside_its_pictures_is_not_passed_on(tmp_path, out_dir):
    clip = tmp_path / "clip.mp4"
    make_video(tmp_path / "plain.mp4")
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(clip), "w") as target:
        target.metadata["comment"] = "prompt: a secret campaign"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert b"secret campaign" in clip.read_bytes()
    path, _ = preview_of(clip, out_dir)
    assert b"secret campaign" not in path.read_bytes()


@pytest.mark.parametrize("encoder", ["JPEG", "PNG", "WEBP"])
def test_of_a_picture_a_marked_picture_is_made(tmp_path, out_dir, encoder):
    large = quarters(1600, 900)
    (tmp_path / "still").write_bytes(encoded(large, encoder))
    path, facts = preview_of(tmp_path / "still", out_dir)
    assert (facts.kind, facts.content_type, facts.width, facts.height) == ("image", "image/jpeg", LONG_SIDE, 720)
    with Image.open(path) as shown:
        assert_marked_only_in_its_corner(large.resize(shown.size), shown.convert("RGB"))


def test_a_damaged_film_is_unreadable_and_leaves_nothing_that_looks_finished(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4", moving(320, 180, 48))
    body = clip.read_bytes()
    start, end = body.index(b"mdat") + 4, body.index(b"moov") - 4
    clip.write_bytes(body[:start] + random.Random(3).randbytes(end - start) + body[end:])
    with pytest.raises(MediaUnreadable, match=r"cannot be decoded|holds no frame"):
        preview_of(clip, out_dir)
    assert not (out_dir / "preview.mp4").exists()


def test_what_is_not_media_gets_no_preview(tmp_path, out_dir):
    (tmp_path / "page").write_bytes(b"<!doctype html><h1>Forbidden</h1>")
    with pytest.raises(MediaRefused):
        preview_of(tmp_path / "page", out_dir)


def test_a_preview_that_takes_too_long_is_given_up(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4")
    with pytest.raises(MediaTimeout):
        make_preview(clip, out_dir=out_dir, mark=NAME, timeout=0.01)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("漢字", "Preview"),
        ("مرحبا", "Preview"),
        ("  \n ", "Preview"),
        ("North\u0000light\u202e", "Preview"),
        (" North  light", "North light"),
        ("x" * (LONGEST_NAME + 1), "x" * (LONGEST_NAME - 1) + "…"),
    ],
)
def test_names_that_cannot_be_drawn_are_replaced_and_long_ones_cut(name, like):
    assert mark_for((640, 360), name).badge.tobytes() == mark_for((640, 360), like).badge.tobytes()


def test_names_in_several_alphabets_are_drawn():
    badges = [mark_for((640, 360), name).badge for name in ("Łódź Ёлка", "Łódź", "Ёлка", "Preview")]
    assert len({badge.tobytes() for badge in badges}) == 4
    assert badges[0].width > badges[1].width


@pytest.mark.parametrize("ground", ["white", "black", "grey"])
def test_the_mark_can_be_read_on_any_ground(ground):
    box = mark_box((640, 360))
    badge = marked(Image.new("RGB", (640, 360), ground), NAME).crop(box).convert("L")
    letters, behind = badge.getextrema()[1], sorted(badge.tobytes())[badge.width * badge.height // 2]
    assert (letters + 12.75) / (behind + 12.75) > 1.9  # by brightness as stored, which is far more of light


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1680, 720), (512, 512), (40, 30)])
def test_the_picture_for_chats_has_the_size_they_want_whatever_the_film(tmp_path, out_dir, size):
    noisy = Image.effect_noise(size, 90).convert("RGB")
    (tmp_path / "poster").write_bytes(encoded(noisy, "JPEG", quality=95))
    made = make_social(tmp_path / "poster", out_dir=out_dir, mark=NAME, is_film=True)
    social, still = made.file("social"), made.file("still")
    assert (social.width, social.height, social.content_type) == (*SIZE, "image/jpeg")
    assert social.size_bytes <= MOST_BYTES
    assert max(still.width, still.height) == min(LONG_SIDE, max(size))
    with Image.open(social.path) as picture:
        assert picture.size == SIZE


def test_the_picture_for_chats_says_by_a_sign_that_it_is_a_film(tmp_path, out_dir):
    (tmp_path / "poster").write_bytes(encoded(Image.new("RGB", (1280, 720), "red"), "JPEG"))
    seen = {}
    for is_film in (True, False):
        made = make_social(tmp_path / "poster", out_dir=out_dir, mark=NAME, is_film=is_film)
        with Image.open(made.file("social").path) as picture:
            seen[is_film] = picture.getpixel((SIZE[0] // 2, SIZE[1] // 2))
    assert min(seen[True]) > 200
    assert max(seen[False][1:]) < 60


def test_both_stills_for_outsiders_are_marked(tmp_path, out_dir):
    portrait = quarters(720, 1280)
    (tmp_path / "poster").write_bytes(encoded(portrait, "PNG"))
    made = make_social(tmp_path / "poster", out_dir=out_dir, mark=NAME, is_film=False)
    with Image.open(made.file("still").path) as still:
        assert_marked_only_in_its_corner(portrait, still.convert("RGB"))
    with Image.open(made.file("social").path) as social:
        shown = portrait.resize((354, SIZE[1]))
        left = (SIZE[0] - shown.width) // 2
        assert_marked_only_in_its_corner(shown, social.convert("RGB").crop((left, 0, left + shown.width, SIZE[1])))


def test_the_stills_for_outsiders_come_with_the_others_where_a_name_is_given(tmp_path, out_dir):
    inspection = inspect(make_video(tmp_path / "clip.mp4"), out_dir=out_dir, mark=NAME)
    assert [made.role for made in inspection.files] == ["poster", "card", "still", "social", "sprite"]


def test_somebody_can_look_in_while_a_process_works_and_end_it():
    class Enough(Exception):
        pass

    def look_in():
        raise Enough

    with pytest.raises(Enough):
        run_confined([sys.executable, "-c", "import time; time.sleep(60)"], timeout=60, while_waiting=look_in)


def test_times_only_ever_grow(tmp_path, out_dir):
    clip = make_video(tmp_path / "clip.mp4", moving(64, 48, 50), audio=True)
    path, _ = preview_of(clip, out_dir)
    with av.open(str(path)) as container:
        for stream in container.streams:
            times = [packet.dts for packet in container.demux(stream) if packet.dts is not None]
            container.seek(0)
            assert all(earlier < later for earlier, later in pairwise(times))
