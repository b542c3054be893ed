"""Where people are signed in: the list, ending one, ending all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lumaboard.accounts import jobs, operations
from lumaboard.accounts.browsers import describe
from lumaboard.accounts.models import Membership, Session
from lumaboard.accounts.tokens import hash_token
from lumaboard.audit.models import AuditEvent
from tests.conftest import client_of
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


def sign_in(membership: Membership, agent: str = FIREFOX, address: str = "203.0.113.7") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    answer = client.post("/accounts/login/", {"login": membership.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def url_of(membership: Membership, path: str = "sign-ins/") -> str:
    return f"/w/{membership.workspace.slug}/settings/{path}"


def handle_of(client: Client) -> str:
    return hash_token(client.cookies["session"].value)


def is_in(client: Client, membership: Membership) -> bool:
    return client.get(url_of(membership, "profile/")).status_code == 200


def test_the_list_names_browser_device_and_address_and_marks_this_one(alice: Membership) -> None:
    here, phone = sign_in(alice), sign_in(alice, IPHONE, "2001:db8::7")
    page = " ".join(here.get(url_of(alice)).content.decode().split())
    assert page.index("Firefox on Linux</b> <span") < page.index("Safari on iPhone</b></div>")
    assert page.count("This one") == 1
    assert "203.0.113.7" in page
    assert "2001:db8::7" in page
    assert handle_of(phone) in page
    for client in (here, phone):
        assert client.cookies["session"].value not in page


def test_nobody_sees_or_ends_what_is_another_persons(alice: Membership, bob: Membership) -> None:
    hers, his = sign_in(alice), sign_in(bob, IPHONE)
    assert "iPhone" not in hers.get(url_of(alice)).content.decode()
    assert hers.post(url_of(alice, f"sign-ins/{handle_of(his)}/end/")).status_code == 404
    assert is_in(his, bob)


def test_one_that_is_ended_is_out_at_its_next_request(alice: Membership) -> None:
    here, elsewhere, third = sign_in(alice), sign_in(alice, IPHONE), sign_in(alice)
    end = url_of(alice, f"sign-ins/{handle_of(elsewhere)}/end/")
    assert here.get(end).status_code == 405
    assert b"That browser is signed out." in here.post(end, follow=True).content
    assert (is_in(here, alice), is_in(elsewhere, alice), is_in(third, alice)) == (True, False, True)
    assert AuditEvent.objects.get(verb="sign_in.ended").actor == alice.user
    assert here.post(end).status_code == 404


@pytest.mark.parametrize("handle", ["x", "0" * 64, "é"])
def test_a_sign_in_that_does_not_exist_is_not_found(alice: Membership, handle: str) -> None:
    assert sign_in(alice).post(url_of(alice, f"sign-ins/{handle}/end/")).status_code == 404


def test_sign_out_everywhere_ends_all_of_ones_own_and_no_others(alice: Membership, bob: Membership) -> None:
    here, elsewhere, his = sign_in(alice), sign_in(alice, IPHONE), sign_in(bob)
    assert here.get(url_of(alice, "sign-out-everywhere/")).status_code == 405
    page = here.post(url_of(alice, "sign-out-everywhere/"), follow=True)
    assert page.redirect_chain == [("/accounts/login/", 302)]
    assert b"You are signed out everywhere." in page.content
    assert (is_in(here, alice), is_in(elsewhere, alice), is_in(his, bob)) == (False, False, True)
    event = AuditEvent.objects.get(verb="sign_in.all_ended")
    assert (event.actor, event.detail) == (alice.user, {"count": 2})


def test_a_new_password_leaves_this_sign_in_alone_in_the_list(alice: Membership) -> None:
    here, elsewhere = sign_in(alice), sign_in(alice, IPHONE)
    new = PASSWORD + "!"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert (is_in(here, alice), is_in(elsewhere, alice)) == (True, False)
    page = here.get(url_of(alice)).content.decode()
    assert "This one" in page
    assert "iPhone" not in page
    operations.set_password(alice.user.email, PASSWORD, timezone.now())
    assert not Session.objects.filter(user=alice.user).exists()


def test_a_browser_that_says_too_much_of_itself_is_kept_in_short(alice: Membership) -> None:
    client = sign_in(alice, "Firefox/" + "x" * 5000, "fe80::1%" + "y" * 100)
    row = Session.objects.get(user=alice.user)
    assert (len(row.agent), len(row.address)) == (300, 45)
    assert is_in(client, alice)


def test_a_request_under_way_cannot_bring_an_ended_sign_in_back(alice: Membership) -> None:
    client = sign_in(alice)
    session = client.session
    session["late"] = True
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists()


def test_last_seen_is_written_at_most_every_five_minutes(alice: Membership) -> None:
    start = datetime.fromisoformat("2026-11-26T10:00:00+00:00")
    with time_machine.travel(start, tick=False):
        client = sign_in(alice)
    for minutes, is_written in ((1, False), (4, False), (6, True), (10, False), (12, True)):
        with (
            time_machine.travel(start + timedelta(minutes=minutes), tick=False),
            CaptureQueriesContext(database) as asked,
        ):
            client.get(f"/w/{alice.workspace.slug}/live?since=0", headers={"HX-Request": "true"})
        wrote = any(query["sql"].startswith("UPDATE") and "seen_at" in query["sql"] for query in asked)
        assert wrote == is_written, minutes
    assert Session.objects.get(user=alice.user).seen_at == start + timedelta(minutes=12)
    assert Session.objects.get(user=alice.user).created_at == start


def test_a_session_keeps_its_beginning_when_its_data_change(alice: Membership) -> None:
    start = datetime.fromisoformat("2026-11-26T10:00:00+00:00")
    with time_machine.travel(start, tick=False):
        client = sign_in(alice)
    with time_machine.travel(start + timedelta(hours=1), tick=False):
        chosen = {"name": "Alice", "theme": "dark", "time_zone": "", "language": ""}
        client.post(url_of(alice, "profile/"), chosen)  # leaves a message in the session
    row = Session.objects.get(user=alice.user)
    assert (row.created_at, row.seen_at, row.agent) == (start, start + timedelta(hours=1), FIREFOX)


def test_the_list_costs_the_same_however_many_there_are(alice: Membership) -> None:
    here = sign_in(alice)
    costs = []
    for _more in range(2):
        with CaptureQueriesContext(database) as asked:
            here.get(url_of(alice))
        costs.append(len(asked))
        for _other in range(4):
            sign_in(alice, IPHONE)
    assert costs[0] == costs[1]


def test_sessions_whose_time_is_over_are_forgotten(alice: Membership) -> None:
    client_of(alice)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    kept = client_of(alice)
    jobs.forget_sessions()
    assert [row.session_key for row in Session.objects.all()] == [kept.cookies["session"].value]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>" * 100, "Unknown browser"),
    ],
)
def test_a_browser_is_named_by_what_it_says_of_itself(agent: str, words: str) -> None:
    assert describe(agent) == words
