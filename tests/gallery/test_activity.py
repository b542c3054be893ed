"""The activity page: who did what, for whom it is, by what it is filtered, and what it costs."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db.models import Model
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, Role, User
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.audit.search import Filters
from lumaboard.connections.models import Connection
from lumaboard.gallery import activity, export
from lumaboard.generations import operations
from lumaboard.generations.models import Generation, State
from lumaboard.generations.operations import Wanted
from lumaboard.leaving.erasing import erase
from lumaboard.sharing.operations import Terms, make_link
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_generation, make_member

HTMX = {"HX-Request": "true"}


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace, name="Studio key")


@pytest.fixture
def dana(alice: Membership) -> Membership:
    """A member in Alice's workspace, who makes films."""
    return make_member("Dana Diaz", role=Role.MEMBER, workspace=alice.workspace)


def url(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/activity/{path}"


def said(page: HttpResponse) -> list[str]:
    """The sentences on a page, as they are read."""
    cells = re.findall(r"<td><div class=\"person\">.*?</span><p>(.*?)</p></div></td>", page.content.decode(), re.DOTALL)
    return [html.unescape(" ".join(re.sub(r"<[^>]+>", "", cell).split())) for cell in cells]


def note(actor: Membership, target: Model, *, verb: str = "check_now", at: datetime = NOW) -> AuditEvent:
    event = record(verb, workspace_id=actor.workspace_id, actor_id=actor.user_id, target=target)
    AuditEvent.objects.filter(pk=event.pk).update(at=at)
    event.at = at
    return event


def rows_of(answer: StreamingHttpResponse) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(csv.reader(io.StringIO(text)))


def cost(client: Client, path: str) -> int:
    with CaptureQueriesContext(database) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


# What it says --------------------------------------------------------------------------------------------------------


def test_acts_are_told_in_sentences_newest_first(alice: Membership, dana: Membership, connection: Connection) -> None:
    operations.track(connection, [Wanted("one", prompt="A lighthouse")], created_by_id=dana.user_id, now=NOW)
    film = Generation.objects.get()
    operations.rename(film, "Take 7", actor_id=dana.user_id, now=NOW)
    operations.rename(film, "", actor_id=alice.user_id, now=NOW)
    operations.trash([film], actor_id=alice.user_id, now=NOW)
    operations.restore([film], actor_id=dana.user_id, now=NOW)
    operations.track(connection, map(Wanted, ("two", "three")), created_by_id=dana.user_id, now=NOW)
    assert said(client_of(alice).get(url(alice))) == [
        "Dana Diaz tracked 2 generations",
        "Dana Diaz brought A lighthouse back from the trash",
        "Alice Adams moved A lighthouse to the trash",
        "Alice Adams removed the title “Take 7” from A lighthouse",
        "Dana Diaz renamed “A lighthouse” to Take 7",
        "Dana Diaz tracked A lighthouse",
    ]


def test_a_sentence_leads_to_what_it_is_about(alice: Membership, alice_client: Client, connection: Connection) -> None:
    film = make_generation(connection, prompt="Harbour <b>& sea</b>")
    note(alice, film)
    page = alice_client.get(url(alice)).content.decode()
    assert f'<a href="/w/{alice.workspace.slug}/g/{film.pk}/">Harbour &lt;b&gt;&amp; sea&lt;/b&gt;</a>' in page


def test_many_tracked_at_once_lead_to_the_gallery_of_that_day(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    operations.track(connection, map(Wanted, ("one", "two")), created_by_id=alice.user_id, now=NOW)
    day = AuditEvent.objects.get().at.date()
    address = f"/w/{alice.workspace.slug}/?owner={alice.user_id}&amp;from={day}&amp;to={day}"
    assert f'href="{address}"' in alice_client.get(url(alice)).content.decode()


def test_a_share_link_is_named_and_leads_to_its_terms_for_who_may_change_them(
    alice: Membership, dana: Membership, bob_client: Client, connection: Connection
) -> None:
    film = make_generation(connection, state=State.SUCCEEDED)
    maker = Member(user=dana.user, workspace=alice.workspace, role=Role.MEMBER)
    link = make_link(maker, [film.pk], Terms(name="For the client", expires_at=None), now=NOW)
    leads_there = f'href="/w/{alice.workspace.slug}/shares/{link.pk}/"'
    for client, is_allowed in ((client_of(alice), True), (client_of(dana), True), (bob_client, False)):
        page = client.get(url(alice, "?kind=shares"))
        assert said(page) == ["Dana Diaz made the share link For the client"]
        assert (leads_there in page.content.decode()) == is_allowed


def test_what_is_gone_is_told_without_its_name(alice: Membership, alice_client: Client, charlie: Membership) -> None:
    elsewhere = make_generation(make_connection(charlie.workspace), prompt="Somebody else's secret")
    note(alice, elsewhere)
    page = alice_client.get(url(alice))
    assert said(page) == ["Alice Adams asked the provider about a generation again"]
    assert "secret" not in page.content.decode()


def test_those_who_left_are_marked_and_those_who_were_erased_are_nameless(
    alice: Membership, alice_client: Client, dana: Membership, connection: Connection
) -> None:
    film = make_generation(connection, prompt="Harbour")
    note(dana, film)
    dana.delete()
    assert said(alice_client.get(url(alice))) == [
        "Dana Diaz Former member asked the provider about Harbour again",
    ]
    erase(dana.user, now=NOW)
    assert said(alice_client.get(url(alice))) == ["Former member asked the provider about Harbour again"]
    exported = str(export_of(alice_client, url(alice, "export/")))
    assert "Diaz" not in exported
    assert "@erased" not in exported
    assert names(alice_client.get(url(alice, "filters/"))) == ["Anyone", "Alice Adams"]
    User.objects.filter(pk=dana.user_id).delete()
    AuditEvent.objects.filter(verb="activity.exported").delete()
    assert said(alice_client.get(url(alice))) == ["Former member asked the provider about Harbour again"]


def test_what_the_program_did_by_itself_is_nobodys(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    record("connection.paused", workspace_id=alice.workspace_id, actor_id=None, target=connection)
    assert said(alice_client.get(url(alice))) == ["Lumaboard paused Studio key"]


def test_times_and_days_are_those_of_whoever_looks(alice: Membership, connection: Connection) -> None:
    User.objects.filter(pk=alice.user_id).update(time_zone="Pacific/Auckland")
    note(alice, make_generation(connection), at=datetime(2026, 11, 22, 12, 30, tzinfo=UTC))
    page = client_of(alice).get(url(alice)).content.decode()
    assert "Mon 23 Nov 2026" in page
    assert ">01:30</time>" in page


def test_an_empty_page_says_what_will_stand_there(alice: Membership, alice_client: Client, bob_client: Client) -> None:
    for client in (alice_client, bob_client):
        page = client.get(url(alice)).content.decode()
        assert "Nothing here yet" in page
        assert "Export CSV" not in page


# Who may -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_what_happened_to_keys_and_people_is_for_admins(role: Role, alice: Membership, connection: Connection) -> None:
    note(alice, make_generation(connection, prompt="Harbour"))
    record("connection.added", workspace_id=alice.workspace_id, actor_id=alice.user_id, target=connection)
    record("member.left", workspace_id=alice.workspace_id, actor_id=alice.user_id, target=alice.user)
    client = client_of(make_member("Rita Role", role=role, workspace=alice.workspace))
    is_admin = role in (Role.ADMIN, Role.OWNER)
    page = client.get(url(alice))
    assert len(said(page)) == (3 if is_admin else 1)
    assert ("Export CSV" in page.content.decode()) == is_admin
    assert len(said(client.get(url(alice, "?kind=keys")))) == 1  # to others an unknown kind, so everything they may see
    assert client.get(url(alice, "export/")).status_code == (200 if is_admin else 403)


def test_another_workspaces_acts_are_not_told_here(
    alice: Membership, alice_client: Client, charlie: Membership
) -> None:
    note(charlie, make_generation(make_connection(charlie.workspace)))
    record("signed_in", workspace_id=None, actor_id=alice.user_id, target=alice.user)
    assert said(alice_client.get(url(alice))) == []
    assert charlie.user.name not in alice_client.get(url(alice, "filters/")).content.decode()


def test_what_is_done_to_private_work_is_told_to_its_owner_alone(
    alice: Membership, alice_client: Client, dana: Membership, connection: Connection
) -> None:
    film = make_generation(connection, created_by=dana.user, prompt="Harbour")
    note(dana, film)
    operations.set_private(film, is_private=True, actor_id=dana.user_id, now=NOW)  # and what was done to it before
    operations.rename(film, "Secret harbour", actor_id=dana.user_id, now=NOW)
    assert said(client_of(dana).get(url(alice))) == [
        "Dana Diaz renamed “Harbour” to Secret harbour",
        "Dana Diaz made Secret harbour private",
        "Dana Diaz asked the provider about Secret harbour again",
    ]
    for path in ("", "?kind=generations", f"?person={dana.user_id}", f"?person={dana.user_id}&kind=generations"):
        assert said(alice_client.get(url(alice, path))) == []
    assert len(export_of(alice_client, url(alice, "export/"))) == 1
    film.refresh_from_db()
    operations.set_private(film, is_private=False, actor_id=dana.user_id, now=NOW)
    assert len(said(alice_client.get(url(alice, "?kind=generations")))) == 4


# Filters and pages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(alice: Membership, dana: Membership, connection: Connection) -> dict[str, AuditEvent]:
    film = make_generation(connection, prompt="Harbour")
    return {
        "alice asked": note(alice, film, at=NOW),
        "dana asked": note(dana, film, at=NOW - timedelta(days=1)),
        "dana threw away": note(dana, film, verb="trash", at=NOW - timedelta(days=2)),
        "alice brought back": note(alice, film, verb="restore", at=NOW - timedelta(days=3)),
    }


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("kind=trash", {"dana threw away", "alice brought back"}),
        ("person={dana}", {"dana asked", "dana threw away"}),
        ("person={dana}&kind=trash", {"dana threw away"}),
        ("from=2026-11-21", {"alice asked", "dana asked"}),
        ("to=2026-11-20", {"dana threw away", "alice brought back"}),
        ("from=2026-11-20&to=2026-11-20&person={dana}&kind=trash", {"dana threw away"}),
        (
            "kind=nonsense&person=x&from=yesterday",
            {"alice asked", "dana asked", "dana threw away", "alice brought back"},
        ),
        ("person=999999999999", set()),
        ("to=9999-12-31&from=0001-01-01", {"alice asked", "dana asked", "dana threw away", "alice brought back"}),
    ],
)
def test_person_kind_and_date_narrow_the_page(
    query: str, shown: set[str], alice: Membership, alice_client: Client, dana: Membership, mixed: dict[str, AuditEvent]
) -> None:
    page = alice_client.get(url(alice, "?" + query.format(dana=dana.user_id))).content.decode()
    assert {name for name, event in mixed.items() if f'id="event-{event.pk}"' in page} == shown


def test_the_people_to_choose_from_are_those_here_and_those_who_acted(
    alice: Membership, alice_client: Client, dana: Membership, mixed: object, bob: Membership, charlie: Membership
) -> None:
    dana.delete()
    assert names(alice_client.get(url(alice, "filters/"))) == ["Anyone", "Alice Adams", "Bob Brown", "Dana Diaz"]
    fragment = alice_client.get(url(alice, "filters/"), headers=HTMX).content.decode()
    assert fragment.startswith("<form")


def names(page: HttpResponse) -> list[str]:
    return re.findall(r"<option[^>]*>([^<]+)</option>", page.content.decode())


def test_pages_of_all_audiences_have_every_row_once_and_in_order(
    alice: Membership, alice_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "PAGE_SIZE", 5)
    film = make_generation(connection)
    noted = [note(alice, film, at=NOW - timedelta(minutes=number // 3)) for number in range(9)]
    for number in range(4):
        note(alice, connection, verb="connection.changed", at=NOW - timedelta(minutes=number))
    in_order = [f"event-{pk}" for pk in AuditEvent.objects.order_by("-at", "-id").values_list("pk", flat=True)]
    assert len(in_order) == len(noted) + 4
    path, seen = url(alice), []
    while path:
        page = alice_client.get(path).content.decode()
        seen += re.findall(r'<tr id="(event-\d+)"', page)
        older = re.search(r'id="older"><a class="btn" href="([^"]+)"', page)
        path = html.unescape(older[1]) if older else ""
    assert seen == in_order


def test_htmx_gets_the_older_rows_alone_and_the_address_says_how_much_is_open(
    alice: Membership, alice_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "PAGE_SIZE", 2)
    film = make_generation(connection)
    for number in range(5):
        note(alice, film, at=NOW - timedelta(minutes=number))
    first = alice_client.get(url(alice)).content.decode()
    asked = html.unescape(re.findall(r'hx-get="([^"]+after=[^"]+)"', first)[0])
    answer = alice_client.get(asked, headers=HTMX)
    assert "<html" not in answer.content.decode()
    assert "events__day" not in answer.content.decode()  # the day goes on, so its heading is not said again
    assert len(re.findall(r'id="event-', answer.content.decode())) == 2
    assert answer["HX-Replace-Url"] == url(alice, "?pages=2")
    assert len(said(alice_client.get(url(alice, "?pages=2")))) == 4


def test_the_page_costs_the_same_with_two_rows_and_with_fifty(
    alice: Membership, alice_client: Client, dana: Membership, connection: Connection
) -> None:
    def act(person: Membership) -> None:
        note(person, make_generation(connection))
        note(person, connection, verb="connection.changed")
        note(person, person.user, verb="member.left")

    act(alice)
    with_few = cost(alice_client, url(alice))
    for _ in range(20):
        act(dana)
        act(alice)
    assert cost(alice_client, url(alice)) == with_few
    assert cost(alice_client, url(alice, f"?person={dana.user_id}&kind=generations")) < with_few + 2


@pytest.mark.parametrize(
    ("is_by_person", "kind", "index"),
    [
        (False, "", "activity"),
        (True, "", "activity_by_person"),
        (False, "trash", "activity_by_kind"),
        (True, "trash", "activity_by_person_and_kind"),
    ],
)
def test_every_combination_of_filters_begins_in_an_index_of_its_own(
    is_by_person: bool, kind: str, index: str, alice: Membership, dana: Membership
) -> None:
    """However rare what is looked for, no other rows are read and nothing is sorted."""
    shares = [(alice, "generations", 1800), (alice, "trash", 90), (dana, "generations", 90), (dana, "trash", 20)]
    AuditEvent.objects.bulk_create(
        AuditEvent(
            workspace=alice.workspace, audience="members", actor=who.user, kind=of, at=NOW + timedelta(seconds=n)
        )
        for who, of, count in shares
        for n in range(count)
    )
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
        if database.vendor == "postgresql":  # so few rows are read and sorted faster than any index is
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
    filters = Filters(person=dana.user_id if is_by_person else None, kind=kind)
    rows = AuditEvent.objects.filter(filters.condition(), workspace=alice.workspace, audience="members", at__lte=NOW)
    plan = rows.order_by("-at", "-id")[:51].explain()
    assert re.search(rf"\b{index}\b", plan), plan
    assert "sort" not in plan.lower()
    assert "temp b-tree" not in plan.lower()


# CSV -----------------------------------------------------------------------------------------------------------------


def export_of(client: Client, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert isinstance(answer, StreamingHttpResponse)
    return rows_of(answer)


def test_the_export_has_exactly_the_filtered_rows_and_is_itself_recorded(
    alice: Membership, alice_client: Client, dana: Membership, mixed: object
) -> None:
    query = f"kind=trash&person={dana.user_id}"
    head, *rows = export_of(alice_client, url(alice, f"export/?{query}"))
    assert head == ["Time", "Person", "E-mail", "Kind", "What happened", "Act", "Address"]
    (row,) = rows
    assert row[:6] == [
        "2026-11-20T12:00:00+00:00",
        "Dana Diaz",
        dana.user.email,
        "Trash",
        "Dana Diaz moved Harbour to the trash",
        "trash",
    ]
    assert row[6].startswith("http")
    noted = AuditEvent.objects.get(verb="activity.exported")
    assert (noted.actor_id, noted.detail["filters"]) == (alice.user_id, query)
    assert "Alice Adams exported the activity" in said(alice_client.get(url(alice)))


def test_the_export_is_written_in_batches_and_complete(
    alice: Membership, alice_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_BATCH", 3)
    film = make_generation(connection)
    for number in range(10):
        note(alice, film, at=NOW - timedelta(minutes=number // 4))
    answer = alice_client.get(url(alice, "export/"))
    assert isinstance(answer, StreamingHttpResponse)
    pieces: Iterable[bytes] = answer.streaming_content  # type: ignore[assignment]
    sizes = [piece.count(b"\r\n") for piece in pieces]
    assert sizes == [1, 3, 3, 3, 1]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")


def test_the_export_is_in_the_time_zone_of_whoever_asks(alice: Membership, mixed: object) -> None:
    User.objects.filter(pk=alice.user_id).update(time_zone="Pacific/Auckland")
    rows = export_of(client_of(alice), url(alice, "export/?from=2026-11-23"))
    assert [row[0] for row in rows[1:]] == ["2026-11-23T01:00:00+13:00"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_nothing_in_the_export_is_a_formula(
    begin: str, alice: Membership, alice_client: Client, connection: Connection
) -> None:
    User.objects.filter(pk=alice.user_id).update(name=f"{begin}cmd|' /C calc'!A0")
    note(alice, make_generation(connection, prompt='=HYPERLINK("http://evil.example")'))
    (_head, row) = export_of(client_of(User.objects.get(pk=alice.user_id).memberships.get()), url(alice, "export/"))
    assert row[1] == f"'{begin}cmd|' /C calc'!A0"
    assert not [cell for cell in row if cell.startswith(export._BEGINS_A_FORMULA)]


def test_asking_for_the_head_alone_exports_and_records_nothing(
    alice: Membership, alice_client: Client, mixed: object
) -> None:
    answer = alice_client.head(url(alice, "export/"))
    assert answer.status_code == 200
    assert not AuditEvent.objects.filter(verb="activity.exported").exists()
    assert alice_client.post(url(alice, "export/")).status_code == 405
