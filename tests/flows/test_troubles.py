"""What goes wrong looks different each time, and offers the action that helps."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.flows.stack import Stack, Team, wait_for

pytestmark = pytest.mark.browser
WORKING_KEY = "sk-brand-new-5678"


def card_saying(page: Page, title: str) -> Locator:
    return page.locator("article.card").filter(has=page.locator(".said__title", has_text=title))


def buttons_of(card: Locator) -> list[str]:
    return card.locator(".said__acts .btn").all_inner_texts()


def test_an_unknown_id_a_dead_key_and_a_moderation_failure_look_different_and_offer_what_helps(
    team: Team, new_page: Callable[..., Page]
) -> None:
    inside = team.stack.inside
    dead = inside.call(
        "connect_another",
        workspace_id=team.workspace_id,
        base_url=team.stack.simulator_url,
        name="Old key",
        kind="simulator",
        key="sk-wrong-0000",
    )
    unknown = f"00000000{str(uuid.uuid4())[8:]}"
    team.track(unknown, f"{uuid.uuid4()}-quick-fail-moderation")
    inside.call("track", connection_id=dead, user_id=team.alice.pk, task_ids=[str(uuid.uuid4())])
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.goto(team.url)

    missing = card_saying(page, "Not found upstream")
    refused = card_saying(page, "Key refused")
    moderated = card_saying(page, "Stopped by moderation")
    for card in (missing, refused, moderated):
        expect(card).to_have_count(1, timeout=30_000)
    assert buttons_of(missing) == ["Check now", "Stop tracking"]
    assert buttons_of(refused) == ["Replace key", "Stop tracking"]
    assert buttons_of(moderated) == ["Edit and retry"]
    expect(moderated).to_contain_text("Failed")
    expect(moderated).to_contain_text("Advanced prompt moderation failed")

    asked = team.stack.simulator.requests.count(unknown)
    missing.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Asking the provider now.")).to_be_visible()
    wait_for(lambda: team.stack.simulator.requests.count(unknown) > asked, what="another asking")

    missing.get_by_role("button", name="Stop tracking").click()
    expect(page.get_by_text("No longer tracked, and moved to trash.")).to_be_visible()
    expect(page.locator("article.card")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(card_saying(page, "Not found upstream")).to_have_count(1)


def test_a_replaced_key_lets_the_generation_go_on(stack: Stack, new_page: Callable[..., Page]) -> None:
    team = stack.new_team(key="sk-wrong-0000")
    team.track(f"{uuid.uuid4()}-quick-legacy-scene-sea-format-16x9-seconds-5")
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.goto(team.url)
    refused = card_saying(page, "Key refused")
    expect(refused).to_have_count(1, timeout=30_000)
    refused.get_by_role("link", name="Replace key").click()
    page.get_by_role("link", name="Enter a new key").click()
    page.get_by_label("API key").fill(WORKING_KEY)
    page.get_by_role("button", name="Check and save").click()
    page.wait_for_url("**/settings/connections/")
    page.goto(team.url)
    expect(page.locator("article.card--ready")).to_have_count(1, timeout=60_000)


def test_check_now_asks_at_once(team: Team, new_page: Callable[..., Page]) -> None:
    task_id = f"{uuid.uuid4()}-not-yet"
    team.track(task_id)
    page = new_page(team.alice, viewport={"width": 1440, "height": 900})
    page.goto(team.url)
    missing = card_saying(page, "Not found upstream")
    expect(missing).to_have_count(1, timeout=30_000)
    for _try in range(3):
        if missing.count() == 0:
            break
        asked = team.stack.simulator.requests.count(task_id)
        missing.get_by_role("button", name="Check now").click()
        wait_for(lambda asked=asked: team.stack.simulator.requests.count(task_id) > asked, what="another asking")
    expect(missing).to_have_count(0, timeout=20_000)
