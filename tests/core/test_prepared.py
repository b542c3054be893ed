"""A prepared query gives what its query set gives, whatever is in the row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from lumaboard.accounts.models import ApiToken, Membership
from lumaboard.core.prepared import Prepared, given
from lumaboard.generations.models import Generation
from tests.factories import NOW, make_connection, make_generation, make_token


def columns(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def film(alice: Membership) -> Generation:
    return make_generation(
        make_connection(alice.workspace),
        created_by=alice.user,
        prompt="Smoke “over” the sea\x7f",
        request={"loop": True, "keyframes": None},
        asked_at=NOW,
        duration_s=5.25,
        has_poster=True,
    )


def test_rows_are_as_the_query_set_gives_them_to_the_last_column(
    film: Generation, django_assert_num_queries: Any
) -> None:
    films = Prepared(
        lambda: Generation.objects.select_related("connection", "created_by", "acted_by").filter(
            connection__workspace=given("workspace"), task_id=given("task_id")
        )
    )
    for _time in range(2):
        with django_assert_num_queries(1):
            (read,) = films(workspace=film.workspace_id, task_id=film.task_id)
            told = [columns(one) for one in (read, read.connection, read.created_by) if one is not None]
            assert read.acted_by is None
        usual = Generation.objects.get(pk=film.pk)
        assert usual.created_by is not None
        assert told == [columns(one) for one in (usual, usual.connection, usual.created_by)]
    assert films(workspace=film.workspace_id, task_id="another") == []


def test_a_row_can_be_changed_and_saved(film: Generation) -> None:
    (read,) = Prepared(lambda: Generation.objects.filter(pk=given("pk")))(pk=film.pk)
    read.title = "Dusk"
    read.save()
    assert Generation.objects.get().title == "Dusk"


def test_conditions_that_are_always_the_same_stand_beside_given_ones(alice: Membership) -> None:
    tokens = Prepared(lambda: ApiToken.objects.filter(revoked_at=None, token_hash=given("token_hash")))
    row = make_token(alice).row
    assert tokens(token_hash=row.token_hash) == [row]
    ApiToken.objects.update(revoked_at=timezone.now())
    assert tokens(token_hash=row.token_hash) == []
