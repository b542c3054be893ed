"""Rows changed by one statement, guarded by what they held when they were read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lumaboard.core.bulk import update_rows
from lumaboard.generations.models import Generation
from tests.factories import NOW, make_generation


@pytest.mark.parametrize(
    ("held", "read", "is_changed"),
    [(None, None, True), (NOW, NOW, True), (None, NOW, False), (NOW, None, False), (NOW + timedelta(1), NOW, False)],
)
@pytest.mark.django_db
def test_a_guard_may_be_nothing(held: object, read: object, is_changed: bool) -> None:
    row = make_generation(asked_at=held)
    changed = update_rows(Generation, ("title",), [(row.pk, "Dusk", read)], guards=("asked_at",))
    row.refresh_from_db()
    assert (changed, row.title) == ((1, "Dusk") if is_changed else (0, ""))
