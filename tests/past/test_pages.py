"""Where a walk goes on after a page, whatever the list does meanwhile."""

from __future__ import annotations

from lumaboard.past.pages import OVERLAP, PAGE, Place, step_after

IDS = [f"made-{number}" for number in range(PAGE)]


def test_pages_overlap() -> None:
    step = step_after(Place(), IDS, set(), entries=PAGE, has_more=True)
    assert step.is_taken
    assert step.then == Place(offset=PAGE - OVERLAP)


def test_a_page_without_anything_met_is_not_taken_and_the_walk_steps_back_ever_further() -> None:
    step = step_after(Place(offset=900), IDS, set(), entries=PAGE, has_more=True)
    assert not step.is_taken
    assert step.then == Place(offset=800, fruitless_count=1)
    assert step.then is not None
    step = step_after(step.then, IDS, set(), entries=PAGE, has_more=True)
    assert step.then == Place(offset=600, fruitless_count=2)


def test_an_empty_page_behind_the_end_makes_it_step_back() -> None:
    step = step_after(Place(offset=90), [], set(), entries=0, has_more=False)
    assert (step.is_taken, step.then) == (False, Place(offset=0, fruitless_count=1))


def test_a_page_of_nothing_but_what_was_met_counts_as_fruitless() -> None:
    step = step_after(Place(offset=90, fruitless_count=2), IDS, set(IDS), entries=PAGE, has_more=True)
    assert step.then == Place(offset=180, fruitless_count=3)


def test_at_the_end_the_beginning_is_read_again() -> None:
    step = step_after(Place(offset=90), IDS[:20], set(IDS[:10]), entries=20, has_more=False)
    assert step.then == Place(is_closing=True)


def test_it_is_over_when_the_beginning_ends_in_what_was_met() -> None:
    closing = Place(is_closing=True)
    assert step_after(closing, IDS, set(IDS[50:]), entries=PAGE, has_more=True).then is None
    assert step_after(closing, IDS, set(), entries=PAGE, has_more=True).then == Place(offset=90, is_closing=True)


def test_a_list_of_one_page_is_read_once() -> None:
    assert step_after(Place(), IDS[:5], set(), entries=5, has_more=False).then is None
    assert step_after(Place(), [], set(), entries=0, has_more=False).then is None
