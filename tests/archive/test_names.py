from __future__ import annotations

import pytest

from lumaboard.archive.names import STORED_NAME, download_name, stored_name

SHA256 = "ab" * 32


def test_a_stored_name_is_made_of_the_workspace_and_the_hash_alone() -> None:
    name = stored_name(7, SHA256, "mp4")
    assert name == f"7/ab/{SHA256}.mp4"
    assert STORED_NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        f"../7/ab/{SHA256}.mp4",
        f"7/cd/{SHA256}.mp4",
        f"/7/ab/{SHA256}.mp4",
        f"7/ab/{SHA256}.mp4\n",
        f"7/ab/{SHA256}",
        f"7/ab/{SHA256.upper()}.mp4",
        "",
    ],
)
def test_what_we_never_named_is_no_stored_name(name: str) -> None:
    assert not STORED_NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Golden hour over open water", "Golden-hour-over-open-water_1a2b3c4d_raw.mp4"),
        ("", "generation_1a2b3c4d_raw.mp4"),
        ("🦊🦊", "generation_1a2b3c4d_raw.mp4"),
        ("a\x00b 🦊 c", "a-b-c_1a2b3c4d_raw.mp4"),
        ("../../etc/passwd", "etc-passwd_1a2b3c4d_raw.mp4"),
        ('CON: "x" <y> | z?*\\', "CON-x-y-z_1a2b3c4d_raw.mp4"),
        ("left \u202egpj.exe", "left-gpj-exe_1a2b3c4d_raw.mp4"),
        ("Füchse im Schnee — 雪の狐", "Füchse-im-Schnee-雪の狐_1a2b3c4d_raw.mp4"),
        ("line\r\nbreak\ud800", "line-break_1a2b3c4d_raw.mp4"),
    ],
)
def test_a_download_is_named_after_what_a_person_knows(title: str, expected: str) -> None:
    assert download_name(title=title, task_id="1a2b3c4d-5e6f", role="raw", extension="mp4") == expected


def test_a_long_prompt_makes_a_short_file_name() -> None:
    name = download_name(title="雪" * 5000, task_id="x" * 191, role="last_frame", extension="jpg")
    assert len(name.encode()) < 255
    assert name.endswith("_last-frame.jpg")
