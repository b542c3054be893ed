"""The film plays and is sought in Firefox too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import IN_CI
from tests.flows.firefox import PATH, firefox
from tests.flows.stack import Team

pytestmark = pytest.mark.browser
PLAY = """
    const video = document.querySelector('video');
    const at = (name) => new Promise((met) => video.addEventListener(name, met, {once: true}));
    (async () => {
        video.muted = true;
        await video.play();
        await at('timeupdate');
        video.pause();
        const played = video.currentTime;
        const middle = video.duration / 2;
        const sought = at('seeked');
        video.currentTime = middle;
        await sought;
        done({played, wrong: Math.abs(video.currentTime - middle), width: video.videoWidth});
    })().catch((error) => done({error: String(error)}));
"""


@pytest.mark.skipif(PATH is None and not IN_CI, reason="Firefox is not here")
def test_a_film_plays_and_is_sought_in_firefox(team: Team, tmp_path: Path) -> None:
    pk = team.track_a_safe_clip()
    with firefox(tmp_path / "profile") as browser:
        browser.open(f"{team.stack.url}/accounts/login/")
        browser.sign_in(team.alice.session)
        browser.open(team.page_of(pk))
        seen = browser.run(PLAY)
    assert "error" not in seen, seen
    assert seen["played"] > 0
    assert seen["wrong"] < 0.1
    assert seen["width"] > 0
