"""The page on which an admin brings in the past."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Generation
from lumaboard.past.models import Walk
from tests.conftest import client_of
from tests.factories import make_connection, make_member
from tests.past.conftest import Provider, walk_on

pytestmark = pytest.mark.django_db


def url_of(connection: Connection, tail: str = "") -> str:
    return f"/w/{connection.workspace.slug}/settings/connections/{connection.pk}/past/{tail}"


def test_it_goes_from_the_connections_page_by_a_look_to_the_gallery(
    alice: Membership, alice_client: Client, connection: Connection, provider: Provider
) -> None:
    overview = alice_client.get(f"/w/{alice.workspace.slug}/settings/connections/").content.decode()
    assert url_of(connection) in overview
    assert "Look what is there" in alice_client.get(url_of(connection)).content.decode()

    assert alice_client.post(url_of(connection, "look/")).headers["Location"] == url_of(connection)
    page = alice_client.get(url_of(connection)).content.decode()
    assert "Reading the list" in page
    assert 'hx-trigger="every 2s"' in page
    walk_on()
    page = alice_client.get(url_of(connection)).content.decode()
    assert "Bring in 250 generations" in page
    assert "Harbour number 249" in page
    assert 'hx-trigger="every 2s"' not in page

    alice_client.post(url_of(connection, "bring-in/"))
    walk_on(turns=1)
    fragment = alice_client.get(url_of(connection, "progress/")).content.decode()
    assert "100 of 250 read" in fragment
    assert '<progress class="bar" value="100" max="250"' in fragment
    assert "<html" not in fragment
    walk_on(minutes=1)
    page = alice_client.get(url_of(connection)).content.decode()
    assert f"?connection={connection.pk}" in page
    verbs = AuditEvent.objects.exclude(verb="past.brought_in").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["past.looked", "past.begun"]
    gallery = alice_client.get(f"/w/{alice.workspace.slug}/").content.decode()
    assert gallery.index("Harbour number 249") < gallery.index("Harbour number 248")
    activity = alice_client.get(f"/w/{alice.workspace.slug}/activity/").content.decode()
    assert "brought in" in activity
    assert f"owner={alice.user_id}&amp;connection={connection.pk}" in activity


def test_only_for_me(alice_client: Client, connection: Connection, provider: Provider) -> None:
    provider.entries = provider.entries[:3]
    alice_client.post(url_of(connection, "bring-in/"), {"is_private": "1"})
    walk_on()
    assert Generation.objects.filter(is_private=True).count() == 3


def test_the_sample_is_shown_to_whoever_looked_alone(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    alice_client.post(url_of(connection, "look/"))
    walk_on()
    dana = client_of(make_member("Dana", role=Role.ADMIN, workspace=alice.workspace))
    assert "Harbour number" in alice_client.get(url_of(connection)).content.decode()
    page = dana.get(url_of(connection)).content.decode()
    assert "Harbour number" not in page
    assert "Bring in 250 generations" in page


def test_it_is_stopped_and_what_came_in_stays(alice_client: Client, connection: Connection) -> None:
    alice_client.post(url_of(connection, "bring-in/"))
    walk_on(turns=1)
    answer = alice_client.post(url_of(connection, "cancel/"), follow=True)
    assert "What was brought in stays" in answer.content.decode()
    assert (Walk.objects.get().state, Generation.objects.count()) == ("cancelled", 100)
    assert AuditEvent.objects.filter(verb="past.cancelled").exists()


def test_a_second_one_at_once_is_told_so(alice_client: Client, connection: Connection) -> None:
    alice_client.post(url_of(connection, "look/"))
    answer = alice_client.post(url_of(connection, "bring-in/"), follow=True)
    assert "is being read already" in answer.content.decode()
    assert Walk.objects.get().is_dry


def test_a_provider_without_a_list_says_what_to_do_instead(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace, kind=Kind.COMETAPI)
    assert "Track by id" in alice_client.get(url_of(connection)).content.decode()
    alice_client.post(url_of(connection, "look/"))
    alice_client.post(url_of(connection, "bring-in/"))
    assert not Walk.objects.exists()
    overview = alice_client.get(f"/w/{alice.workspace.slug}/settings/connections/").content.decode()
    assert url_of(connection) not in overview


@pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.VIEWER])
def test_others_than_admins_may_not(alice: Membership, connection: Connection, role: Role) -> None:
    client = client_of(make_member("Dana", role=role, workspace=alice.workspace))
    for tail in ("look/", "bring-in/", "cancel/"):
        assert client.post(url_of(connection, tail)).status_code == 403
    assert client.get(url_of(connection)).status_code == 403
    assert not Walk.objects.exists()


def test_the_fragment_costs_four_queries(alice_client: Client, connection: Connection) -> None:
    alice_client.post(url_of(connection, "look/"))
    walk_on()
    alice_client.get(url_of(connection, "progress/"))
    with CaptureQueriesContext(database) as queries:
        alice_client.get(url_of(connection, "progress/"))
    assert len(queries) == 4
