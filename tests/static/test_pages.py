"""Every specimen page in a browser: accessible in both themes, no sideways scroll, nothing said on the console."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page, expect

from tests.static.specimen.server import ERRORS, PAGES

pytestmark = pytest.mark.browser
EVERY = [*PAGES, *ERRORS]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_and_the_console_is_silent(
    page: Page, specimen: str, said: list[str], width: int, theme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    found = []
    for name in EVERY:
        page.goto(f"{specimen}/{name}/?theme={theme}")
        page.evaluate("document.fonts.ready")
        violations = Axe().run(page).response["violations"]
        found += [(name, violation["id"], violation["nodes"][0]["html"][:120]) for violation in violations]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append((name, "scrolls sideways", ""))
    assert found == []
    assert said == []


@pytest.mark.parametrize("name", EVERY)
def test_nothing_scrolls_sideways_at_320_pixels(page: Page, specimen: str, name: str) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{specimen}/{name}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_every_target_is_at_least_24_pixels(page: Page, specimen: str) -> None:
    """Links that cover a card and links inside sentences are measured by what they cover."""
    covered = ".vh, .skip, .link, .card__title a, .list__prompt a, .choice input, .check input, .table input"
    small: list[str] = []
    for name in ("gallery", "detail", "states", "settings", "track"):
        page.goto(f"{specimen}/{name}/")
        small += page.evaluate(
            """(covered) => [...document.querySelectorAll('button, a, input:not([type=hidden]), select, summary')]
            .filter((element) => element.checkVisibility() && !element.matches(covered))
            .filter((element) => { const box = element.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
            .map((element) => element.outerHTML.slice(0, 100))""",
            covered,
        )
    assert small == []


def test_menus_open_without_script(page: Page, specimen: str) -> None:
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{specimen}/gallery/")
    page.get_by_role("button", name="switch workspace").click()
    expect(page.get_by_role("link", name="Aster Films")).to_be_visible()
