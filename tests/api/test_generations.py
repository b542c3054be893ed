"""Generations by API: the gallery's filters and pages, and what one may do to a generation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import ApiToken, Membership, Role
from lumaboard.generations.models import AssetRole, Generation, State
from lumaboard.generations.remarks import Favourite
from tests.api.conftest import Program, program_of
from tests.factories import NOW, make_connection, make_generation, make_kept_asset, make_member, make_token

pytestmark = pytest.mark.django_db
ID = "ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36"
FILM = b"a film of some bytes"


def ids_of(page: dict[str, Any]) -> list[int]:
    return [item["id"] for item in page["items"]]


def all_ids(program: Program, path: str) -> list[int]:
    """Walk every page."""
    found, after = [], ""
    while True:
        page = program.get(f"{path}&after={after}")
        found += ids_of(page)
        if page["next"] is None:
            return found
        after = page["next"]


def test_the_list_is_paged_newest_first_and_stays_put_while_rows_come_in(alice: Membership, program: Program) -> None:
    connection = make_connection(alice.workspace)
    made = [make_generation(connection, created_at=NOW + timedelta(minutes=n // 2)).pk for n in range(7)]
    first = program.get("/generations?limit=3")
    make_generation(connection, created_at=NOW + timedelta(days=1))
    rest = all_ids(program, "/generations?limit=3")[1:]
    assert ids_of(first) == made[::-1][:3]
    assert rest == made[::-1]
    assert ids_of(program.get(f"/generations?limit=3&after={first['next']}")) == made[::-1][3:6]


def test_the_filters_are_the_gallerys(alice: Membership, bob: Membership, program: Program) -> None:
    connection, other = make_connection(alice.workspace), make_connection(alice.workspace, name="Other")
    ready = make_generation(connection, state=State.SUCCEEDED, created_by=alice.user, model="ray-2", prompt="a red fox")
    queued = make_generation(other, created_by=bob.user, created_at=NOW - timedelta(days=3))
    trashed = make_generation(connection, trashed_at=NOW)
    Favourite.objects.create(generation=queued, user=alice.user)
    for query, wanted in {
        "state=ready": [ready.pk],
        "state=in-progress": [queued.pk],
        f"owner={bob.user.pk}": [queued.pk],
        "owner=me": [ready.pk],
        "favourites=true": [queued.pk],
        f"connection={other.pk}": [queued.pk],
        "model=ray-2": [ready.pk],
        "to=2026-11-20": [queued.pk],
        "from=2026-11-21": [ready.pk],
        "q=red+fo": [ready.pk],
        "trash=true": [trashed.pk],
        "": [ready.pk, queued.pk],
    }.items():
        assert ids_of(program.get(f"/generations?{query}")) == wanted, query


def test_private_work_is_in_its_owners_lists_alone(alice: Membership) -> None:
    owner = make_member("Mia", role=Role.MEMBER, workspace=alice.workspace)
    row = make_generation(make_connection(alice.workspace), created_by=owner.user, is_private=True)
    assert ids_of(program_of(owner).get("/generations")) == [row.pk]
    assert ids_of(program_of(alice).get("/generations")) == []


def test_a_page_costs_the_same_however_long_it_is(alice: Membership, program: Program) -> None:
    def cost() -> int:
        program.get("/me")  # so that the token's use is noted
        with CaptureQueriesContext(database) as queries:
            program.get("/generations")
        return len(queries)

    connection = make_connection(alice.workspace)
    make_generation(connection, created_by=alice.user)
    few = cost()
    for name in ("Dana", "Eve", "Finn"):
        owner = make_member(name, role=Role.MEMBER, workspace=alice.workspace)
        make_generation(make_connection(alice.workspace, name=name), created_by=owner.user)
    assert cost() == few == 2  # who asks, and the page


def test_a_dry_run_tells_what_tracking_would_do_and_does_nothing(alice: Membership, program: Program) -> None:
    known = make_generation(make_connection(alice.workspace))
    body = {"ids": [ID, known.task_id, "no id!"], "is_dry_run": True}
    told = program.ask("post", "/generations/track", body).json()
    assert told["new"] == [{"task_id": ID, "id": None}]
    assert told["known"] == [{"task_id": known.task_id, "id": known.pk}]
    assert told["unreadable"] == ["no id!"]
    assert Generation.objects.count() == 1


def test_tracking_twice_is_once_and_the_makers(alice: Membership, program: Program) -> None:
    make_connection(alice.workspace)
    first, second = (program.ask("post", "/generations/track", {"text": f"curl …/{ID}"}).json() for _ in range(2))
    row = Generation.objects.get()
    assert first["new"] == second["known"] == [{"task_id": ID, "id": row.pk}]
    assert row.created_by == alice.user


def test_a_colleagues_private_one_is_known_without_its_id(alice: Membership, program: Program) -> None:
    owner = make_member("Mia", role=Role.MEMBER, workspace=alice.workspace)
    row = make_generation(make_connection(alice.workspace), created_by=owner.user, is_private=True)
    told = program.ask("post", "/generations/track", {"ids": [row.task_id]}).json()
    assert told["known"] == [{"task_id": row.task_id, "id": None}]


def test_with_several_connections_one_has_to_be_named_and_be_of_the_workspace(
    alice: Membership, charlie: Membership, program: Program
) -> None:
    one, _other, strange = (make_connection(who.workspace) for who in (alice, alice, charlie))
    for number, status in ((None, 422), (strange.pk, 422), (one.pk, 200)):
        body = {"ids": [ID], **({"connection": number} if number else {})}
        assert program.ask("post", "/generations/track", body).status_code == status
    told = program.ask("post", "/generations/track", {"ids": [ID]}).json()["error"]["fields"]
    assert f"{one.pk} is {one.name}" in told[0]["message"]
    assert f"{strange.pk} is" not in told[0]["message"]
    its_own = Program(make_token(alice, "track", connection_id=one.pk).token)
    assert its_own.ask("post", "/generations/track", {"ids": [ID]}).json()["connection"]["id"] == one.pk


def test_renaming_trashing_and_bringing_back(alice: Membership, program: Program) -> None:
    pk = make_generation(make_connection(alice.workspace), created_by=alice.user).pk
    assert program.ask("patch", f"/generations/{pk}", {"title": " The  fox "}).json()["title"] == "The fox"
    assert [program.ask("delete", f"/generations/{pk}").status_code for _ in range(2)] == [204, 204]
    assert program.get(f"/generations/{pk}")["trashed_at"]
    assert program.ask("post", f"/generations/{pk}/restore").json()["trashed_at"] is None


def test_a_refresh_makes_a_generation_due(alice: Membership, program: Program) -> None:
    row = make_generation(
        make_connection(alice.workspace), created_by=alice.user, next_refresh_at=NOW + timedelta(days=9)
    )
    assert program.ask("post", f"/generations/{row.pk}/refresh").status_code == 200
    row.refresh_from_db()
    assert row.next_refresh_at is not None
    assert row.next_refresh_at < NOW + timedelta(days=9)


@pytest.mark.parametrize(("state", "after"), [(State.FAILED, State.RUNNING), (State.SUCCEEDED, State.SUCCEEDED)])
def test_a_refresh_asks_once_more_about_what_failed_and_leaves_what_is_ready(
    alice: Membership, program: Program, state: State, after: State
) -> None:
    row = make_generation(make_connection(alice.workspace), state=state, created_by=alice.user)
    assert program.ask("post", f"/generations/{row.pk}/refresh").json()["state"] == after


def test_transitions_come_in_their_order(alice: Membership, program: Program) -> None:
    pk = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED).pk
    told = program.get(f"/generations/{pk}/transitions")["items"]
    assert [(one["number"], one["to_state"]) for one in told] == [(1, "queued"), (2, "succeeded")]


@pytest.fixture
def film(alice: Membership) -> Generation:
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, created_by=alice.user)
    make_kept_asset(row, FILM)
    make_kept_asset(row, b"marked", role=AssetRole.WATERMARKED)
    return row


def test_bytes_come_with_the_token_whole_and_in_ranges(film: Generation, program: Program) -> None:
    told = program.get(f"/generations/{film.pk}/assets")["items"][0]
    path = told["url"].removeprefix("/api/v1")
    whole = program.ask("get", path)
    assert (whole.getvalue(), len(FILM)) == (FILM, told["size"])
    assert whole.headers["ETag"] == f'"{told["sha256"]}"'
    part = program.ask("get", path, Range="bytes=5-")
    assert (part.status_code, part.getvalue()) == (206, FILM[5:])
    assert Program().ask("get", path).status_code == 401
    assert program.ask("head", path).headers["Content-Length"] == str(len(FILM))
    assert program.ask("get", path, Range="bytes=99-").json()["error"]["code"] == "range_not_satisfiable"


def test_a_viewer_has_no_raw_file_by_any_way(film: Generation, bob: Membership) -> None:
    program, path = program_of(bob), f"/generations/{film.pk}/assets"
    assert [one["role"] for one in program.get(path)["items"]] == ["watermarked"]
    assert program.ask("get", f"{path}/raw/file").status_code == 403
    assert program.ask("post", f"{path}/raw/link").status_code == 403
    assert program.ask("get", f"{path}/main/file").getvalue() == b"marked"


def test_a_download_link_works_without_the_token_and_ends_with_it(film: Generation, program: Program) -> None:
    made = program.ask("post", f"/generations/{film.pk}/assets/main/link").json()
    path = made["url"].partition("/api/v1")[2]
    assert Program().ask("get", path).getvalue() == FILM
    assert Program().ask("get", f"{path}x").status_code == 404
    ApiToken.objects.update(revoked_at=NOW)
    assert Program().ask("get", path).status_code == 404


def test_a_download_link_ends_after_five_minutes(film: Generation, program: Program) -> None:
    made = program.ask("post", f"/generations/{film.pk}/assets/main/link").json()
    path = made["url"].partition("/api/v1")[2]
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        assert Program().ask("get", path).status_code == 404


def test_a_download_is_recorded(film: Generation, program: Program) -> None:
    program.ask("get", f"/generations/{film.pk}/assets/raw/file").getvalue()
    verbs = [one["verb"] for one in program.get("/activity")["items"]]
    assert "download" in verbs
