import pytest
from PIL import Image

from lumaboard.media.sniff import HEAD_BYTES, JPEG, MP4, PNG, WEBM, WEBP, sniff
from tests.media.samples import encoded, make_video, quarters


@pytest.mark.parametrize(("encoder", "expected"), [("JPEG", JPEG), ("PNG", PNG), ("WEBP", WEBP)])
def test_pictures_are_known_by_their_first_bytes(encoder, expected):
    assert sniff(encoded(quarters(16, 16), encoder)[:HEAD_BYTES]) == expected


def test_videos_are_known_by_their_first_bytes(tmp_path):
    assert sniff(make_video(tmp_path / "a.mp4").read_bytes()[:HEAD_BYTES]) == MP4
    assert sniff(make_video(tmp_path / "a.webm", codec="libvpx").read_bytes()[:HEAD_BYTES]) == WEBM


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<!doctype html><video src=clip.mp4>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?xml version='1.0'?>",
        b'{"error": "expired"}',
        b"#EXTM3U\n#EXT-X-VERSION:3",
        b"GIF89a",
        b"\x00\x00\x00\x1cftypavif",
        b"\x00\x00\x00\x1cftypheic",
        b"\x00\x00\x00\x14ftypqt  ",
        b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska",
        b"RIFF\x24\x00\x00\x00WAVE",
    ],
)
def test_everything_else_is_not_media(head):
    assert sniff(head) is None


def test_no_head_of_a_file_shorter_than_its_magic_is_media():
    whole = encoded(Image.new("RGB", (8, 8)), "WEBP")
    assert [sniff(whole[:length]) for length in range(12)] == [None] * 12
