"""The gallery as members, viewers and strangers meet it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.generations import operations
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import Asset, AssetRole, Attention, CopyState, Generation, State
from tests.conftest import client_of
from tests.factories import NOW, make_asset, make_connection, make_generation, make_member

HTMX = {"HX-Request": "true"}


def gallery(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/{path}"


@pytest.fixture
def worker(db: None) -> Beat:
    """A worker that gave a sign of life just now."""
    now = timezone.now()
    return Beat.objects.create(name="tick", due_at=now, beaten_at=now)


def test_a_visitor_is_sent_to_sign_in_and_back(alice: Membership, client: Client) -> None:
    answer = client.get(gallery(alice))
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={gallery(alice)}"


def test_a_strangers_404_is_that_of_a_workspace_that_does_not_exist(alice: Membership, charlie_client: Client) -> None:
    generation = make_generation(make_connection(alice.workspace))
    for path in (gallery(alice), gallery(alice, f"g/{generation.pk}/"), gallery(alice, "live")):
        stranger = charlie_client.get(path)
        missing = charlie_client.get(path.replace(alice.workspace.slug, "no-such-workspace"))
        assert stranger.status_code == missing.status_code == 404
        assert stranger.content == missing.content


def test_a_generation_of_another_workspace_is_not_found_here(
    alice_client: Client, alice: Membership, charlie: Membership
) -> None:
    theirs = make_generation(make_connection(charlie.workspace))
    ours = alice_client.get(gallery(alice, f"g/{theirs.pk}/"))
    none = alice_client.get(gallery(alice, "g/999999999/"))
    assert ours.status_code == none.status_code == 404
    assert ours.content == none.content


def test_an_empty_gallery_teaches_the_next_step(alice: Membership, alice_client: Client, bob_client: Client) -> None:
    assert "Track a generation" in alice_client.get(gallery(alice)).content.decode()
    assert "Track a generation" not in bob_client.get(gallery(alice)).content.decode()


def test_cards_say_state_and_custody_in_words(alice: Membership, alice_client: Client, worker: Beat) -> None:
    connection = make_connection(alice.workspace)
    make_generation(connection, state=State.QUEUED, prompt="A queued sea")
    make_generation(connection, state=State.RUNNING, prompt="A running sea")
    make_generation(
        connection, state=State.SUCCEEDED, prompt="A saving sea", link_expires_at=timezone.now() + timedelta(minutes=41)
    )
    make_generation(connection, state=State.SUCCEEDED, prompt="A safe sea", copy_state=CopyState.ARCHIVED)
    make_generation(connection, state=State.FAILED, prompt="A refused sea", failure_kind="moderation")
    make_generation(
        connection, state=State.SUCCEEDED, prompt="A lost sea", copy_state=CopyState.LOST, attention=Attention.LOST
    )
    page = alice_client.get(gallery(alice)).content.decode()
    for words in (
        "Queued",
        "Generating",
        "Saving copy",
        "At risk",
        "Ready",
        "Safe",
        "Stopped by moderation",
        "Lost",
        "Fetch again",
    ):
        assert words in page


@pytest.mark.parametrize("count", [2, 48])
def test_a_gallery_costs_four_queries_beyond_sign_in_whatever_it_shows(
    alice: Membership, alice_client: Client, worker: Beat, count: int
) -> None:
    connection = make_connection(alice.workspace)
    for n in range(count):
        make_generation(connection, state=[State.QUEUED, State.SUCCEEDED, State.FAILED][n % 3], created_by=alice.user)
    with CaptureQueriesContext(
        database,
    ) as queries:
        assert alice_client.get(gallery(alice)).status_code == 200
    assert len(queries) <= 2 + 4  # sign-in is the session, and the membership with its person and workspace


def test_a_quiet_workspace_answers_204_in_two_queries_without_touching_generations(
    alice: Membership, alice_client: Client, worker: Beat
) -> None:
    make_generation(make_connection(alice.workspace))
    with CaptureQueriesContext(database) as queries:
        answer = alice_client.get(gallery(alice, f"live?since={alice.workspace.seq}&beating=1"), headers=HTMX)
    assert answer.status_code == 204
    assert len(queries) <= 2
    assert not any("generations_generation" in query["sql"] for query in queries)


@pytest.mark.parametrize("page", ["", "g/{pk}/"])
def test_a_page_that_is_ahead_of_a_restored_backup_loads_itself_anew(
    alice: Membership, alice_client: Client, worker: Beat, page: str
) -> None:
    generation = make_generation(make_connection(alice.workspace))
    alice.workspace.refresh_from_db()
    path = f"{page.format(pk=generation.pk)}live?since={alice.workspace.seq + 5}&beating=1"
    answer = alice_client.get(gallery(alice, path), headers=HTMX)
    assert answer.status_code == 204
    assert answer.headers["HX-Refresh"] == "true"


def test_a_changed_card_arrives_alone_and_counts_follow(alice: Membership, alice_client: Client, worker: Beat) -> None:
    connection = make_connection(alice.workspace)
    changed, untouched = (
        make_generation(connection),
        make_generation(connection, created_at=timezone.now() - timedelta(days=1)),
    )
    alice.workspace.refresh_from_db()
    seq = alice.workspace.seq
    operations.rename(changed, "Renamed while you looked", actor_id=alice.user.pk, now=timezone.now())
    answer = alice_client.get(gallery(alice, f"live?since={seq}&beating=1&newest=99999999999999999-1"), headers=HTMX)
    page = answer.content.decode()
    assert f'id="generation-{changed.pk}"' in page
    assert f'id="generation-{untouched.pk}"' not in page
    assert "Renamed while you looked" in page
    assert f"since={seq + 1}" in page
    for piece in ("rail-nav", "custody", "banner", "states", "new-pill"):
        assert re.search(rf'id="{piece}"[^>]* hx-swap-oob=', page), piece


def test_a_new_generation_raises_the_pill_instead_of_a_jump(
    alice: Membership, alice_client: Client, worker: Beat
) -> None:
    connection = make_connection(alice.workspace)
    first = make_generation(connection)
    newest = f"{int(first.created_at.timestamp() * 1_000_000)}-{first.pk}"
    later = operations.track(connection, [operations.Wanted("another-id-1")], created_by_id=None, now=timezone.now())
    page = alice_client.get(gallery(alice, f"live?since=0&newest={newest}&beating=1"), headers=HTMX).content.decode()
    assert "1 new" in page
    assert f'id="generation-{later.created[0]}"' not in page


def test_the_page_says_when_the_worker_is_not_running(alice: Membership, alice_client: Client, worker: Beat) -> None:
    assert "The worker is not running" not in alice_client.get(gallery(alice)).content.decode()
    Beat.objects.update(beaten_at=timezone.now() - timedelta(minutes=1))
    assert "The worker is not running" in alice_client.get(gallery(alice)).content.decode()
    quiet = alice_client.get(gallery(alice, f"live?since={alice.workspace.seq}&beating=1"), headers=HTMX)
    assert "The worker is not running" in quiet.content.decode()


def test_pages_follow_each_other_without_gap_or_repeat(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    same_time = timezone.now()
    made = [make_generation(connection, created_at=same_time - timedelta(seconds=n // 3)).pk for n in range(100)]
    rows = Generation.objects.newest_first().values_list("pk", flat=True)
    seen, path = [], gallery(alice)
    for _page in range(3):
        answer = alice_client.get(path)
        page = answer.context["page"]
        seen += [row.pk for row in page.rows]
        path = gallery(alice, f"?after={page.older}")
    assert seen == list(rows)
    assert sorted(seen) == sorted(made)
    back = alice_client.get(gallery(alice, f"?before={answer.context['page'].newer}"))
    assert [row.pk for row in back.context["page"].rows] == seen[48:96]


def test_htmx_gets_the_next_page_alone_and_an_address_that_returns_to_it(
    alice: Membership, alice_client: Client
) -> None:
    connection = make_connection(alice.workspace)
    for n in range(60):
        make_generation(connection, created_at=timezone.now() - timedelta(seconds=n))
    older = alice_client.get(gallery(alice)).context["page"].older
    answer = alice_client.get(gallery(alice, f"?after={older}&pages=2"), headers=HTMX)
    assert answer.content.decode().count("<article") == 12
    assert "<html" not in answer.content.decode()
    assert alice_client.get(answer["HX-Replace-Url"]).content.decode().count("<article") == 60


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=failed", {"refused"}),
        ("state=in-progress", {"queued"}),
        ("state=ready", {"safe"}),
        ("q=SAFE+sea", {"safe"}),
        ("q=%00", {"queued", "safe", "refused"}),
        ("model=ray-2", {"safe"}),
        ("from=2001-01-01&to=2002-01-01", set()),
        ("from=nonsense&owner=x&connection=%F0%9F%98%80&state=none&after=zzz", {"queued", "safe", "refused"}),
        ("owner=999999999999999", set()),
    ],
)
def test_filters_stand_in_the_address(alice: Membership, alice_client: Client, query: str, shown: set[str]) -> None:
    connection = make_connection(alice.workspace)
    make_generation(connection, prompt="queued sea")
    make_generation(connection, prompt="safe sea", state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED, model="ray-2")
    make_generation(connection, prompt="refused sea", state=State.FAILED)
    rows = alice_client.get(gallery(alice, f"?{query}")).context["page"].rows
    assert {row.prompt.split()[0] for row in rows} == shown


@pytest.mark.parametrize("state", [State.FAILED, State.SUCCEEDED])
def test_check_now_from_a_page_of_before_the_end_asks_nothing(
    alice: Membership, alice_client: Client, state: State
) -> None:
    row = make_generation(make_connection(alice.workspace), state=state)
    answer = alice_client.post(gallery(alice, f"g/{row.pk}/check-now/"), follow=True)
    assert "It has ended meanwhile" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.rev, row.acted_by) == (state, 0, None)
    assert row.transitions.count() == 2


def test_the_page_of_one_that_failed_offers_to_ask_once_more(alice: Membership, alice_client: Client) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.FAILED)
    address = gallery(alice, f"g/{row.pk}/")
    assert '<input type="hidden" name="reopen" value="1">' in alice_client.get(address).content.decode()
    alice_client.post(f"{address}check-now/", {"reopen": "1"})
    row.refresh_from_db()
    assert row.state == State.RUNNING
    assert 'name="reopen"' not in alice_client.get(address).content.decode()


def test_a_viewer_looks_but_may_not_touch(alice: Membership, bob: Membership, bob_client: Client) -> None:
    generation = make_generation(make_connection(alice.workspace), created_by=alice.user)
    assert bob_client.get(gallery(alice, f"g/{generation.pk}/")).status_code == 200
    for act in ("trash", "check-now", "stop-tracking", "fetch-again", "rename", "restore"):
        assert bob_client.post(gallery(alice, f"g/{generation.pk}/{act}/")).status_code == 403
    assert bob_client.get(gallery(alice, "track/")).status_code == 403
    assert bob_client.get(gallery(alice, f"g/{generation.pk}/answer/")).status_code == 403
    generation.refresh_from_db()
    assert generation.trashed_at is None


def test_a_member_changes_own_work_only(alice: Membership) -> None:
    mia = make_member("Mia", role="member", workspace=alice.workspace)
    connection = make_connection(alice.workspace)
    own, hers = make_generation(connection, created_by=mia.user), make_generation(connection, created_by=alice.user)
    browser = client_of(mia)
    assert browser.post(gallery(alice, f"g/{own.pk}/trash/")).status_code == 302
    assert browser.post(gallery(alice, f"g/{hers.pk}/trash/")).status_code == 403


def test_trash_takes_away_and_undo_brings_back(alice: Membership, alice_client: Client) -> None:
    generation = make_generation(make_connection(alice.workspace), prompt="A sea to throw away")
    after = alice_client.post(gallery(alice, f"g/{generation.pk}/trash/"), follow=True).content.decode()
    assert "A sea to throw away" not in after
    assert "Moved to trash" in after
    assert f"/g/{generation.pk}/restore/" in after
    assert "A sea to throw away" in alice_client.get(gallery(alice, "trash/")).content.decode()
    alice_client.post(gallery(alice, f"g/{generation.pk}/restore/"))
    assert "A sea to throw away" in alice_client.get(gallery(alice)).content.decode()


def test_trash_from_a_generations_own_page_leads_to_the_gallery(alice: Membership, alice_client: Client) -> None:
    generation = make_generation(make_connection(alice.workspace))
    page = f"http://testserver{gallery(alice, f'g/{generation.pk}/')}"
    answer = alice_client.post(gallery(alice, f"g/{generation.pk}/trash/"), headers={"Referer": page})
    assert answer.headers["Location"] == gallery(alice)


@pytest.mark.parametrize(
    "prompt",
    [
        "emoji 🌊🦑",
        "\u202eright to left שלום",
        "x" * 5000,
        "<script>alert(1)</script>",
        "line\nbreak\ttab",
        "{{ 7|add:7 }}",
    ],
)
def test_any_prompt_is_shown_as_text(alice: Membership, alice_client: Client, prompt: str) -> None:
    generation = make_generation(make_connection(alice.workspace), prompt=prompt)
    for path in ("", f"g/{generation.pk}/", "?view=list"):
        answer = alice_client.get(gallery(alice, path))
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


def test_pictures_that_are_still_being_made_are_not_asked_for(alice: Membership, alice_client: Client) -> None:
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, copy_state=CopyState.ARCHIVED)
    kept = {"copy_state": CopyState.ARCHIVED, "next_copy_at": None, "content_type": "video/mp4", "size": 10}
    make_asset(row, stored_name="1/aa/a.mp4", sha256="a" * 64, archived_at=NOW, **kept)
    pictures = [make_asset(row, role=role) for role in ("poster", "sprite")]
    page = f"g/{row.pk}/"
    assert "/main/" in (shown := alice_client.get(gallery(alice, page)).content.decode())
    assert "/poster/" not in shown
    assert "/sprite/" not in shown
    for number, picture in enumerate(pictures):
        made = {**kept, "stored_name": f"1/bb/{number}.webp", "sha256": str(number) * 64, "archived_at": NOW}
        Asset.objects.filter(pk=picture.pk).update(**made)
    shown = alice_client.get(gallery(alice, page)).content.decode()
    assert "/poster/" in shown
    assert "/sprite/" in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"next_copy_at": None}, None),
        ({"next_copy_at": NOW}, "Being made"),
        ({"copy_state": CopyState.LOST, "next_copy_at": None, "error_text": "It cannot be decoded."}, "Not made"),
    ],
)
def test_a_preview_is_listed_among_the_files_once_it_is_begun(
    fields: dict[str, object], said: str | None, alice: Membership, alice_client: Client
) -> None:
    generation = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    make_asset(generation, role=AssetRole.PREVIEW, **fields)
    page = alice_client.get(gallery(alice, f"g/{generation.pk}/")).content.decode()
    assert ("Marked preview" in page) == (said is not None)
    assert (said or "") in page
    assert str(fields.get("error_text", "")) in page


def test_every_detail_state_opens(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    rows = [
        make_generation(connection),
        make_generation(connection, state=State.RUNNING, attention=Attention.KEY_REFUSED),
        make_generation(connection, state=State.RUNNING, attention=Attention.UNKNOWN_ID),
        make_generation(
            connection, state=State.FAILED, failure_kind="input", failure_reason="Failed to read user input frames"
        ),
        make_generation(
            connection,
            state=State.SUCCEEDED,
            copy_state=CopyState.LOST,
            attention=Attention.LOST,
            copy_error="Its link ended.",
        ),
        *(
            make_generation(connection, state=State.RUNNING, attention=word)
            for word in (Attention.MISSING, Attention.NO_LINK, Attention.PARKED)
        ),
    ]
    words = [
        "Queued",
        "Key refused",
        "Not found upstream",
        "Failed to read user input frames",
        "Its link ended.",
        "Not found upstream",
        "Finished without a file",
        "Still not finished",
    ]
    for row, word in zip(rows, words, strict=True):
        answer = alice_client.get(gallery(alice, f"g/{row.pk}/"))
        assert answer.status_code == 200
        assert word in answer.content.decode()
        assert alice_client.get(gallery(alice, f"g/{row.pk}/live?since=0"), headers=HTMX).status_code == 200


@pytest.mark.parametrize(
    "query", ["to=9999-12-31", "from=9999-12-31&to=9999-12-31", "after=1-1&start=%0a", "after=%0a", "start=²&after=1-1"]
)
def test_addresses_at_the_edge_open(alice: Membership, alice_client: Client, query: str) -> None:
    make_generation(make_connection(alice.workspace))
    for path in (f"?{query}", f"live?since=0&beating=x&{query}"):
        for headers in ({}, HTMX):
            assert alice_client.get(gallery(alice, path), headers=headers).status_code == 200


def test_what_is_selected_goes_to_the_trash_together_as_far_as_one_may(
    alice: Membership, alice_client: Client, charlie: Membership
) -> None:
    dana = make_member("Dana Dale", role=Role.MEMBER, workspace=alice.workspace)
    connection = make_connection(alice.workspace)
    own, others = (make_generation(connection, created_by=maker.user) for maker in (dana, alice))
    elsewhere = make_generation(make_connection(charlie.workspace))
    selected = {"g": [own.pk, others.pk, elsewhere.pk, "x", "9" * 30]}
    answer = client_of(dana).post(gallery(alice, "trash/move/"), selected, follow=True)
    assert "1 generation moved to trash. 1 is another’s and stays." in answer.content.decode()
    assert list(Generation.objects.filter(trashed_at=None).order_by("pk")) == [others, elsewhere]
    assert client_of(dana).post(gallery(alice, "trash/move/"), {"g": others.pk}).status_code == 403
    alice_client.post(gallery(alice, "trash/move/"), {"g": others.pk})
    back = alice_client.post(gallery(alice, f"trash/restore/?g={own.pk}&g={others.pk}"), follow=True)
    assert "2 generations brought back." in back.content.decode()
    assert not Generation.objects.exclude(trashed_at=None).exists()


def test_more_than_can_be_moved_at_once_are_refused_as_a_whole(alice: Membership, alice_client: Client) -> None:
    generation = make_generation(make_connection(alice.workspace), created_by=alice.user)
    selected = {"g": [generation.pk, *range(10**6, 10**6 + 200)]}
    answer = alice_client.post(gallery(alice, "trash/move/"), selected, follow=True)
    assert "At most 200 generations at once: choose fewer." in answer.content.decode()
    assert not Generation.objects.exclude(trashed_at=None).exists()


def test_only_those_who_may_share_can_select_and_share(
    alice: Membership, alice_client: Client, bob_client: Client
) -> None:
    row = make_generation(make_connection(alice.workspace), created_by=alice.user)
    for path in ("", f"g/{row.pk}/"):
        assert "shares/new/" in alice_client.get(gallery(alice, path)).content.decode()
        assert "shares/new/" not in bob_client.get(gallery(alice, path)).content.decode()
    assert bob_client.post(gallery(alice, "trash/move/"), {"g": row.pk}).status_code == 403
    Generation.objects.filter(pk=row.pk).update(is_private=True)
    assert "share-open" not in alice_client.get(gallery(alice, f"g/{row.pk}/")).content.decode()
