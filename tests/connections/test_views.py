"""The connections page, as owners, lookers-on and strangers meet it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.keys import unseal
from lumaboard.connections.models import Connection, Kind, PauseReason
from lumaboard.generations.models import State
from lumaboard.simulator import Simulator
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_member

KEY = "sk-planted-0000-f00d"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


def url_of(membership: Membership, tail: str = "") -> str:
    return f"/w/{membership.workspace.slug}/settings/connections/{tail}"


def entered(simulator: Simulator, **values: str) -> dict[str, str]:
    given = {"kind": "simulator", "key": KEY, "name": "Demo", "base_url": simulator.url, "pace_factor": "2.0"}
    return given | values


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))


def test_a_key_that_works_is_kept_sealed_and_shown_as_its_last_four(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    answer = alice_client.post(url_of(alice, "add/"), entered(simulator))
    assert answer.headers["Location"] == url_of(alice)
    connection = Connection.objects.get()
    assert unseal(connection) == KEY
    assert (connection.name, connection.key_last4, connection.pace_factor) == ("Demo", "f00d", 2.0)
    assert KEY.encode() not in bytes(connection.key_box)
    page = alice_client.get(url_of(alice)).content.decode()
    assert "f00d" in page
    assert "123.45 USD" in page
    assert "Working" in page
    assert "Simulator: not a real provider" in page
    assert verbs() == ["connection.added"]


def test_a_key_that_does_not_work_is_not_kept_unless_one_insists(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    bad = entered(simulator, key="sk-wrong-f00d")
    page = alice_client.post(url_of(alice, "add/"), bad).content.decode()
    assert "refuses this key" in page
    assert "Save anyway" in page
    assert not Connection.objects.exists()
    alice_client.post(url_of(alice, "add/"), bad | {"anyway": "1"})
    assert Connection.objects.get().error_kind == "auth_error"


def test_an_account_without_credit_is_kept_and_marked(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    alice_client.post(url_of(alice, "add/"), entered(simulator, key="sk-empty-f00d"))
    assert Connection.objects.get().is_out_of_credit
    assert "Out of credit" in alice_client.get(url_of(alice)).content.decode()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "cometapi", "key": ""}, "key"),
        ({"base_url": "http://10.0.0.1"}, "base_url"),
        ({"kind": "nonsense"}, "kind"),
        ({"pace_factor": "0.1"}, "pace_factor"),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_the_field(
    alice: Membership, alice_client: Client, simulator: Simulator, values: dict[str, str], field: str
) -> None:
    page = alice_client.post(url_of(alice, "add/"), entered(simulator, **values)).content.decode()
    assert f'id="id_{field}_error"' in page
    assert not Connection.objects.exists()


def test_with_htmx_the_form_is_swapped_and_the_typed_key_stays_in_the_browser(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    answer = alice_client.post(url_of(alice, "add/"), entered(simulator, key="sk-wrong-f00d"), headers=HTMX)
    fragment = answer.content.decode()
    assert fragment.lstrip().startswith("<form")
    assert "hx-preserve" in fragment
    assert "sk-wrong-f00d" not in fragment
    answer = alice_client.post(url_of(alice, "add/"), entered(simulator), headers=HTMX)
    assert answer.headers["HX-Redirect"] == url_of(alice)


def test_the_page_says_where_scripts_send_their_calls(
    alice: Membership, alice_client: Client, settings: Settings
) -> None:
    make_connection(alice.workspace)
    page = alice_client.get(f"/w/{alice.workspace.slug}/settings/connections/").content.decode()
    assert f"{settings.PUBLIC_URL}/dream-machine/v1</code>" in page


def test_a_test_shows_its_result_on_the_panel(alice: Membership, alice_client: Client, simulator: Simulator) -> None:
    connection = make_connection(alice.workspace, base_url=simulator.url, key="sk-wrong-f00d")
    answer = alice_client.post(url_of(alice, f"{connection.pk}/test/"), headers=HTMX)
    fragment = answer.content.decode()
    assert fragment.lstrip().startswith("<section")
    assert f'id="connection-{connection.pk}"' in fragment
    assert "refuses this key" in fragment
    connection.refresh_from_db()
    assert (connection.error_kind, connection.answered_at) == ("auth_error", None)
    assert "Not working" in alice_client.get(url_of(alice)).content.decode()


def test_without_htmx_a_test_comes_back_with_a_message(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    connection = make_connection(alice.workspace, base_url=simulator.url)
    answer = alice_client.post(url_of(alice, f"{connection.pk}/test/"), follow=True)
    assert "The key works. 123.45 USD left." in answer.content.decode()


def test_a_refused_key_that_works_again_is_asked_again_but_a_persons_pause_stays(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    now = timezone.now()
    refused = make_connection(
        alice.workspace, base_url=simulator.url, pause_reason=PauseReason.KEY_REFUSED, paused_at=now, refused_count=2
    )
    paused = make_connection(alice.workspace, base_url=simulator.url, pause_reason=PauseReason.PERSON, paused_at=now)
    for connection in (refused, paused):
        alice_client.post(url_of(alice, f"{connection.pk}/test/"))
        connection.refresh_from_db()
    assert (refused.pause_reason, refused.refused_count) == ("", 0)
    assert paused.pause_reason == PauseReason.PERSON


def test_a_connection_is_renamed_and_slowed(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    alice_client.post(url_of(alice, f"{connection.pk}/rename/"), {"name": "Client jobs", "pace_factor": "4.0"})
    connection.refresh_from_db()
    assert (connection.name, connection.pace_factor) == ("Client jobs", 4.0)
    assert verbs() == ["connection.changed"]


def test_a_new_key_wakes_what_the_old_one_stopped(
    alice: Membership, alice_client: Client, simulator: Simulator
) -> None:
    later = timezone.now() + timedelta(hours=1)
    connection = make_connection(
        alice.workspace,
        base_url=simulator.url,
        pause_reason=PauseReason.KEY_REFUSED,
        paused_at=timezone.now(),
        refused_count=2,
        next_probe_at=later,
        blocked_until=later,
        is_out_of_credit=True,
    )
    url = url_of(alice, f"{connection.pk}/replace-key/")
    answer = alice_client.post(url, {"key": KEY, "base_url": simulator.url})
    assert answer.headers["Location"] == url_of(alice)
    connection.refresh_from_db()
    assert unseal(connection) == KEY
    assert (connection.pause_reason, connection.refused_count, connection.is_out_of_credit) == ("", 0, False)
    assert (connection.next_probe_at, connection.blocked_until) == (None, None)
    assert verbs() == ["connection.key_replaced"]


def test_another_address_needs_the_key_again(alice: Membership, alice_client: Client, simulator: Simulator) -> None:
    connection = make_connection(alice.workspace, base_url="https://api.cometapi.com", kind=Kind.COMETAPI)
    url = url_of(alice, f"{connection.pk}/replace-key/")
    page = alice_client.post(url, {"key": "", "base_url": simulator.url}).content.decode()
    assert 'id="id_key_error"' in page
    alice_client.post(
        url_of(alice, f"{connection.pk}/rename/"), {"name": "x", "pace_factor": "1.0", "base_url": simulator.url}
    )
    connection.refresh_from_db()
    assert connection.base_url == "https://api.cometapi.com"
    assert not simulator.requests.total


def test_pausing_and_resuming_are_noted(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    alice_client.post(url_of(alice, f"{connection.pk}/pause/"))
    connection.refresh_from_db()
    assert connection.pause_reason == PauseReason.PERSON
    assert "Paused by a person" in alice_client.get(url_of(alice)).content.decode()
    alice_client.post(url_of(alice, f"{connection.pk}/resume/"))
    connection.refresh_from_db()
    assert (connection.pause_reason, connection.paused_at) == ("", None)
    assert verbs() == ["connection.paused", "connection.resumed"]


def test_removing_forgets_the_key_and_leaves_the_generations(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    generation = make_generation(connection, state=State.RUNNING)
    url = url_of(alice, f"{connection.pk}/remove/")
    page = alice_client.get(url).content.decode()
    assert "cannot be undone" in page
    assert "1 generation is still in progress" in page
    connection.refresh_from_db()
    assert connection.removed_at is None
    assert alice_client.post(url).headers["Location"] == url_of(alice)
    connection.refresh_from_db()
    assert (bytes(connection.key_box), connection.key_last4) == (b"", "")
    generation.refresh_from_db()
    assert f"connection-{connection.pk}" not in alice_client.get(url_of(alice)).content.decode()
    assert alice_client.get(url).status_code == 404
    assert verbs() == ["connection.removed"]


def test_a_refused_key_says_what_waits_and_that_nothing_is_lost(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace, pause_reason=PauseReason.KEY_REFUSED, paused_at=timezone.now())
    for _number in range(2):
        make_generation(connection, state=State.RUNNING)
    make_generation(connection, state=State.FAILED)
    page = alice_client.get(url_of(alice)).content.decode()
    assert "Key refused" in page
    assert "2 generations wait; none is lost." in page
    assert "Enter a new key" in page


def test_the_page_costs_the_same_for_one_key_and_for_six(alice: Membership, alice_client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            alice_client.get(url_of(alice))
        return len(queries)

    make_connection(alice.workspace)
    first = cost()
    for _number in range(5):
        make_connection(alice.workspace)
    assert cost() == first


# Who may -------------------------------------------------------------------------------------------------------------

PAGES = ["", "add/", "{pk}/rename/", "{pk}/replace-key/", "{pk}/remove/"]
ACTS = ["add/", "{pk}/test/", "{pk}/rename/", "{pk}/pause/", "{pk}/resume/", "{pk}/replace-key/", "{pk}/remove/"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.VIEWER])
def test_members_who_are_no_admins_get_a_page_that_says_so_and_change_nothing(
    alice: Membership, simulator: Simulator, role: Role
) -> None:
    connection = make_connection(alice.workspace, base_url=simulator.url)
    before = Connection.objects.values().get()
    client = client_of(make_member("Mo", role=role, workspace=alice.workspace))
    for tail in PAGES:
        answer = client.get(url_of(alice, tail.format(pk=connection.pk)))
        assert answer.status_code == 403
        assert b"Your role in this workspace does not allow it" in answer.content
    for tail in ACTS:
        assert client.post(url_of(alice, tail.format(pk=connection.pk)), {"key": KEY}).status_code == 403
    assert client.get(f"/w/{alice.workspace.slug}/welcome/").status_code == 403
    assert Connection.objects.values().get() == before
    assert not simulator.requests.total
    assert verbs() == []


def test_an_admin_of_another_workspace_finds_nothing_here_or_through_their_own(
    alice: Membership, charlie: Membership, charlie_client: Client, simulator: Simulator
) -> None:
    connection = make_connection(alice.workspace, base_url=simulator.url)
    before = Connection.objects.values().get()
    for tail in ACTS:
        for owner in (alice, charlie) if "pk" in tail else (alice,):
            answer = charlie_client.post(url_of(owner, tail.format(pk=connection.pk)), {"key": KEY, "name": "x"})
            assert answer.status_code == 404
    assert Connection.objects.values().get() == before
    assert not simulator.requests.total


def test_acts_need_a_post(alice: Membership, alice_client: Client) -> None:
    connection = make_connection(alice.workspace)
    for act in ("test", "pause", "resume"):
        assert alice_client.get(url_of(alice, f"{connection.pk}/{act}/")).status_code == 405
    connection.refresh_from_db()
    assert connection.pause_reason == ""


def test_a_forged_form_is_refused(alice: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    connection = make_connection(alice.workspace)
    assert client.post(url_of(alice, f"{connection.pk}/pause/")).status_code == 403
    connection.refresh_from_db()
    assert connection.pause_reason == ""


# First run -----------------------------------------------------------------------------------------------------------


def test_the_demo_provider_is_connected_without_a_key(
    alice: Membership, alice_client: Client, simulator: Simulator, settings: Settings
) -> None:
    settings.SIMULATOR_URL = simulator.url
    url = f"/w/{alice.workspace.slug}/welcome/"
    page = alice_client.get(url).content.decode()
    for way in ("CometAPI", "Luma", "Demo provider"):
        assert way in page
    answer = alice_client.post(url, {"kind": "simulator", "key": ""})
    assert answer.headers["Location"] == f"/w/{alice.workspace.slug}/track/"
    connection = Connection.objects.get()
    assert (connection.kind, connection.name, connection.base_url) == ("simulator", "Simulator", simulator.url)
    assert alice_client.get(url).headers["Location"] == f"/w/{alice.workspace.slug}/track/"


def test_a_real_provider_needs_a_key(alice: Membership, alice_client: Client) -> None:
    page = alice_client.post(f"/w/{alice.workspace.slug}/welcome/", {"kind": "luma", "key": " "}).content.decode()
    assert 'id="id_key_error"' in page
    assert not Connection.objects.exists()
