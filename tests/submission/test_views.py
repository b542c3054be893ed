"""What members see of requests whose answer got lost, and what they decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Generation
from lumaboard.submission.models import Intent
from tests.conftest import client_of
from tests.factories import NOW, make_connection, make_intent, make_member
from tests.submission.conftest import ASKED, Serve, connection_at, hanging_up, making

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace, kind=Kind.LUMA)


def page(client: Client, alice: Membership, path: str = "") -> str:
    answer = client.get(f"/w/{alice.workspace.slug}/requests/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def act(client: Client, intent: Intent, name: str, **form: str) -> int:
    slug = intent.workspace.slug
    return client.post(f"/w/{slug}/requests/{intent.pk}/{name}/", form).status_code


def test_a_request_whose_outcome_is_unknown_is_shown_with_its_reason(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    make_intent(connection, alice.user, error_text="The answer broke off.")
    shown = page(alice_client, alice)
    assert "A quiet harbour" in shown
    assert "The answer broke off." in shown
    gallery = alice_client.get(f"/w/{alice.workspace.slug}/").content.decode()
    assert "The outcome of 1 request is not known." in gallery


def test_what_never_left_is_shown_once_its_process_must_have_died(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    young = make_intent(connection, alice.user, state="intended", created_at=timezone.now())
    assert "Every request has its answer" in page(alice_client, alice)
    Intent.objects.filter(pk=young.pk).update(created_at=timezone.now() - timedelta(minutes=3))
    assert "It has cost nothing." in page(alice_client, alice)


def test_settled_requests_are_not_shown(alice: Membership, alice_client: Client, connection: Connection) -> None:
    make_intent(connection, alice.user, state="refused")
    make_intent(connection, alice.user, state="sending")
    make_intent(connection, alice.user, dismissed_at=NOW)
    assert "Every request has its answer" in page(alice_client, alice)


def test_a_private_request_is_its_owners_alone(alice: Membership, connection: Connection) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    intent = make_intent(connection, dana.user, is_private=True)
    assert "A quiet harbour" in page(client_of(dana), alice)
    assert "A quiet harbour" not in page(client_of(alice), alice)
    assert "outcome of" not in client_of(alice).get(f"/w/{alice.workspace.slug}/").content.decode()
    assert act(client_of(alice), intent, "dismiss") == 404


def test_members_decide_about_their_own_requests_only(alice: Membership, connection: Connection) -> None:
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    intent = make_intent(connection, alice.user)
    for name in ("look", "choose", "dismiss", "send-again"):
        assert act(client_of(dana), intent, name) == 403
    assert act(client_of(alice), make_intent(connection, dana.user), "dismiss") == 302


def test_a_dismissed_request_is_gone_and_told_of(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    intent = make_intent(connection, alice.user)
    assert act(alice_client, intent, "dismiss") == 302
    assert "Every request has its answer" in page(alice_client, alice)
    assert AuditEvent.objects.filter(verb="submission.dismissed", target_id=str(intent.pk)).count() == 1
    act(alice_client, intent, "dismiss")
    assert AuditEvent.objects.filter(verb="submission.dismissed").count() == 1


def test_a_person_can_have_the_list_looked_through_now(
    alice: Membership, alice_client: Client, connection: Connection
) -> None:
    intent = make_intent(connection, alice.user, next_look_at=timezone.now() + timedelta(hours=5))
    act(alice_client, intent, "look")
    intent.refresh_from_db()
    assert intent.next_look_at is not None
    assert intent.next_look_at <= timezone.now()


def test_a_person_can_say_which_it_is(alice: Membership, alice_client: Client, connection: Connection) -> None:
    candidates = [{"task_id": name, "created_at": NOW.isoformat()} for name in ("film-one", "film-two")]
    intent = make_intent(connection, alice.user, candidates=candidates)
    rival = make_intent(connection, alice.user, candidates=candidates)
    assert "film-two" in page(alice_client, alice)
    assert act(alice_client, intent, "choose", task_id="somebody-elses") == 302
    assert not Generation.objects.exists()
    act(alice_client, intent, "choose", task_id="film-two")
    act(alice_client, rival, "choose", task_id="film-two")
    intent.refresh_from_db()
    rival.refresh_from_db()
    assert (intent.state, intent.generation) == ("accepted", Generation.objects.get(task_id="film-two"))
    assert rival.state == "unknown"


def test_sending_again_says_that_it_may_cost_twice_and_then_makes_one(
    alice: Membership, alice_client: Client, serve: Serve
) -> None:
    server = serve(making())
    connection = connection_at(alice, server.url)
    intent = make_intent(connection, alice.user, request=ASKED.decode())
    assert "This may cost twice." in page(alice_client, alice, f"{intent.pk}/send-again/")
    assert server.requests == []
    assert act(alice_client, intent, "send-again") == 302
    assert act(alice_client, intent, "send-again") == 302
    assert len(server.requests) == Generation.objects.count() == 1
    assert server.requests[0].endswith(ASKED)
    intent.refresh_from_db()
    assert (intent.state, intent.dismissed_by) == ("unknown", alice.user)
    assert "Every request has its answer" in page(alice_client, alice)


def test_sending_again_can_end_unknown_again(alice: Membership, alice_client: Client, serve: Serve) -> None:
    connection = connection_at(alice, serve(hanging_up).url)
    intent = make_intent(connection, alice.user)
    act(alice_client, intent, "send-again")
    assert "not known either" in page(alice_client, alice)
    assert list(Intent.objects.unsettled(now=timezone.now()).values_list("state", flat=True)) == ["unknown"]


def test_what_never_left_is_sent_once(alice: Membership, alice_client: Client, serve: Serve) -> None:
    server = serve(making())
    intent = make_intent(connection_at(alice, server.url), alice.user, state="intended")
    assert "it is made once" in page(alice_client, alice, f"{intent.pk}/send-again/")
    act(alice_client, intent, "send-again")
    act(alice_client, intent, "send-again")
    assert len(server.requests) == Generation.objects.count() == 1


def test_the_page_costs_the_same_for_two_requests_and_for_twelve(
    alice: Membership,
    alice_client: Client,
    connection: Connection,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _number in range(12):
        make_intent(connection, alice.user)
    with django_assert_max_num_queries(6):
        page(alice_client, alice)
