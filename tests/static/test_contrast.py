"""The contrast the design promises, computed from the tokens that ship: a changed value fails here."""

from __future__ import annotations

import pytest

from tests.static.colour import Tokens, contrast

SURFACES = ["--canvas", "--surface-1", "--surface-2", "--surface-3", "--surface-4", "--mat"]
STATES = ["queued", "running", "saving", "good", "warn", "bad"]
CHARTS = ["--chart-base", "--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5"]


@pytest.fixture(params=["light", "dark"])
def tokens(request: pytest.FixtureRequest) -> Tokens:
    return Tokens(request.param)


def worst(tokens: Tokens, name: str, grounds: list[str]) -> float:
    return min(contrast(tokens.on(name), tokens.on(ground)) for ground in grounds)


@pytest.mark.parametrize(
    ("text", "grounds", "least"),
    [
        ("--text", SURFACES, 11.9),
        ("--text-2", SURFACES, 6.1),
        ("--text-3", [s for s in SURFACES if s != "--surface-4"], 4.85),
    ],
)
def test_text_is_read_on_every_surface_it_may_lie_on(
    tokens: Tokens, text: str, grounds: list[str], least: float
) -> None:
    assert worst(tokens, text, grounds) >= least


@pytest.mark.parametrize("state", STATES)
def test_the_word_of_a_state_is_read_on_its_soft_ground(tokens: Tokens, state: str) -> None:
    assert contrast(tokens.on(f"--{state}"), tokens.on(f"--{state}-soft")) >= 5.45


def test_the_borders_of_fields_are_seen(tokens: Tokens) -> None:
    assert worst(tokens, "--line-control", ["--canvas", "--surface-1", "--surface-2"]) >= 3.3


@pytest.mark.parametrize("fill", CHARTS)
def test_the_fills_of_charts_are_seen(tokens: Tokens, fill: str) -> None:
    assert contrast(tokens.on(fill), tokens.on("--surface-2")) >= 3.04


def test_the_focus_ring_is_seen_on_everything_it_lies_on(tokens: Tokens) -> None:
    assert worst(tokens, "--focus", SURFACES) >= 4.3


@pytest.mark.parametrize(
    ("word", "ground"),
    [
        ("--text-inverse", "--ink"),
        ("--on-solid", "--iris-solid"),
        ("--on-solid", "--bad-solid"),
        ("--iris", "--iris-soft"),
    ],
)
def test_the_words_of_filled_buttons_are_read(tokens: Tokens, word: str, ground: str) -> None:
    assert contrast(tokens.on(word), tokens.on(ground)) >= 4.5


def test_words_on_glass_are_read_over_a_white_picture(tokens: Tokens) -> None:
    glass = tokens.on("--glass", (1.0, 1.0, 1.0))
    assert contrast(tokens.on("--on-glass"), glass) >= 7.9
