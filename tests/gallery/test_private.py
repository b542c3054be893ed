"""Private work: its owner's alone, wherever a colleague, an admin or a stranger might meet it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts import members
from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import Audience, owner_alone
from lumaboard.connections.models import Connection, PauseReason
from lumaboard.generations import operations
from lumaboard.generations.counters import Beat
from lumaboard.generations.counts import Bucket, counts_of
from lumaboard.generations.models import AssetRole, CopyState, Generation, RawAnswer, State
from lumaboard.generations.paging import keyset_page
from lumaboard.generations.search import Filters, rows_for_gallery
from lumaboard.ops.invariants import counts_are_right
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_kept_asset, make_member

HTMX = {"HX-Request": "true"}
NEWEST = "99999999999999999-1"


@pytest.fixture(autouse=True)
def worker(db: None) -> Beat:
    now = timezone.now()
    return Beat.objects.create(name="tick", due_at=now, beaten_at=now)


@pytest.fixture
def mia(alice: Membership) -> Membership:
    """A member, who keeps work to herself."""
    return make_member("Mia Moreau", role=Role.MEMBER, workspace=alice.workspace)


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


@pytest.fixture
def secret(connection: Connection, mia: Membership) -> Generation:
    """Mia's, private, with files and a raw answer."""
    made = make_generation(
        connection,
        state=State.SUCCEEDED,
        copy_state=CopyState.ARCHIVED,
        prompt="A hidden lagoon",
        model="secret-model",
        created_by=mia.user,
        is_private=True,
        applied_at=NOW,
    )
    for role in (AssetRole.RAW, AssetRole.WATERMARKED):
        make_kept_asset(made, role=role)
    make_kept_asset(made, b"a picture", role=AssetRole.CARD, extension="jpg")
    RawAnswer.objects.create(generation=made, body="{}", received_at=NOW)
    return made


def path_of(generation: Generation, page: str = "") -> str:
    return f"/w/{generation.workspace.slug}/g/{generation.pk}/{page}"


def gallery(membership: Membership, path: str = "") -> str:
    return client_of(membership).get(f"/w/{membership.workspace.slug}/{path}").content.decode()


def feed(membership: Membership, *, since: int, query: str = "") -> str:
    path = f"/w/{membership.workspace.slug}/live?since={since}&opened={since}&newest={NEWEST}&beating=1{query}"
    return client_of(membership).get(path, headers=HTMX).content.decode()


def seq_of(membership: Membership) -> int:
    membership.workspace.refresh_from_db()
    return membership.workspace.seq


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?view=list",
        "?state=ready",
        "?q=lagoon",
        "?q=hidden+lagoon",
        "?model=secret-model",
        "?owner={mia}",
        "filters/",
    ],
)
def test_no_page_of_a_colleague_or_an_admin_holds_it(
    secret: Generation, alice: Membership, bob: Membership, mia: Membership, path: str
) -> None:
    for colleague in (alice, bob):
        page = gallery(colleague, path.format(mia=mia.user.pk))
        for trace in (f"generation-{secret.pk}", f"/g/{secret.pk}/", "A hidden lagoon", "<option>secret-model"):
            assert trace not in page
    if path != "filters/":
        assert f"generation-{secret.pk}" in gallery(mia, path.format(mia=mia.user.pk))


def test_the_trash_of_a_colleague_does_not_hold_it(secret: Generation, alice: Membership, mia: Membership) -> None:
    operations.trash([secret], actor_id=mia.user.pk, now=NOW)
    assert "A hidden lagoon" not in gallery(alice, "trash/")
    assert "A hidden lagoon" in gallery(mia, "trash/")
    assert client_of(alice).post(path_of(secret, "restore/")).status_code == 404


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
@pytest.mark.parametrize(
    ("method", "page"),
    [
        ("get", "/w/{slug}/g/{pk}/"),
        ("get", "/w/{slug}/g/{pk}/live?since=0"),
        ("get", "/w/{slug}/g/{pk}/answer/"),
        ("get", "/w/{slug}/g/{pk}/rename/"),
        ("post", "/w/{slug}/g/{pk}/rename/"),
        ("post", "/w/{slug}/g/{pk}/trash/"),
        ("post", "/w/{slug}/g/{pk}/restore/"),
        ("post", "/w/{slug}/g/{pk}/check-now/"),
        ("post", "/w/{slug}/g/{pk}/fetch-again/"),
        ("post", "/w/{slug}/g/{pk}/stop-tracking/"),
        ("post", "/w/{slug}/g/{pk}/make-shared/"),
        ("post", "/w/{slug}/g/{pk}/make-private/"),
        ("get", "/media/{slug}/{pk}/main/"),
        ("get", "/media/{slug}/{pk}/card/"),
        ("get", "/media/{slug}/{pk}/watermarked/"),
        ("get", "/media/{slug}/{pk}/watermarked/download/"),
    ],
)
def test_for_everybody_else_it_is_an_id_that_does_not_exist(
    secret: Generation, request: pytest.FixtureRequest, who: str, method: str, page: str
) -> None:
    browser = client_of(request.getfixturevalue(who))
    slug = secret.workspace.slug
    answers = [getattr(browser, method)(page.format(slug=slug, pk=pk)) for pk in (secret.pk, 999_999_999)]
    there, missing = answers
    assert there.status_code == missing.status_code
    if there.status_code == 404:
        assert there.content == missing.content
    else:  # refused to the role, whatever the id; that page holds the time of day
        assert (who, there.status_code) == ("bob", 403)
    before = secret.rev
    secret.refresh_from_db()
    assert (secret.rev, secret.is_private, secret.trashed_at) == (before, True, None)


def test_a_range_of_its_film_is_refused(secret: Generation, alice: Membership, mia: Membership) -> None:
    url, ranged = f"/media/{secret.workspace.slug}/{secret.pk}/raw/", {"Range": "bytes=0-3"}
    assert client_of(alice).get(url, headers=ranged).status_code == 404
    assert client_of(mia).get(url, headers=ranged).status_code == 206


def test_its_owner_opens_it_and_sees_that_it_is_private(secret: Generation, mia: Membership) -> None:
    page = client_of(mia).get(path_of(secret)).content.decode()
    assert "Only you" in page
    assert "Share with everyone" in page
    card = gallery(mia)
    assert re.search(r'<span class="vh">Private</span>', card)


def test_counts_are_of_what_a_person_sees(
    secret: Generation, connection: Connection, alice: Membership, mia: Membership
) -> None:
    make_generation(connection, state=State.FAILED)
    for person, total, ready in ((alice, 1, 0), (mia, 2, 1)):
        shown = client_of(person).get(f"/w/{alice.workspace.slug}/").context
        assert (shown["shell"].total, shown["shell"].counts[Bucket.READY]) == (total, ready)
        assert shown["shell"].custody.safe_count == ready


def test_the_custody_panel_says_nothing_of_a_colleagues_danger(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    ends_at = timezone.now() + timedelta(minutes=3)
    make_generation(connection, state=State.SUCCEEDED, link_expires_at=ends_at, created_by=mia.user, is_private=True)
    shells = [client_of(one).get(f"/w/{alice.workspace.slug}/").context["shell"] for one in (alice, mia)]
    assert [(shell.custody.at_risk_count, shell.custody.first_ends_at) for shell in shells] == [(0, None), (1, ends_at)]


def test_a_connections_page_counts_what_its_reader_sees(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    make_generation(connection, created_by=mia.user, is_private=True)
    make_generation(connection)
    Connection.objects.update(pause_reason=PauseReason.KEY_REFUSED)
    assert (
        "1 generation waits"
        in client_of(alice).get(f"/w/{alice.workspace.slug}/settings/connections/").content.decode()
    )


def test_neighbours_are_those_a_person_sees(connection: Connection, alice: Membership, mia: Membership) -> None:
    old, hidden, new = (
        make_generation(connection, created_at=NOW + timedelta(hours=hours), created_by=mia.user, is_private=hours == 1)
        for hours in range(3)
    )
    for person, older in ((alice, old), (mia, hidden)):
        context = client_of(person).get(path_of(new)).context
        assert (context["newer"], context["older"]) == ("", path_of(older))


def test_making_private_takes_the_card_from_open_pages_and_counts_follow(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    shared = make_generation(connection, created_by=mia.user, prompt="A lagoon")
    since = seq_of(alice)
    assert client_of(mia).post(path_of(shared, "make-private/")).status_code == 302
    news = feed(alice, since=since)
    assert f'<article id="generation-{shared.pk}" hx-swap-oob="delete">' in news
    assert "A lagoon" not in news
    assert "Gallery, " not in news  # a count of 0 is not said
    own = feed(mia, since=since)
    assert "A lagoon" in own
    assert '<span class="vh">Private</span>' in own
    assert "Gallery, 1" in own


def test_an_open_page_of_it_is_gone_at_the_next_look(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    shared = make_generation(connection, created_by=mia.user)
    since = seq_of(alice)
    operations.set_private(shared, is_private=True, actor_id=mia.user.pk, now=timezone.now())
    assert client_of(alice).get(path_of(shared, f"live?since={since}&beating=1"), headers=HTMX).status_code == 404


def test_sharing_it_shows_it_as_new_to_colleagues_alone(
    secret: Generation, connection: Connection, alice: Membership, mia: Membership
) -> None:
    since = seq_of(alice)
    assert "new</a>" not in feed(alice, since=since)
    client_of(mia).post(path_of(secret, "make-shared/"))
    assert "1 new" in feed(alice, since=since)
    assert "1 new" not in feed(mia, since=since)
    assert f"generation-{secret.pk}" in gallery(alice)
    assert "1 new" not in feed(alice, since=since, query="&state=failed")


def test_sharing_again_what_was_the_newest_of_an_open_page_is_new_there(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    film = make_generation(connection, created_by=mia.user)
    newest = f"{int(film.created_at.timestamp() * 1_000_000)}-{film.pk}"
    since = seq_of(alice)
    for is_private in (True, False):
        operations.set_private(film, is_private=is_private, actor_id=mia.user.pk, now=NOW)
    path = f"/w/{alice.workspace.slug}/live?since={since + 1}&opened={since}&newest={newest}&beating=1"
    assert "1 new" in client_of(alice).get(path, headers=HTMX).content.decode()


def test_what_was_never_shown_is_not_named_in_a_colleagues_feed(
    secret: Generation, alice: Membership, mia: Membership
) -> None:
    since = seq_of(alice)
    operations.rename(secret, "A lagoon by night", actor_id=mia.user.pk, now=timezone.now())
    assert f"generation-{secret.pk}" not in feed(alice, since=since)
    assert f"generation-{secret.pk}" in feed(mia, since=since)


def test_only_its_owner_may_say_who_sees_it(connection: Connection, alice: Membership, mia: Membership) -> None:
    hers = make_generation(connection, created_by=mia.user)
    assert client_of(alice).post(path_of(hers, "make-private/")).status_code == 403
    assert "Make private" not in client_of(alice).get(path_of(hers)).content.decode()
    Membership.objects.filter(pk=mia.pk).update(role=Role.VIEWER)
    assert client_of(mia).post(path_of(hers, "make-private/")).status_code == 403
    assert client_of(mia).get(path_of(hers, "make-private/")).status_code == 405


def test_each_change_of_sight_is_audited_and_twice_is_once(connection: Connection, mia: Membership) -> None:
    hers, browser = make_generation(connection, created_by=mia.user), client_of(mia)
    for act in ("make-private/", "make-private/", "make-shared/"):
        browser.post(path_of(hers, act))
    verbs = AuditEvent.objects.filter(target_id=str(hers.pk)).order_by("id").values_list("verb", "actor")
    assert list(verbs) == [("make_private", mia.user.pk), ("make_shared", mia.user.pk)]


def test_what_was_done_to_it_is_for_its_owner_to_read(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    track = operations.track(
        connection, [operations.Wanted("an-id-to-hide")], created_by_id=mia.user.pk, is_private=True, now=NOW
    )
    row = Generation.objects.get(pk=track.created[0])
    operations.rename(row, "A lagoon", actor_id=mia.user.pk, now=timezone.now())
    told = AuditEvent.objects.filter(target_kind="generation", target_id=str(row.pk))
    assert {event.audience for event in told} == {owner_alone(mia.user.pk)}
    assert "A lagoon" in gallery(mia, "activity/")
    assert "A lagoon" not in gallery(alice, "activity/")
    operations.set_private(row, is_private=False, actor_id=mia.user.pk, now=timezone.now())
    assert {event.audience for event in told.all()} == {Audience.MEMBERS}
    assert "A lagoon" in gallery(alice, "activity/")
    operations.set_private(row, is_private=True, actor_id=mia.user.pk, now=timezone.now())
    assert {event.audience for event in told.all()} == {owner_alone(mia.user.pk)}


def test_that_many_were_tracked_in_private_is_not_told(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    wanted = [operations.Wanted(f"an-id-to-hide-{number}") for number in range(3)]
    tracked = operations.track(connection, wanted, created_by_id=mia.user.pk, is_private=True, now=NOW)
    first = Generation.objects.get(pk=tracked.created[0])
    operations.set_private(first, is_private=False, actor_id=mia.user.pk, now=NOW)
    verbs = AuditEvent.objects.exclude(audience=owner_alone(mia.user.pk)).values_list("verb", flat=True)
    assert list(verbs) == ["make_shared"]


def test_work_can_be_tracked_for_oneself_alone(connection: Connection, alice: Membership, mia: Membership) -> None:
    value = f"{connection.pk}:3fa85f64-5717-4562-b3fc-2c963f66afa6"
    path = f"/w/{alice.workspace.slug}/track/"
    client_of(mia).post(path, {"do_track": "1", "wanted": value, "is_private": "1"})
    row = Generation.objects.get(connection=connection)
    assert (row.is_private, row.created_by) == (True, mia.user)
    assert counts_of(alice.workspace.pk)[Bucket.QUEUED] == 0
    assert counts_of(alice.workspace.pk, seen_by=mia.user.pk)[Bucket.QUEUED] == 1


def test_the_dry_run_tells_a_colleague_only_that_an_id_is_taken(
    secret: Generation, connection: Connection, alice: Membership
) -> None:
    path = f"/w/{alice.workspace.slug}/track/"
    form = {"text": secret.task_id, "connection": connection.pk}
    page = client_of(alice).post(path, form).content.decode()
    assert "1 already here" in page
    assert "it is tracked already, for somebody alone" in page
    for trace in ("Mia", "A hidden lagoon", f"/g/{secret.pk}/"):
        assert trace not in page
    client_of(alice).post(path, {"do_track": "1", "wanted": f"{connection.pk}:{secret.task_id}"})
    row = Generation.objects.get(connection=connection, task_id=secret.task_id)
    assert (row.pk, row.is_private, row.created_by_id) == (secret.pk, True, secret.created_by_id)


def test_a_removed_members_private_work_waits_for_them(secret: Generation, alice: Membership, mia: Membership) -> None:
    remover = Member(user=alice.user, workspace=alice.workspace, role=Role.OWNER)
    members.remove(remover, mia.pk)
    assert client_of(mia).get(path_of(secret)).status_code == 404
    assert client_of(alice).get(path_of(secret)).status_code == 404
    assert counts_of(alice.workspace.pk)[Bucket.READY] == 0
    back = Membership.objects.create(user=mia.user, workspace=alice.workspace, role=Role.VIEWER)
    assert "A hidden lagoon" in gallery(back)
    assert list(counts_are_right(NOW)) == []


def test_a_deleted_persons_shared_work_stays_and_private_work_goes(
    secret: Generation, connection: Connection, mia: Membership
) -> None:
    shared = make_generation(connection, created_by=mia.user)
    mia.user.delete()
    shared.refresh_from_db()
    assert shared.created_by is None
    assert not Generation.objects.filter(pk=secret.pk).exists()
    assert list(counts_are_right(NOW)) == []


def test_private_work_without_an_owner_is_impossible(connection: Connection) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.create(
            workspace_id=connection.workspace_id, connection=connection, task_id="x", is_private=True
        )


@pytest.mark.parametrize("act", ["trash", "restore", "set_private", "set_shared"])
def test_counts_of_private_work_equal_recounts(secret: Generation, mia: Membership, act: str) -> None:
    actor_id = mia.user.pk
    acts: dict[str, Callable[[], object]] = {
        "trash": lambda: operations.trash([secret], actor_id=actor_id, now=NOW),
        "restore": lambda: operations.restore([secret], actor_id=actor_id, now=NOW),
        "set_private": lambda: operations.set_private(secret, is_private=True, actor_id=actor_id, now=timezone.now()),
        "set_shared": lambda: operations.set_private(secret, is_private=False, actor_id=actor_id, now=timezone.now()),
    }
    acts[act]()
    assert list(counts_are_right(NOW)) == []


@pytest.mark.parametrize("count", [2, 48])
def test_a_gallery_of_shared_and_private_work_costs_four_queries_beyond_sign_in(
    connection: Connection, mia: Membership, count: int
) -> None:
    for number in range(count):
        make_generation(connection, created_by=mia.user, is_private=number % 2 == 0)
    browser = client_of(mia)
    with CaptureQueriesContext(database) as queries:
        page = browser.get(f"/w/{mia.workspace.slug}/").content.decode()
    assert page.count("<article") == count
    assert len(queries) <= 2 + 4


def test_pages_of_shared_and_private_work_follow_each_other_without_a_gap(
    connection: Connection, mia: Membership, alice: Membership
) -> None:
    made = [
        make_generation(
            connection,
            created_at=NOW - timedelta(seconds=number // 3),  # three in the same moment
            created_by=(mia if number % 5 else alice).user,
            is_private=number % 2 == 0,
        )
        for number in range(40)
    ]
    seen_by_mia = [row for row in made if not row.is_private or row.created_by == mia.user]
    expected = [row.pk for row in sorted(seen_by_mia, key=lambda row: (row.created_at, row.pk), reverse=True)]
    rows = rows_for_gallery(connection.workspace_id, Filters(), seen_by=mia.user.pk)
    seen: list[int] = []
    page = keyset_page(rows, after="", before="", size=7)
    while page.older:
        seen += [row.pk for row in page.rows]
        page = keyset_page(rows, after=page.older, before="", size=7)
    assert [*seen, *(row.pk for row in page.rows)] == expected
    back = keyset_page(rows, after="", before=page.newer, size=7)
    assert [row.pk for row in back.rows] == expected[len(seen) - 7 : len(seen)]


def test_a_first_page_does_not_walk_over_what_colleagues_keep_private(
    connection: Connection, alice: Membership, mia: Membership
) -> None:
    """Each half of the page comes from an index that holds nothing else, in the order of the page, and is cut at its size."""
    rows = rows_for_gallery(connection.workspace_id, Filters(), seen_by=alice.user.pk)
    with CaptureQueriesContext(database) as queries:
        keyset_page(rows, after="", before="", size=48)
    (query,) = queries
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {query['sql']}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
    assert re.search(r"(INDEX|Index Scan using) gallery\b", plan), plan
    assert re.search(r"(INDEX|Index Scan using) gallery_of_private_work\b", plan), plan
    assert "TEMP B-TREE" not in plan
