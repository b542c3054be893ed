"""What the scripts do for a person, in a browser, under the content security policy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def gallery(page: Page, specimen: str) -> Page:
    page.goto(f"{specimen}/gallery/")
    return page


@pytest.fixture
def detail(page: Page, specimen: str) -> Page:
    page.goto(f"{specimen}/detail/")
    expect(page.locator("[data-player-length]")).to_have_text("0:02.00")
    return page


def answering(body: str, status: int = 200) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, content_type="text/html")


def test_elapsed_time_ticks_and_lateness_is_told(gallery: Page) -> None:
    first = gallery.locator("#generation-1 .wait__time")
    expect(first).to_have_text(re.compile(r"^1:1[2-9]$"))
    before = first.inner_text()
    expect(first).not_to_have_text(before)
    expect(gallery.locator("#generation-1 .ruler__now")).to_have_attribute("visibility", "visible")
    expect(gallery.locator("#generation-8 .wait__late")).to_have_text("9 of 10 are done by 2:10")
    expect(gallery.locator("#generation-1 .wait__late")).to_be_hidden()


def test_a_wrong_laptop_clock_does_not_show(page: Page, specimen: str) -> None:
    page.add_init_script("const real = Date.now; Date.now = () => real() + 3600e3;")
    page.add_init_script(
        "Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + 3600e3 });"
    )
    page.goto(f"{specimen}/gallery/")
    expect(page.locator("#generation-1 .wait__time")).to_have_text(re.compile(r"^1:1\d$"))


def test_the_feed_changes_a_card_in_place(gallery: Page) -> None:
    gallery.locator("#open-1").focus()
    gallery.evaluate("document.getElementById('generation-1').marked = true")
    card = (
        '<article id="generation-1" class="card card--ready" hx-swap-oob="morph"><div class="stage"><div class="stage-in">'
        '<div class="clip ar-16x9"><img src="/still/16x9/1" alt=""></div></div></div><div class="card__body">'
        '<h3 class="card__title"><a id="open-1" href="/detail/">Now ready</a></h3></div></article>'
    )
    live = '<div id="live" hx-get="/live?since=2" hx-trigger="board:tick" hx-swap="outerHTML"></div>'
    gallery.route("**/live*", answering(live + card), times=1)
    expect(gallery.locator("#open-1")).to_have_text("Now ready")
    expect(gallery.locator("#open-1")).to_be_focused()
    assert gallery.evaluate("document.getElementById('generation-1').marked") is True
    expect(gallery.locator("#live")).to_have_attribute("hx-get", "/live?since=2")


def test_a_toast_may_come_with_an_answer(gallery: Page) -> None:
    live = '<div id="live" hx-get="/live" hx-trigger="board:tick" hx-swap="outerHTML"></div>'
    toast = '<div hx-swap-oob="beforeend:#toasts"><div class="toast" data-toast><p>2 ready</p></div></div>'
    gallery.route("**/live*", answering(live + toast), times=1)
    expect(gallery.locator("#toasts > .toast > p")).to_have_text("2 ready")


def test_the_live_dot_tells_offline_and_back(gallery: Page, context: BrowserContext) -> None:
    expect(gallery.locator("#live-dot")).to_have_text("Live")
    context.set_offline(True)
    expect(gallery.locator("#live-dot")).to_contain_text("Offline, last news")
    context.set_offline(False)
    expect(gallery.locator("#live-dot")).to_have_text("Live")


def test_a_hidden_tab_does_not_ask(gallery: Page) -> None:
    asked: list[str] = []
    gallery.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    gallery.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    gallery.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    gallery.wait_for_timeout(2000)
    assert len(asked) == 0
    gallery.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    gallery.wait_for_timeout(200)
    assert len(asked) == 1


def test_pointing_at_a_ready_card_plays_it_and_leaving_stops(gallery: Page) -> None:
    gallery.locator("#generation-3").hover()
    video = gallery.locator("#generation-3 video")
    expect(video).to_be_visible()
    assert video.evaluate("(v) => v.muted && v.loop")
    gallery.locator("#generation-1").hover()
    expect(gallery.locator("video")).to_have_count(0)


def test_previews_can_be_switched_off(gallery: Page) -> None:
    gallery.keyboard.press("Shift+P")
    expect(gallery.locator("#toasts")).to_contain_text("Previews off")
    gallery.locator("#generation-3").hover()
    gallery.wait_for_timeout(500)
    expect(gallery.locator("video")).to_have_count(0)


def test_reduced_motion_means_no_previews(page: Page, specimen: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{specimen}/gallery/")
    page.locator("#generation-3").hover()
    page.wait_for_timeout(500)
    expect(page.locator("video")).to_have_count(0)


def test_the_grid_is_one_tab_stop_moved_through_by_keys(gallery: Page) -> None:
    gallery.keyboard.press("j")
    expect(gallery.locator("#open-1")).to_be_focused()
    gallery.keyboard.press("ArrowRight")
    expect(gallery.locator("#open-2")).to_be_focused()
    gallery.keyboard.press("ArrowDown")
    below = gallery.evaluate(
        "document.activeElement.getBoundingClientRect().x === document.querySelector('#open-2').getBoundingClientRect().x"
    )
    assert below
    expect(gallery.locator("#open-2")).not_to_be_focused()
    assert gallery.locator('[data-grid] a[id^="open-"][tabindex="0"]').count() == 1
    gallery.keyboard.press("/")
    expect(gallery.locator("#search")).to_be_focused()


def test_the_sheet_lists_the_keys_that_work_here(gallery: Page) -> None:
    gallery.keyboard.press("?")
    sheet = gallery.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Next generation")
    expect(sheet).not_to_contain_text("One frame back")
    gallery.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_a_failed_request_says_why_and_changes_nothing(gallery: Page) -> None:
    gallery.route("**/states/", answering("no", 403))
    gallery.get_by_role("button", name="Check again").click()
    expect(gallery.locator("#toasts")).to_contain_text("Could not save. Try again. You may not do that here.")
    expect(gallery.get_by_role("button", name="Check again")).to_be_visible()


def test_an_ended_session_is_no_toast(gallery: Page) -> None:
    gallery.route("**/states/", lambda route: route.fulfill(status=200, headers={"HX-Redirect": "/sign-in/"}, body=""))
    gallery.get_by_role("button", name="Check again").click()
    gallery.wait_for_url("**/sign-in/")


def test_a_card_s_button_posts_the_token_of_the_page(gallery: Page) -> None:
    with gallery.expect_request("**/states/") as asked:
        gallery.get_by_role("button", name="Check again").click()
    assert asked.value.method == "POST"
    assert asked.value.headers["x-csrftoken"] == "specimen"


def test_the_player_steps_frame_by_frame_and_shows_hundredths(detail: Page) -> None:
    expect(detail.locator("video")).not_to_have_attribute("controls", "")
    for _ in range(3):
        detail.keyboard.press(".")
    expect(detail.locator("[data-player-time]")).to_have_text("0:00.14")
    detail.keyboard.press(",")
    expect(detail.locator("[data-player-time]")).to_have_text("0:00.10")


def test_the_player_loops_short_clips_and_changes_speed(detail: Page) -> None:
    loop = detail.get_by_role("button", name="Loop")
    expect(loop).to_have_attribute("aria-pressed", "true")
    detail.keyboard.press("l")
    expect(loop).to_have_attribute("aria-pressed", "false")
    detail.keyboard.press(">")
    expect(detail.locator("[data-player-speed]")).to_have_text("1.5×")
    detail.keyboard.press("Space")
    expect(detail.get_by_role("button", name="Pause")).to_be_visible()


def test_a_player_that_arrives_later_works_and_later_changes_leave_it_alone(page: Page, specimen: str) -> None:
    page.goto(f"{specimen}/waiting/")
    swap = """async () => {
        const answer = await (await fetch("/detail/")).text();
        const view = new DOMParser().parseFromString(answer, "text/html").querySelector(".detail__view");
        htmx.swap(".detail__view", view.outerHTML, { swapStyle: "morph" }, { contextElement: document.body });
    }"""
    page.evaluate(swap)
    expect(page.locator("[data-player-length]")).to_have_text("0:02.00")
    page.evaluate("document.querySelector('video').marked = true")
    page.keyboard.press(".")
    page.evaluate(swap)
    assert page.evaluate("document.querySelector('video').marked") is True
    expect(page.locator("[data-player-controls]")).to_be_visible()
    expect(page.locator("video")).not_to_have_attribute("controls", "")


def test_a_moment_can_be_shared_by_its_address(page: Page, specimen: str) -> None:
    page.goto(f"{specimen}/detail/#t=1.25")
    expect(page.locator("[data-player-time]")).to_have_text("0:01.25")
    page.get_by_role("button", name="Copy a link to this moment").click()
    assert page.url.endswith("#t=1.25")


def test_a_frame_is_saved_under_a_sensible_name(detail: Page) -> None:
    with detail.expect_download() as download:
        detail.get_by_role("button", name="Save this frame").click()
    assert download.value.suggested_filename == "golden-hour-0.00s.png"


def test_without_script_the_player_is_a_plain_video(page: Page, specimen: str) -> None:
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{specimen}/detail/")
    expect(page.locator("video")).to_have_attribute("controls", "")
    expect(page.locator("[data-player-controls]")).to_be_hidden()


def test_keys_are_masked_in_the_paste_box_at_once(page: Page, specimen: str) -> None:
    page.goto(f"{specimen}/track/")
    box = page.get_by_role("textbox", name="Text with task ids")
    box.fill("id ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36 -H 'Authorization: Bearer sk-abcdefghijklmnop1234'")
    expect(box).to_have_value(re.compile("Bearer ••••'$"))
    expect(box).to_have_value(re.compile("ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"))
    expect(page.locator("[data-paste-note]")).to_have_text("A key in the text was masked and will not be kept.")


def test_a_chosen_file_lands_in_the_paste_box(page: Page, specimen: str) -> None:
    page.goto(f"{specimen}/track/")
    file = {
        "name": "ids.txt",
        "mimeType": "text/plain",
        "buffer": b"7f1f5a0c-93cb-4b57-b6f1-0a2c3d9b1e77 sk-abcdefghijklmnopqrst",
    }
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(page.locator("textarea")).to_have_value(re.compile("7f1f5a0c-93cb-4b57-b6f1-0a2c3d9b1e77 ••••$"))


def test_menus_are_walked_by_keys_and_give_focus_back(gallery: Page) -> None:
    opener = gallery.get_by_role("button", name="switch workspace")
    opener.focus()
    gallery.keyboard.press("Enter")
    expect(gallery.locator("#workspaces").get_by_role("link", name="Northlight")).to_be_focused()
    gallery.keyboard.press("ArrowDown")
    expect(gallery.locator("#workspaces").get_by_role("link", name="Aster Films")).to_be_focused()
    gallery.keyboard.press("Escape")
    expect(opener).to_be_focused()
