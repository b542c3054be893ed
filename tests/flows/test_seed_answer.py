"""A provider's recorded answer with live links, through a CometAPI connection: every file is kept, byte for byte."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lumaboard.simulator.clips import FILES, ClipKey
from lumaboard.simulator.library import URGENT
from tests.browser import IN_CI
from tests.flows.stack import Stack, Team
from tests.flows.stand_in import StandIn

pytestmark = pytest.mark.browser
RECORDED = Path(__file__).parents[1] / "upstream" / "vectors" / "luma_legacy_completed.json"
NAMES = {"raw": "Raw", "watermarked": "Watermarked", "thumbnail": "First frame", "last_frame": "Last frame"}


@pytest.fixture
def upstream(stack: Stack) -> Iterator[StandIn]:
    """Serves four small playable files."""
    folder = stack.simulator.library.want(ClipKey("sea", "16:9", 5), URGENT).result(timeout=60)
    with StandIn() as upstream:
        upstream.files = {name: (folder / name).read_bytes() for name in FILES.values()}
        yield upstream


def recorded_answer(upstream: StandIn, task_id: str) -> dict[str, Any]:
    """The recorded answer as it stands; only its id and the hosts of its links are another's."""
    document: dict[str, Any] = json.loads(RECORDED.read_text())
    document["id"] = task_id
    query = "?" + document["video"]["download_url"].partition("?")[2].replace("20250301", "20990301")
    document["video"]["download_url"] = upstream.link(FILES["raw"], query)
    document["video"]["url"] = upstream.link(FILES["watermarked"])
    document["video_raw"]["url"] = upstream.link(FILES["raw"])
    document["thumbnail"]["url"] = upstream.link(FILES["thumbnail"])
    document["last_frame"]["url"] = upstream.link(FILES["last_frame"])
    return document


def test_the_seed_answer_through_a_cometapi_connection_ends_with_four_files_equal_to_the_served_ones(
    team: Team, upstream: StandIn, new_page: Callable[..., Page]
) -> None:
    task_id = str(uuid.uuid4())
    upstream.documents[task_id] = recorded_answer(upstream, task_id)
    page = new_page(team.alice)

    page.goto(f"{team.url}settings/connections/add/")
    page.get_by_label("CometAPI").check()
    page.get_by_label("API key").fill("sk-comet-7788")
    page.get_by_label("Name").fill("Client jobs")
    page.get_by_label("Address").fill(upstream.url)
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("heading", name="Client jobs")).to_be_visible()

    page.goto(f"{team.url}track/")
    page.get_by_label("Ids, links, curl lines, logs, JSON or CSV").fill(task_id)
    page.get_by_label("Ask through").select_option(label="Client jobs")
    page.get_by_role("button", name="Look what is in it").click()
    page.get_by_role("button", name="Track 1 generation").click()
    card = page.locator("article.card")
    expect(card).to_contain_text("A paper lighthouse blinking above a calm sea", timeout=20_000)
    expect(card).to_contain_text("Safe", timeout=40_000)
    assert upstream.keys == {"Bearer sk-comet-7788"}

    card.get_by_role("link").click()
    files = page.locator("#detail-files")
    for role, label in NAMES.items():
        with page.expect_download() as started:
            files.get_by_role("link", name=f"Download {label}").click(timeout=30_000)
        download = started.value
        kept = Path(download.path()).read_bytes()
        assert kept == upstream.files[FILES[role]], role
        assert "lighthouse" in download.suggested_filename
        assert download.suggested_filename.endswith(Path(FILES[role]).suffix)


@pytest.mark.skipif(shutil.which("curl") is None and not IN_CI, reason="curl resumes the download, and is not here")
def test_curl_resumes_a_cut_download_to_the_last_byte(team: Team, upstream: StandIn, tmp_path: Path) -> None:
    pk = team.track_a_safe_clip()
    url = f"{team.stack.url}/media/{team.slug}/{pk}/raw/download/"
    curl = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--cookie",
        f"session={team.alice.session}",
        "--max-time",
        "30",
    ]
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    subprocess.run([*curl, "--output", whole, url], check=True)
    cut.write_bytes(whole.read_bytes()[:1000])
    subprocess.run([*curl, "--continue-at", "-", "--output", cut, url], check=True)
    assert cut.read_bytes() == whole.read_bytes() == upstream.files["raw.mp4"]
