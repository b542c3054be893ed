"""What holds for every page: axe finds nothing, in both themes, at the size of a desk and of a hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

from lumaboard.ops.routes import ROUTES, Kind
from tests.browser import Console
from tests.flows.addresses import (
    NO_PAGES,
    answers_to_forms,
    guests_pages,
    members_pages,
    names_of,
    one_of_each,
    protected_pages,
    second_step,
    visitors_pages,
)
from tests.flows.stack import Team

pytestmark = pytest.mark.browser
SIZES = ({"width": 1440, "height": 900}, {"width": 390, "height": 780})
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules whose answer depends on the theme: one list of tokens makes both, and nothing else differs between them."""
RULES: Mapping[str, Mapping[str, Any]] = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": COLOURS}}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(team: Team, new_page: Callable[..., Page], console: Console, theme: str) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 4")
    team.stack.inside.call("prefer", user_id=team.alice.pk, theme=theme)
    member = new_page(team.alice, color_scheme=theme)
    rules = RULES[theme]
    found = faults(member, members_pages(team, one_of_each(team)), rules)
    found += faults(member, [f"{team.url}no-such-page/", team.page_of(999_999)], rules)
    found += faults(new_page(color_scheme=theme), visitors_pages(team), rules)
    assert found == []


def test_axe_finds_nothing_on_what_has_no_address_or_takes_a_second_factor(
    team: Team, new_page: Callable[..., Page]
) -> None:
    team.share(team.track_a_safe_clip())
    owner, visitor = new_page(team.alice), new_page()
    found = [fault for name in answers_to_forms(owner, team) for fault in faults_here(owner, name)]
    bob, addresses = protected_pages(team)
    found += faults(new_page(bob), addresses)
    second_step(visitor, team, bob)
    found += faults_here(visitor, "the second step of signing in")
    assert found == []


def test_every_address_that_shows_a_page_is_among_them(team: Team) -> None:
    made = one_of_each(team)
    listed = [*members_pages(team, made), *protected_pages(team)[1], *visitors_pages(team), *guests_pages(team, made)]
    asked = {name for name, access in ROUTES.items() if "GET" in access.methods and access.kind != Kind.API}
    assert asked - names_of(listed) == NO_PAGES


def test_axe_finds_nothing_on_what_guests_see(team: Team, new_page: Callable[..., Page], console: Console) -> None:
    console.expected.append("Failed to load resource: the server responded with a status of 4")
    assert faults(new_page(), guests_pages(team, {"safe": team.track_a_safe_clip()})) == []


def faults(
    page: Page, addresses: list[str], rules: Mapping[str, Any] = RULES["light"]
) -> list[tuple[str, int, str, str]]:
    found = []
    for address in addresses:
        page.goto(address)
        found += faults_here(page, address, rules)
    return found


def faults_here(page: Page, name: str, rules: Mapping[str, Any] = RULES["light"]) -> list[tuple[str, int, str, str]]:
    found = []
    page.evaluate("document.fonts.ready")
    for size in SIZES:
        page.set_viewport_size(size)
        violations = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
        found += [(name, size["width"], fault["id"], fault["nodes"][0]["html"][:150]) for fault in violations]
    return found
