"""Who is told of what, what the bell counts, and what the page behind it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts.models import Membership, Role
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import Generation, State
from lumaboard.news import batches, outbox, spreading
from lumaboard.news.lines import lines_of
from lumaboard.news.models import EventKind, Notice, Preference, Whose
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_member, tell_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


@pytest.fixture
def worker(db: None) -> Beat:
    now = timezone.now()
    return Beat.objects.create(name="tick", due_at=now, beaten_at=now)


def url(membership: Membership, path: str = "") -> str:
    return f"/w/{membership.workspace.slug}/{path}"


def hears(membership: Membership, **fields: Any) -> None:
    Preference.objects.update_or_create(membership=membership, defaults=fields)


def works(connection: Connection, owner: Membership, count: int = 1, **fields: Any) -> Sequence[Generation]:
    fields = {"state": State.SUCCEEDED} | fields
    return [make_generation(connection, created_by=owner.user, **fields) for _n in range(count)]


def told(membership: Membership) -> list[str]:
    rows = Notice.objects.filter(membership=membership).order_by("pk")
    return list(rows.values_list("event__kind", flat=True))


def bell_of(client: Client, membership: Membership) -> str:
    page = client.get(url(membership)).content.decode()
    _before, _mark, after = page.partition('class="bell__count" aria-hidden="true">')
    return after.partition("<")[0]


def test_whoever_chose_nothing_hears_of_their_own_work_alone(
    alice: Membership, bob: Membership, connection: Connection
):
    tell_of(*works(connection, alice), *works(connection, bob))
    assert told(alice) == told(bob) == [EventKind.SUCCEEDED]
    assert Notice.objects.get(membership=bob).event.owner_id == bob.user.pk


def test_everybodys_work_is_heard_of_by_whoever_wants_to(alice: Membership, bob: Membership, connection: Connection):
    hears(bob, whose=Whose.EVERYONES, kinds=[EventKind.FAILED])
    tell_of(*works(connection, alice))
    tell_of(*works(connection, alice, state=State.FAILED), kind=EventKind.FAILED)
    assert told(bob) == [EventKind.FAILED]


def test_nobody_hears_twice_of_one_thing(alice: Membership, connection: Connection):
    (film,) = works(connection, alice)
    tell_of(film)
    film.events.update(spread_at=None)
    spreading.spread(now=timezone.now())
    assert told(alice) == [EventKind.SUCCEEDED]


def test_private_work_is_told_to_its_owner_alone(
    alice: Membership, bob: Membership, bob_client: Client, connection: Connection
):
    hears(bob, whose=Whose.EVERYONES)
    secret, shared = works(connection, alice, is_private=True), works(connection, alice)
    tell_of(*secret, *shared)
    assert len(told(alice)) == 2
    assert len(told(bob)) == 1
    assert bell_of(bob_client, bob) == "1"


def test_what_was_made_private_since_is_gone_from_bell_page_feed_and_browser(
    alice: Membership, bob: Membership, bob_client: Client, connection: Connection, worker: Beat
):
    hears(bob, whose=Whose.EVERYONES)
    films = works(connection, alice, 2, prompt="A hidden sea")
    tell_of(*films)
    batches.gather(alice.workspace.pk, [film.pk for film in films], created_by_id=alice.user.pk, now=timezone.now())
    spreading.spread(now=timezone.now())
    assert bell_of(bob_client, bob) == "3"

    Generation.objects.filter(pk__in=[film.pk for film in films]).update(is_private=True)
    assert bell_of(bob_client, bob) == ""
    for path in ("news/", "news/fresh/?since=0", "live?since=0"):
        answer = bob_client.get(url(bob, path)).content.decode()
        assert "A hidden sea" not in answer
        assert "2 ready" not in answer
        assert "bell__count" not in answer


def test_whoever_left_has_no_news_and_nobody_elses_reach_them(
    alice: Membership, bob: Membership, alice_client: Client, bob_client: Client, connection: Connection
):
    hears(bob, whose=Whose.EVERYONES)
    tell_of(*works(connection, alice))
    answer = alice_client.post(url(alice, f"settings/members/{bob.pk}/remove/"))
    assert answer.status_code == 302
    assert not Notice.objects.exclude(membership=alice).exists()
    tell_of(*works(connection, bob))
    assert len(told(alice)) == Notice.objects.count() == 1
    for path in ("news/", "news/fresh/?since=0", "settings/notifications/"):
        assert bob_client.get(url(bob, path)).status_code == 404


def test_somebody_who_may_not_sign_in_is_told_nothing(alice: Membership, connection: Connection):
    idle = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace, is_active=False)
    tell_of(*works(connection, idle))
    assert not Notice.objects.exists()


def test_of_a_batch_the_batch_is_loud_and_what_belongs_to_it_is_not(alice: Membership, connection: Connection):
    first, second = works(connection, alice, 2)
    batches.gather(alice.workspace.pk, [first.pk, second.pk], created_by_id=alice.user.pk, now=timezone.now())
    tell_of(first, second)
    loud = Notice.objects.filter(is_loud=True)
    assert Notice.objects.count() == 3
    assert [notice.event.kind for notice in loud] == [EventKind.BATCH_DONE]


def test_news_of_an_order_leads_whoever_ordered_to_its_takes_and_others_to_a_film(
    alice: Membership, bob: Membership, connection: Connection
):
    hears(bob, whose=Whose.EVERYONES)
    films, token, now = works(connection, alice, 2), uuid4(), timezone.now()
    batch = batches.begin(alice.workspace.pk, created_by_id=alice.user.pk, wanted_count=2, uid=token, now=now)
    assert batch is not None
    batches.join(batch.pk, [film.pk for film in films])
    batches.close_done([batch.pk], now=now)
    tell_of(*films)
    assert url(alice, f"new/{token}/") in client_of(alice).get(url(alice, "news/")).content.decode()
    page = client_of(bob).get(url(bob, "news/")).content.decode()
    assert str(token) not in page
    assert page.count(url(bob, f"g/{films[0].pk}/")) == 2  # of the batch, and of the film


def test_whoever_does_not_hear_of_batches_hears_of_each(alice: Membership, connection: Connection):
    hears(alice, kinds=[EventKind.SUCCEEDED])
    first, second = works(connection, alice, 2)
    batches.gather(alice.workspace.pk, [first.pk, second.pk], created_by_id=alice.user.pk, now=timezone.now())
    tell_of(first, second)
    assert list(Notice.objects.values_list("is_loud", flat=True)) == [True, True]


def test_the_bell_counts_up_to_99(alice: Membership, alice_client: Client, connection: Connection):
    assert bell_of(alice_client, alice) == ""
    tell_of(*works(connection, alice, 3))
    assert bell_of(alice_client, alice) == "3"
    tell_of(*works(connection, alice, 97))
    assert bell_of(alice_client, alice) == "99+"


def test_a_look_reads_nothing_and_a_press_reads_what_was_shown(
    alice: Membership, bob: Membership, alice_client: Client, connection: Connection
):
    tell_of(*works(connection, alice, 2), *works(connection, bob))
    page = alice_client.get(url(alice, "news/")).content.decode()
    assert page.count("is-unread") == 2
    assert bell_of(alice_client, alice) == "2"
    newest = Notice.objects.filter(membership=alice).latest("pk").pk
    tell_of(*works(connection, alice))  # comes while the page is open

    assert alice_client.post(url(alice, "news/read/"), {"until": newest})["Location"] == url(alice, "news/")
    assert bell_of(alice_client, alice) == "1"
    assert Notice.objects.get(membership=bob).seen_at is None


def test_one_that_is_opened_is_read_and_a_colleagues_is_not(
    alice: Membership, bob: Membership, alice_client: Client, connection: Connection
):
    tell_of(*works(connection, alice, 2), *works(connection, bob))
    mine, theirs = Notice.objects.filter(membership=alice).first(), Notice.objects.get(membership=bob)
    assert mine is not None
    for notice in (mine, theirs):
        assert alice_client.post(url(alice, "news/read/"), {"notice": notice.pk}, headers=HTMX).status_code == 204
    assert bell_of(alice_client, alice) == "1"
    theirs.refresh_from_db()
    assert theirs.seen_at is None


def test_older_news_is_a_page_further(alice: Membership, alice_client: Client, connection: Connection):
    for number in range(51):
        tell_of(*works(connection, alice, prompt=f"Take {number} of a sea"))
    page = alice_client.get(url(alice, "news/")).content.decode()
    assert "Take 50 of a sea" in page
    assert "Take 0 of a sea" not in page
    last = Notice.objects.order_by("-pk")[49].pk
    assert f"?before={last}" in page
    older = alice_client.get(url(alice, f"news/?before={last}")).content.decode()
    assert "Take 0 of a sea" in older
    assert "Take 1 of a sea" not in older


@pytest.mark.parametrize("count", [2, 24])
def test_the_page_of_news_costs_four_queries_beyond_sign_in_whatever_it_shows(
    alice: Membership, alice_client: Client, connection: Connection, count: int
):
    for _batch in range(count):
        films = works(connection, alice, 2)
        batches.gather(alice.workspace.pk, [one.pk for one in films], created_by_id=alice.user.pk, now=timezone.now())
    tell_of(*works(connection, alice, count))
    with CaptureQueriesContext(database) as queries:
        assert alice_client.get(url(alice, "news/")).status_code == 200
    assert len(queries) == 2 + 4  # notices, their batches, and the shell's two


def test_of_a_large_batch_one_row_is_read(alice: Membership, connection: Connection):
    films = [*works(connection, alice, 8, state=State.FAILED), *works(connection, alice, 12)]
    batches.gather(alice.workspace.pk, [film.pk for film in films], created_by_id=alice.user.pk, now=timezone.now())
    spreading.spread(now=timezone.now())
    with CaptureQueriesContext(database) as queries:
        (line,) = lines_of(Notice.objects.with_events(), user_id=alice.user.pk, workspace_slug=alice.workspace.slug)
    assert (line.about, line.url) == ("12 ready, 8 failed", f"/w/{alice.workspace.slug}/g/{films[8].pk}/")
    with database.cursor() as cursor:
        cursor.execute(queries[-1]["sql"])
        assert len(cursor.fetchall()) == 1


def test_another_workspaces_news_is_not_here(alice: Membership, charlie: Membership, connection: Connection):
    also = Membership.objects.create(user=alice.user, workspace=charlie.workspace, role=Role.MEMBER)
    tell_of(*works(make_connection(charlie.workspace), also, prompt="A sea elsewhere"))
    client = client_of(alice)
    assert bell_of(client, alice) == ""
    assert "A sea elsewhere" not in client.get(url(alice, "news/")).content.decode()
    assert bell_of(client, also) == "1"


def test_the_choice_is_kept_for_this_workspace_alone(alice: Membership, charlie: Membership, alice_client: Client):
    also = Membership.objects.create(user=alice.user, workspace=charlie.workspace, role=Role.MEMBER)
    chosen = {"kinds": ["failed", "lost"], "whose": "everyones", "notifies": "on", "mail": "daily"}
    answer = alice_client.post(url(alice, "settings/notifications/"), chosen)
    assert answer.status_code == 302
    preference = Preference.objects.get()
    assert preference.membership == alice
    assert preference.kinds == ["failed", "lost"]
    assert (preference.shows_toasts, preference.notifies, preference.warns_by_mail) == (False, True, False)
    page = alice_client.get(url(also, "settings/notifications/")).content.decode()
    assert page.count("checked") == len(EventKind) + 3  # every kind, mine, toasts, warnings


@pytest.mark.parametrize("form", [{"mail": "sometimes"}, {"whose": ""}, {"kinds": ["everything"]}])
def test_what_is_no_choice_is_refused(alice: Membership, alice_client: Client, form: dict[str, Any]):
    chosen = {"kinds": ["failed"], "whose": "mine", "mail": "never"} | form
    assert alice_client.post(url(alice, "settings/notifications/"), chosen).status_code == 200
    assert not Preference.objects.exists()


def test_news_goes_when_what_happened_is_forgotten(alice: Membership, connection: Connection):
    tell_of(*works(connection, alice))
    outbox.forget(now=timezone.now() + outbox.KEPT)
    assert not Notice.objects.exists()


def test_the_feed_brings_count_and_toast_once_and_is_quiet_then(
    alice: Membership, alice_client: Client, connection: Connection, worker: Beat
):
    def live(since: int) -> Any:
        with CaptureQueriesContext(database) as queries:
            answer = alice_client.get(url(alice, f"live?since={since}&beating=1"), headers=HTMX)
        return answer, len(queries)

    (film,) = works(connection, alice, prompt="A sea at noon")
    assert live(0)[0].status_code == 204
    tell_of(film)
    answer, _cost = live(0)
    page = answer.content.decode()
    assert 'class="bell__count" aria-hidden="true">1<' in page
    assert page.count("data-toast") == 1
    assert "A sea at noon" in page

    alice.workspace.refresh_from_db()
    quiet, cost = live(alice.workspace.seq)
    assert (quiet.status_code, cost) == (204, 2)


def test_toasts_are_of_ones_own_work_and_only_where_they_are_wanted(
    alice: Membership, bob: Membership, alice_client: Client, bob_client: Client, connection: Connection, worker: Beat
):
    hears(bob, whose=Whose.EVERYONES)
    hears(alice, shows_toasts=False)
    tell_of(*works(connection, alice))
    for client, member in ((alice_client, alice), (bob_client, bob)):
        page = client.get(url(member, "live?since=0&beating=1"), headers=HTMX).content.decode()
        assert "bell__count" in page
        assert "data-toast" not in page


def test_the_page_of_a_generation_hears_as_well(
    alice: Membership, alice_client: Client, connection: Connection, worker: Beat
):
    film, other = works(connection, alice, 2)
    tell_of(film)
    page = alice_client.get(url(alice, f"g/{other.pk}/live?since=0&beating=1"), headers=HTMX).content.decode()
    assert "bell__count" in page
    assert "data-toast" in page


def test_a_hidden_tab_learns_what_is_new_since_it_looked_in_two_queries_where_nothing_is(
    alice: Membership, alice_client: Client, connection: Connection
):
    def fresh(since: object) -> Any:
        return alice_client.get(url(alice, f"news/fresh/?since={since}")).json()

    tell_of(*works(connection, alice))
    begun = fresh("")
    assert begun["news"] == []
    with CaptureQueriesContext(database) as queries:
        assert fresh(begun["newest"]) == begun
    assert len(queries) == 2

    (film,) = works(connection, alice, prompt="<b>A sea</b>")
    tell_of(film)
    (said,) = fresh(begun["newest"])["news"]
    assert said["title"] == "Ready"
    assert said["body"] == "<b>A sea</b>"  # browsers show it as text
    assert said["url"] == url(alice, f"g/{film.pk}/")
    assert said["id"] == str(film.events.get().uid)
