"""The player, by keys and by hand, on a real clip."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows.stack import Team

pytestmark = pytest.mark.browser
FRAME = 1 / 24
TIME = "document.querySelector('video').currentTime"


@pytest.fixture
def page(team: Team, new_page: Callable[..., Page]) -> Page:
    """The page of a safe clip, its first frame there."""
    pk = team.track_a_safe_clip()
    page = new_page(
        team.alice, viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    page.goto(team.page_of(pk))
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    return page


SETTLED = "before => { const v = document.querySelector('video'); return !v.seeking && v.currentTime !== before; }"


def seek(page: Page, seconds: float) -> None:
    page.locator("video").evaluate("(video, at) => { video.pause(); video.currentTime = at }", seconds)
    page.wait_for_function(SETTLED, arg=-1)


def time_after(page: Page, key: str) -> float:
    """Press a key that seeks, and say where the clip then is."""
    before = page.evaluate(TIME)
    page.keyboard.press(key)
    page.wait_for_function(SETTLED, arg=before)
    return float(page.evaluate(TIME))


def test_the_player_seeks_to_the_middle_and_steps_by_frames(page: Page) -> None:
    scrub = page.get_by_role("slider", name="Place in the clip")
    box = scrub.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    length = page.evaluate("document.querySelector('video').duration")
    page.wait_for_function(f"() => Math.abs({TIME} - {length} / 2) < 0.1")

    seek(page, 1 + FRAME / 2)
    page.locator("body").press("k")  # plays
    page.locator("body").press("k")  # and stops
    seek(page, 1 + FRAME / 2)
    assert time_after(page, ".") == pytest.approx(1 + 1.5 * FRAME, abs=FRAME / 4)
    assert time_after(page, ".") == pytest.approx(1 + 2.5 * FRAME, abs=FRAME / 4)
    assert time_after(page, ",") == pytest.approx(1 + 1.5 * FRAME, abs=FRAME / 4)


def test_speed_loop_and_sound_answer_to_keys_and_say_where_they_stand(page: Page) -> None:
    speed = page.get_by_role("button", name="Speed")
    page.keyboard.press(">")
    expect(speed).to_contain_text("1.5×")
    page.keyboard.press("<")
    page.keyboard.press("<")
    expect(speed).to_contain_text("0.5×")
    loop = page.get_by_role("button", name="Loop")
    expect(loop).to_have_attribute("aria-pressed", "true")  # short clips loop by themselves
    page.keyboard.press("l")
    expect(loop).to_have_attribute("aria-pressed", "false")
    was_muted = page.evaluate("document.querySelector('video').muted")
    page.keyboard.press("m")
    assert page.evaluate("document.querySelector('video').muted") is not was_muted
    expect(page.get_by_role("button", name="Mute" if was_muted else "Sound on")).to_be_visible()


def test_every_control_of_the_player_is_reached_by_tab_and_pressed_by_keys(page: Page) -> None:
    page.get_by_role("slider", name="Place in the clip").focus()
    names = []
    for _press in range(9):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.dataset.playerDo"))
    assert names == ["back", "play", "forward", "link", "loop", "speed", "mute", "save", "fullscreen"]
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function(f"() => {TIME} > 0.05")


def test_a_link_to_a_moment_opens_there(page: Page, team: Team, new_page: Callable[..., Page]) -> None:
    seek(page, 1.5)
    page.get_by_role("button", name="Copy a link to this moment").click()
    expect(page.get_by_text("Link to this moment copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#t=1.50")
    other = new_page(team.bob)
    other.goto(link)
    other.wait_for_function(f"() => Math.abs({TIME} - 1.5) < 0.01")


def test_prompt_and_task_id_are_copied_and_the_raw_answer_unfolds(page: Page) -> None:
    prompt = page.locator("#prompt").inner_text()
    page.get_by_role("button", name="Copy prompt").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == prompt
    page.get_by_role("button", name="Copy the task id").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('-quick-')")

    page.get_by_text("The provider's raw answer").click()
    answer = page.locator("#raw-answer-text")
    expect(answer).to_contain_text('"state": "completed"')
    page.locator("#raw-answer-body").get_by_role("button", name="Copy").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('{')")
