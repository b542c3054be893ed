"""Words typed into the gallery's search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lumaboard.accounts.models import Membership
from lumaboard.connections.models import Connection
from lumaboard.generations import operations
from lumaboard.generations.models import Generation, State
from lumaboard.generations.paging import keyset_page
from lumaboard.generations.search import Filters, rows_for_gallery
from lumaboard.generations.words import matching
from tests.factories import NOW, make_connection, make_generation

TASK_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
LOOKED_UP, WALKED = 1000, 0
"""What counts as common: nothing here, or everything."""

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


def found(connection: Connection, words: str, *, common: int = LOOKED_UP) -> set[int]:
    rows = matching(Q(trashed_at=None), words, workspace_id=connection.workspace_id, user_id=0, common=common)
    return {row.pk for row in rows.newest(10_000)}


@pytest.mark.parametrize("common", [LOOKED_UP, WALKED])
@pytest.mark.parametrize(
    "words",
    [
        "golden",
        "GOLD",
        "harbour",
        "golden harbour",
        "harbour lighthouse",  # a word of the prompt and one of the title
        "harbour, golden!",
        "“golden” (harbour)",
        "golden ، harbour",
        "golden । harbour",
        "16:9",
        "cafe",
        "CAFÉ",
        "cafe\u0301",
        "4k",
        "夕",
        "восход",
        TASK_ID,
        TASK_ID.upper(),
        TASK_ID[:8],
        TASK_ID[:11],
        "golden 3fa85f64",
        " ".join(["golden"] * 8 + ["a ninth word is not looked at"]),
    ],
)
def test_words_are_found_where_they_begin_words(connection: Connection, words: str, common: int) -> None:
    wanted = make_generation(
        connection,
        title="Lighthouse",
        prompt="A golden-hour café at the harbour, 16:9, 4K; 夕陽, Восход",
        task_id=TASK_ID,
    )
    make_generation(connection, prompt="A marigold under glass")
    assert found(connection, words, common=common) == {wanted.pk}


@pytest.mark.parametrize("common", [LOOKED_UP, WALKED])
@pytest.mark.parametrize(
    "words", ["olden", "golden absent", "absent", "g", "5f64", "🎬", "!", "' OR 1", "gold*en", "\u0301"]
)
def test_what_begins_no_word_finds_nothing(connection: Connection, words: str, common: int) -> None:
    make_generation(connection, prompt="A golden hour", task_id=TASK_ID)
    assert found(connection, words, common=common) == set()


def test_a_renamed_generation_is_found_by_its_new_name_alone(connection: Connection, alice: Membership) -> None:
    generation = make_generation(connection, title="Heron", prompt="A bird")
    operations.rename(generation, "Egret", actor_id=alice.user.pk, now=NOW)
    assert found(connection, "heron") == set()
    assert found(connection, "egret bird") == {generation.pk}


def test_a_deleted_generation_leaves_no_words_behind(connection: Connection) -> None:
    make_generation(connection, prompt="A heron").delete()
    assert _is_sound()
    assert found(connection, "heron") == set()


@pytest.mark.parametrize("common", [LOOKED_UP, WALKED])
def test_another_workspaces_words_are_not_found(connection: Connection, charlie: Membership, common: int) -> None:
    make_generation(make_connection(charlie.workspace), prompt="A heron")
    assert found(connection, "heron", common=common) == set()
    assert found(connection, str(charlie.workspace.pk), common=common) == set()


def test_a_prompt_without_end_can_be_kept_and_found(connection: Connection) -> None:
    generation = make_generation(connection, prompt=f"heron {'ß' * 300_000} " + " ".join(map(str, range(300_000))))
    assert found(connection, "heron") == {generation.pk}


@pytest.mark.parametrize("common", [LOOKED_UP, WALKED, 3])
def test_pages_of_a_search_follow_each_other_without_a_gap(connection: Connection, common: int) -> None:
    wanted = []
    for number in range(40):
        # Ids that neither rise nor fall with time, and three at a time tracked in the same moment.
        at = NOW - timedelta(seconds=number * 17 % 40 // 3)
        state = State.FAILED if number % 4 == 0 else State.QUEUED
        row = make_generation(connection, prompt="heron" if number % 3 else "egret", created_at=at, state=state)
        if number % 3 and state == State.QUEUED:
            wanted.append(row)
    rows = matching(Q(state=State.QUEUED), "her", workspace_id=connection.workspace_id, user_id=0, common=common)
    expected = [row.pk for row in sorted(wanted, key=lambda row: (row.created_at, row.pk), reverse=True)]
    seen, after = [], ""
    while True:
        page = keyset_page(rows, after=after, before="", size=4)
        seen += [row.pk for row in page.rows]
        if not page.older:
            break
        after = page.older
    assert seen == expected
    back = keyset_page(rows, after="", before=page.newer, size=4)
    assert [row.pk for row in back.rows] == expected[-len(page.rows) - 4 : -len(page.rows)]


def test_words_go_with_every_other_filter(connection: Connection, alice: Membership) -> None:
    other = make_connection(alice.workspace, name="Other")
    both = make_generation(connection, prompt="heron", model="ray-2", created_by=alice.user, state=State.FAILED)
    trashed = make_generation(connection, prompt="heron", trashed_at=NOW)
    for fields in ({"prompt": "egret", "model": "ray-2"}, {"prompt": "heron", "model": "ray-3"}):
        make_generation(connection, state=State.FAILED, created_by=alice.user, **fields)
    for days in (-2, 2):
        at = NOW + timedelta(days=days)
        make_generation(
            connection, prompt="heron", model="ray-2", created_by=alice.user, state=State.FAILED, created_at=at
        )
    make_generation(other, prompt="heron", model="ray-2", created_by=alice.user, state=State.FAILED)
    filters = Filters(
        words="heron",
        model="ray-2",
        owner=alice.user.pk,
        connection=connection.pk,
        state="failed",
        since=NOW.date(),
        until=NOW.date(),
    )
    seen = rows_for_gallery(alice.workspace.pk, filters, seen_by=alice.user.pk)
    assert [row.pk for row in seen.newest(9)] == [both.pk]
    in_trash = rows_for_gallery(alice.workspace.pk, Filters(words="heron", is_trash=True), seen_by=alice.user.pk)
    assert [row.pk for row in in_trash.newest(9)] == [trashed.pk]


def test_words_cost_a_gallery_one_query_more(connection: Connection, alice: Membership, alice_client: Client) -> None:
    make_generation(connection, prompt="heron", created_by=alice.user)
    counts = []
    for query in ("", "?q=heron", "?q=absent"):
        with CaptureQueriesContext(database) as queries:
            answer = alice_client.get(f"/w/{alice.workspace.slug}/{query}")
        assert answer.status_code == 200
        counts.append(len(queries))
    everything, found_some, found_none = counts
    assert found_some == everything + 1
    assert found_none == everything  # no ids, no rows to ask for


@unhurried
@given(words=st.text(max_size=200), common=st.sampled_from([LOOKED_UP, WALKED]))
@example(words='" OR "', common=LOOKED_UP)
@example(words="title : NEAR(a b, 2) ^c + {d} - NOT *", common=WALKED)
@example(words="'':* & !('\\' <-> |", common=WALKED)
@example(words="%s %% ? :x $1 \x00 \ud800", common=LOOKED_UP)
@example(words="a." * 100, common=WALKED)
def test_whatever_is_typed_is_data(connection: Connection, words: str, common: int) -> None:
    if not Generation.objects.exists():
        make_generation(connection, prompt="A golden hour")
    found(connection, words, common=common)


ACCENT = "\u0301"  # as a sign of its own, behind any letter
_LETTERS = "abzABZ019éÉñÅçйЙжωΩ夕陽한글 \t\n-_.,:;'\"\\%*()—…“”¿🎬\u0301"


@pytest.mark.parametrize("written", ["ώ0", "ω\u03010"])
@pytest.mark.parametrize("typed", ["Ώ0", "Ω\u03010"])
def test_an_accent_is_the_same_however_it_is_written(connection: Connection, written: str, typed: str) -> None:
    generation = make_generation(connection, prompt=written)
    assert found(connection, typed) == {generation.pk}


@unhurried
@given(prompt=st.text(_LETTERS, min_size=1, max_size=40), data=st.data())
def test_every_prompt_is_found_by_the_beginnings_of_its_words(
    connection: Connection, prompt: str, data: st.DataObject
) -> None:
    generation = make_generation(connection, prompt=prompt)
    words = "".join(c if c.isalnum() or c == ACCENT else " " for c in prompt).split()
    for word in words:
        ends = [end for end in range(2, len(word) + 1) if len(word[:end].replace(ACCENT, "")) > 1]
        if not ends:
            continue
        beginning = word[: data.draw(st.sampled_from(ends))]
        for common in (LOOKED_UP, WALKED):
            assert generation.pk in found(connection, beginning.swapcase(), common=common)


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_has_an_empty_index() -> None:
    connection = make_connection()
    make_generation(connection, prompt="heron")
    call_command("flush", interactive=False, verbosity=0)
    assert _is_sound()
    assert found(connection, "heron") == set()


@pytest.mark.django_db(transaction=True)
def test_the_index_can_be_taken_away_and_made_for_rows_that_exist() -> None:
    connection = make_connection()
    generation = make_generation(connection, prompt="heron")
    call_command("migrate", "generations", "0001", verbosity=0)
    call_command("migrate", verbosity=0)  # what depends on it as well
    assert _is_sound()
    assert found(connection, "heron") == {generation.pk}


def _is_sound() -> bool:
    """Compare the index with the rows it is of."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":  # raises where they differ
            cursor.execute("INSERT INTO generations_search(generations_search, rank) VALUES ('integrity-check', 1)")
            return True
        cursor.execute(
            "SELECT count(*) FROM generations_generation g FULL JOIN generations_search s ON s.generation_id = g.id "
            "WHERE s.document IS DISTINCT FROM generations_words(g.workspace_id, g.title, g.prompt, g.task_id)"
        )
        return bool(cursor.fetchone() == (0,))
