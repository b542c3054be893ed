"""A whole file passes; a file cut anywhere never does."""

import contextlib
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lumaboard.media.container import BrokenContainer, verify_container
from tests.media.samples import encoded, make_video, moving, quarters

VIDEOS = {
    "plain.mp4": {},
    "faststart.mp4": {"muxer": {"movflags": "faststart"}},
    "fragmented.mp4": {"muxer": {"movflags": "frag_keyframe+empty_moov"}},
    "sound.mp4": {"audio": True},
    "vp8.webm": {"codec": "libvpx"},
    "vp9_sound.webm": {"codec": "libvpx-vp9", "audio": True},
}
_thumbnail = encoded(quarters(32, 24), "JPEG")
_exif = b"Exif\0\0" + _thumbnail
PICTURES = {
    "plain.jpg": encoded(quarters(320, 200), "JPEG"),
    "progressive.jpg": encoded(Image.effect_noise((320, 200), 90), "JPEG", progressive=True, quality=95),
    "thumbnail.jpg": encoded(quarters(320, 200), "JPEG", exif=_exif),
    "restarts.jpg": encoded(Image.effect_noise((320, 200), 90), "JPEG", restart_marker_rows=1),
    "plain.png": encoded(Image.effect_noise((80, 60), 90), "PNG"),
    "lossy.webp": encoded(quarters(120, 80), "WEBP"),
    "lossless.webp": encoded(Image.effect_noise((61, 43), 90).convert("RGB"), "WEBP", lossless=True),
    "animated.webp": encoded(quarters(64, 64), "WEBP", save_all=True, append_images=list(moving(64, 64, 4))),
}
NAMES = [*VIDEOS, *PICTURES]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Every sample's bytes, by name."""
    folder = tmp_path_factory.mktemp("whole")
    videos = {name: make_video(folder / name, **options).read_bytes() for name, options in VIDEOS.items()}
    return {**videos, **PICTURES}


@pytest.fixture
def verify(tmp_path):
    def check(data, **options):
        path = tmp_path / "file"
        path.write_bytes(data)
        verify_container(path, **options)

    return check


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_file_passes(whole, verify, name):
    verify(whole[name])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(whole, verify, name, data):
    content = whole[name]
    length = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(BrokenContainer):
        verify(content[:length])
    with pytest.raises(BrokenContainer):
        verify(content[:length], length_known=name != "fragmented.mp4")


@pytest.mark.parametrize("name", ["plain.mp4", "faststart.mp4", "vp8.webm", "plain.jpg", "plain.png", "lossy.webp"])
def test_a_short_file_is_refused_at_every_single_length(whole, verify, name):
    content = whole[name]
    for length in range(len(content)):
        with pytest.raises(BrokenContainer):
            verify(content[:length])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_passes_but_is_never_another_error(whole, verify, name, data):
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BrokenContainer):
        verify(bytes(content))


def test_a_damaged_png_is_noticed_by_its_checksums(whole, verify):
    content = bytearray(whole["plain.png"])
    content[len(content) // 2] ^= 1
    with pytest.raises(BrokenContainer, match="checksum"):
        verify(bytes(content))


def test_a_cut_is_noticed_in_an_mp4_whose_last_box_leaves_its_size_open(whole, verify):
    content = bytearray(whole["faststart.mp4"])
    start = content.index(b"mdat") - 4
    content[start : start + 4] = bytes(4)
    verify(bytes(content))
    with pytest.raises(BrokenContainer):
        verify(bytes(content[:-1]))


def test_an_mp4_with_64_bit_sizes_passes_and_its_cut_is_refused(whole, verify):
    content = whole["plain.mp4"]
    start = content.index(b"mdat") - 4
    assert content[start - 8 : start - 4] == struct.pack(">I", 8), "the muxer leaves room for a 64-bit size"
    (size,) = struct.unpack_from(">I", content, start)
    large = content[: start - 8] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + content[start + 8 :]
    verify(large)
    with pytest.raises(BrokenContainer):
        verify(large[:-1])


def test_a_file_that_cannot_prove_its_end_passes_when_the_length_was_kept(whole, verify):
    trailing = whole["plain.jpg"] + b"\n"
    with pytest.raises(BrokenContainer, match="follow"):
        verify(trailing)
    verify(trailing, length_known=True)

    fragmented = whole["fragmented.mp4"]
    without_index = fragmented[: fragmented.rindex(b"mfra") - 4]
    with pytest.raises(BrokenContainer, match="where it ends"):
        verify(without_index)
    verify(without_index, length_known=True)


def test_a_live_webm_needs_a_kept_length(tmp_path, verify):
    live = make_video(tmp_path / "live.webm", codec="libvpx", muxer={"live": "1"}).read_bytes()
    with pytest.raises(BrokenContainer, match="where it ends"):
        verify(live)
    verify(live, length_known=True)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\x00\x00\x00\x18ftypisom", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_not_media_or_holds_nothing_is_refused(verify, data):
    with pytest.raises(BrokenContainer):
        verify(data, length_known=True)


def test_boxes_inside_boxes_without_end_do_not_exhaust_the_stack(whole, verify):
    depth = 50_000
    nested = b"".join(struct.pack(">I4s", 8 * (depth - level), b"moov") for level in range(depth))
    ftyp = whole["plain.mp4"][:32]
    with pytest.raises(BrokenContainer):
        verify(ftyp + nested)
