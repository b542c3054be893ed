"""Each invariant finds what it is there to find; an installation in order has none broken."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from lumaboard.accounts.access import Member
from lumaboard.accounts.members import change_role
from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.connections.models import Connection
from lumaboard.generations import notes, operations
from lumaboard.generations.models import Asset, Cause, CopyState, Generation, State, Transition
from lumaboard.generations.operations import Wanted
from lumaboard.news.hooks import callbacks, sealed
from lumaboard.news.models import Event, EventKind
from lumaboard.ops import tenancy
from lumaboard.ops.invariants import INVARIANTS
from lumaboard.sharing.models import ShareItem, ShareLink, SharePolicy
from lumaboard.sharing.operations import Terms, make_link
from lumaboard.sharing.policies import Demands, change_policy
from lumaboard.submission.models import Intent, IntentState
from tests.factories import (
    NOW,
    make_asset,
    make_connection,
    make_delivery,
    make_generation,
    make_intent,
    make_invitation,
    make_member,
    make_webhook,
    record_how_they_came,
)

KEY = "sk-planted-secret-0123456789"


def troubles(number: int, now: datetime = NOW) -> list[str]:
    (invariant,) = [invariant for invariant in INVARIANTS if invariant.number == number]
    return list(invariant.check(now))


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace, key=KEY)


@pytest.fixture
def running(connection: Connection) -> Generation:
    return make_generation(connection, state=State.RUNNING)


@pytest.mark.parametrize("number", [1, 3, 5, 6, 7, 9, 10, 11, 13, 14])
def test_nothing_is_broken_where_all_is_well(running: Generation, number: int) -> None:
    make_generation(running.connection, state=State.FAILED)
    make_asset(make_generation(running.connection, state=State.SUCCEEDED))
    assert troubles(number) == []


def test_an_accepted_create_that_is_tracked_as_something_else_is_found(running: Generation, alice: Membership) -> None:
    fields = {"generation": running, "task_id": running.task_id}
    intent = make_intent(running.connection, alice.user, state=IntentState.ACCEPTED, **fields)
    assert troubles(1) == []
    Intent.objects.filter(pk=intent.pk).update(task_id="another")
    assert troubles(1) == [f"intent {intent.pk} became another, and that is not what is tracked for it"]


def test_a_create_that_is_on_its_way_for_ever_is_found(connection: Connection, alice: Membership) -> None:
    intent = make_intent(connection, alice.user, state=IntentState.SENDING)
    assert troubles(1, NOW + timedelta(minutes=9)) == []
    assert f"intent {intent.pk} has been on its way" in troubles(1, NOW + timedelta(minutes=11))[0]


def test_news_that_nobody_was_told_of_is_found(running: Generation) -> None:
    webhook = make_webhook(running.workspace, listening_since=NOW - timedelta(hours=1))
    fields = {"workspace": running.workspace, "kind": EventKind.SUCCEEDED, "generation": running}
    waiting = Event.objects.create(**fields, number=2, at=NOW)
    assert troubles(5, NOW + timedelta(minutes=9)) == []
    assert f"event {waiting.pk} has waited" in troubles(5, NOW + timedelta(minutes=11))[0]
    Event.objects.update(spread_at=NOW)
    assert troubles(5) == [f"webhook {webhook.pk} was not told of event {waiting.pk}"]
    Generation.objects.filter(pk=running.pk).update(privacy_seq=7)  # who knows whether it was private then
    assert troubles(5) == []


def test_a_delivery_that_nobody_makes_is_found(running: Generation) -> None:
    delivery = make_delivery(make_webhook(running.workspace), running, next_try_at=NOW)
    assert troubles(5, NOW + timedelta(minutes=9)) == []
    assert f"delivery {delivery.pk} has been due since" in troubles(5, NOW + timedelta(minutes=11))[0]


def test_secrets_of_webhooks_and_callbacks_in_clear_are_found(running: Generation) -> None:
    webhook = make_webhook(running.workspace, "https://hooks.example/T000/B000/planted-path")
    callback = callbacks.begin(running.workspace_id, "https://their.example/", created_by_id=None, now=NOW)
    assert troubles(14) == []
    running.prompt = f"{sealed.url_of(webhook)} {sealed.secret_of(webhook)} {sealed.token_of(callback)}"
    running.save()
    assert [trouble.split(" holds ")[1] for trouble in troubles(14)] == [
        f"the address of webhook {webhook.pk}",
        f"the secret of webhook {webhook.pk}",
        f"the token of callback {callback.pk}",
    ]


def test_the_database_refuses_to_let_a_create_be_sent_twice(connection: Connection, alice: Membership) -> None:
    make_intent(connection, alice.user, state=IntentState.UNKNOWN, idempotency_key="k")
    assert troubles(6) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Intent.objects.update(is_sendable=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_intent(connection, alice.user, idempotency_key="k")


def test_a_state_without_its_transition_is_found(running: Generation) -> None:
    running.transitions.filter(number=2).delete()
    assert "is running, but its last transition says queued" in troubles(3)[0]


def test_a_generation_without_any_transition_is_found(running: Generation) -> None:
    running.transitions.all().delete()
    assert "says nothing" in troubles(3)[0]


def test_a_gap_in_the_transitions_is_found(running: Generation) -> None:
    running.transitions.filter(number=1).delete()
    assert any("numbered up to 2" in trouble for trouble in troubles(3))


def test_a_way_back_is_found_unless_a_person_went_it(connection: Connection) -> None:
    failed = make_generation(connection, state=State.FAILED)
    back = Transition(generation=failed, number=3, from_state=State.FAILED, to_state=State.RUNNING, at=NOW)
    back.cause = Cause.PERSON
    back.save()
    Generation.objects.update(state=State.RUNNING, settled_at=None, next_refresh_at=NOW)
    assert troubles(3) == []
    Transition.objects.filter(pk=back.pk).update(cause=Cause.REFRESH)
    assert "leads back" in troubles(3)[0]


def test_an_archived_asset_without_its_file_is_found(running: Generation) -> None:
    make_asset(
        running,
        copy_state=CopyState.ARCHIVED,
        sha256="ab" * 32,
        stored_name=f"1/ab/{'ab' * 32}.mp4",
        size=5,
        next_copy_at=None,
    )
    assert len(troubles(7)) == 1


def test_pending_work_that_nobody_will_do_is_found(running: Generation) -> None:
    Generation.objects.update(next_refresh_at=None)
    assert "nothing will ask about it again" in troubles(9)[0]
    Generation.objects.update(attention="parked")
    assert troubles(9) == []


def test_work_that_is_hours_late_is_found_unless_its_connection_is_paused(running: Generation) -> None:
    later = NOW + timedelta(hours=3)
    assert "has been due since" in troubles(9, later)[0]
    Connection.objects.update(pause_reason="person")
    assert troubles(9, later) == []


def test_a_wrong_count_is_found(running: Generation) -> None:
    running.workspace.counts.update(total=F("total") + 1)
    assert "shows 2 running, and has 1" in troubles(10)[0]


def test_a_row_of_another_workspace_is_found(running: Generation, charlie: Membership) -> None:
    Generation.objects.update(workspace=charlie.workspace)
    assert "uses a connection of another" in troubles(11)[0]


def test_a_file_of_another_workspace_is_found(running: Generation) -> None:
    make_asset(running)
    Asset.objects.update(stored_name="999999/ab/file.mp4")
    assert "names 999999" in troubles(11)[0]


def test_a_workspace_without_an_owner_is_found(alice: Membership, bob: Membership) -> None:
    assert troubles(11) == []
    alice.delete()
    assert troubles(11) == [f"workspace {bob.workspace_id} has no owner"]


def test_what_a_link_shows_of_another_workspace_is_found(alice: Membership, charlie: Membership) -> None:
    link = shared(alice, make_generation(make_connection(alice.workspace)))
    assert troubles(11) == []
    foreign = make_generation(make_connection(charlie.workspace))
    item = ShareItem.objects.create(link=link, generation=foreign, number=7)
    assert troubles(11) == [f"share item {item.pk} of workspace {alice.workspace_id} uses a generation of another"]


def test_an_audit_row_about_something_of_another_workspace_is_found(running: Generation, charlie: Membership) -> None:
    record("rename", workspace_id=running.workspace_id, actor_id=None, target=running)
    gone = make_generation(running.connection)
    record("trash", workspace_id=gone.workspace_id, actor_id=None, target=gone)
    gone.delete()
    record("signed_in", workspace_id=None, actor_id=charlie.user_id, target=charlie.user)
    assert troubles(11) == []
    event = record("trash", workspace_id=charlie.workspace_id, actor_id=None, target=running)
    assert troubles(11) == [
        f"audit row {event.pk} of workspace {charlie.workspace_id} is about a generation of another"
    ]


def test_an_audit_row_that_tells_others_of_private_work_is_found(running: Generation, alice: Membership) -> None:
    event = record("rename", workspace_id=running.workspace_id, actor_id=alice.user_id, target=running)
    Generation.objects.update(created_by=alice.user)
    running.refresh_from_db()
    operations.set_private(running, is_private=True, actor_id=alice.user_id, now=NOW)
    assert troubles(11) == []
    AuditEvent.objects.filter(pk=event.pk).update(audience="members")
    assert troubles(11) == [f"audit row {event.pk} tells members of generation {running.pk}, which is private"]


def test_every_table_that_belongs_to_workspaces_is_looked_at() -> None:
    """A table with two ways to a workspace is compared by being there; one without any has to be known here."""
    without = {"host", "beat", "session", "setuplink", "user", "workspace"}
    assert {model._meta.model_name for model in tenancy._our_models() if not tenancy.ways_of(model)} == without
    assert tenancy.ways_of(Generation) == ("workspace", "connection__workspace")
    assert tenancy.ways_of(ShareItem) == ("link__workspace", "generation__workspace")


def acting(membership: Membership) -> Member:
    return Member(user=membership.user, workspace=membership.workspace, role=Role(membership.role))


def shared(maker: Membership, film: Generation) -> ShareLink:
    return make_link(acting(maker), [film.pk], Terms(expires_at=None), now=NOW)


def audited(connection: Connection, alice: Membership) -> None:
    """Record what the factories did not."""
    record_how_they_came(alice)
    record("connection.added", workspace_id=connection.workspace_id, actor_id=alice.user_id, target=connection)


def test_acts_that_are_recorded_leave_nothing_to_say(
    connection: Connection, alice: Membership, bob: Membership
) -> None:
    audited(connection, alice)
    record_how_they_came(bob)
    operations.track(connection, map(Wanted, ("one", "two", "three")), created_by_id=alice.user_id, now=NOW)
    one, two, _three = Generation.objects.order_by("pk")
    operations.rename(one, "Take 1", actor_id=alice.user_id, now=NOW)
    operations.trash([one], actor_id=alice.user_id, now=NOW)
    operations.stop_tracking(two, actor_id=alice.user_id, now=NOW)
    change_role(acting(alice), bob.pk, Role.ADMIN)
    assert troubles(12) == []


@pytest.mark.parametrize(
    ("verbs", "missing"),
    [
        (["person.created"], "nothing says who did person.created {user}"),
        (["workspace.created"], "nothing says who did workspace.created {workspace}"),
        (["connection.added"], "nothing says who did connection.added {connection}"),
        (["rename"], "nothing says who did rename {film}"),
        (["trash"], "nothing says who did trash or stop_tracking {film}"),
        (["track"], "workspace {workspace} has 1 generations, but 0 were tracked"),
        (["workspace.created"], "person {user} is owner in workspace {workspace}, but was last made nothing"),
    ],
)
def test_an_act_without_its_audit_row_is_found(
    verbs: list[str], missing: str, connection: Connection, alice: Membership
) -> None:
    audited(connection, alice)
    operations.track(connection, [Wanted("one")], created_by_id=alice.user_id, now=NOW)
    film = Generation.objects.get()
    operations.rename(film, "Take 1", actor_id=alice.user_id, now=NOW)
    operations.trash([film], actor_id=alice.user_id, now=NOW)
    assert troubles(12) == []
    AuditEvent.objects.filter(verb__in=verbs).delete()
    names = {"user": alice.user_id, "workspace": alice.workspace_id, "connection": connection.pk, "film": film.pk}
    assert missing.format(**names) in troubles(12)


def test_a_pause_a_removal_and_a_link_without_their_audit_rows_are_found(
    connection: Connection, alice: Membership
) -> None:
    audited(connection, alice)
    operations.track(connection, [Wanted("one")], created_by_id=alice.user_id, now=NOW)
    link = shared(alice, Generation.objects.get())
    assert troubles(12) == []
    AuditEvent.objects.filter(verb="link.made").delete()
    Connection.objects.update(pause_reason="person", removed_at=NOW, key_box=b"", key_last4="")
    ShareLink.objects.update(revoked_at=NOW)
    assert troubles(12) == [
        f"nothing says who did connection.paused {connection.pk}",
        f"nothing says who did connection.removed {connection.pk}",
        f"nothing says who did link.made {link.pk}",
        f"nothing says who did link.revoked {link.pk}",
    ]


def test_notes_sight_rules_for_links_and_second_factors_without_their_audit_rows_are_found(
    connection: Connection, alice: Membership
) -> None:
    audited(connection, alice)
    operations.track(connection, [Wanted("one")], created_by_id=alice.user_id, now=NOW)
    film = Generation.objects.get()
    note = notes.write(film, "It tilts.", author_id=alice.user_id, now=NOW)
    notes.change(note, "It tilts a little.", now=NOW)
    notes.delete(note, actor_id=alice.user_id, now=NOW)
    operations.set_private(film, is_private=True, actor_id=alice.user_id, now=NOW)
    change_policy(acting(alice), Demands(most_days=7), revoke_breakers=False, now=NOW)
    SharePolicy.objects.update(embed_sites=["https://example.com"], accent="#112233")
    for verb in ("sharing.sites_changed", "sharing.look_changed"):
        record(verb, workspace_id=alice.workspace_id, actor_id=alice.user_id)
    TOTP.activate(alice.user, generate_totp_secret())
    assert troubles(12) == []
    AuditEvent.objects.filter(
        Q(verb__startswith="note.")
        | Q(verb__startswith="sharing.")
        | Q(verb__in=["make_private", "second_factor.added"])
    ).delete()
    assert troubles(12) == [
        f"nothing says who did make_private or make_shared {film.pk}",
        f"nothing says who did note.written {film.pk}",
        f"nothing says who did note.changed {film.pk}",
        f"nothing says who did note.deleted {film.pk}",
        f"nothing says who did second_factor.added {alice.user_id}",
        f"nothing says who did sharing.policy_changed in workspace {alice.workspace_id}",
        f"nothing says who did sharing.sites_changed in workspace {alice.workspace_id}",
        f"nothing says who did sharing.look_changed in workspace {alice.workspace_id}",
    ]


def test_a_role_that_nobody_gave_is_found(connection: Connection, alice: Membership, bob: Membership) -> None:
    audited(connection, alice)
    record_how_they_came(bob)
    Membership.objects.filter(pk=bob.pk).update(role=Role.ADMIN)
    assert troubles(12) == [f"person {bob.user_id} is admin in workspace {bob.workspace_id}, but was last made viewer"]


def test_an_invitation_without_its_audit_row_is_found(alice: Membership) -> None:
    invitation = make_invitation(alice, withdrawn_at=NOW)
    assert [trouble for trouble in troubles(12) if "invitation" in trouble] == [
        f"nothing says who did invitation.sent {invitation.pk}",
        f"nothing says who did invitation.withdrawn {invitation.pk}",
    ]


def test_an_overdrawn_budget_is_found(connection: Connection) -> None:
    Connection.objects.update(calls_left=-3)
    assert "overdrawn its budget by 3.0 calls" in troubles(13)[0]


def test_a_key_in_clear_is_found_wherever_it_stands_and_not_told(running: Generation) -> None:
    record("check_now", workspace_id=running.workspace_id, actor_id=None, words=f"the key is {KEY}")
    Generation.objects.update(error_text=f"refused: {KEY}")
    found = troubles(14)
    assert len(found) == 2
    assert KEY not in " ".join(found)


def test_a_silent_worker_is_found(db: None) -> None:
    make_member()
    assert "has not run yet" in troubles(15)[0]
