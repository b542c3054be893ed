"""What is mailed, to whom and when; and that nothing is lost where mail servers, or we, are in trouble."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db.models.signals import post_init
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, Role, User
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation, State
from lumaboard.news import batches, jobs, mailing, preferences
from lumaboard.news.models import EventKind, MailPace, Notice, Preference, Whose
from lumaboard.news.preferences import unsubscribe_token
from lumaboard.news.spreading import spread
from tests.factories import NOW, make_connection, make_generation, make_member, tell_of
from tests.news.smtp import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(alice: Membership) -> Connection:
    return make_connection(alice.workspace)


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as made:
        speak_to(made.port, settings)
        yield made


def speak_to(port: int, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5


def wants(membership: Membership, pace: str, **fields: Any) -> None:
    Preference.objects.update_or_create(membership=membership, defaults={"mail": pace, **fields})


def happens(
    connection: Connection, owner: Membership, *, kind: str = EventKind.SUCCEEDED, at: datetime = NOW, **fields: Any
):
    fields = {"state": State.SUCCEEDED} | fields
    film = make_generation(connection, created_by=owner.user, **fields)
    tell_of(film, kind=kind, now=at)
    return film


def send(at: datetime = NOW) -> list[EmailMessage]:
    """Send what is due at that time; the answer is what came into the outbox by it."""
    before = len(mail.outbox)
    mailing.send_due(clock=lambda: at, may_go_on=lambda: True)
    return mail.outbox[before:]


def test_without_a_choice_only_danger_to_ones_own_files_is_mailed(
    alice: Membership, bob: Membership, connection: Connection
):
    wants(bob, MailPace.NEVER, whose=Whose.EVERYONES)
    happens(connection, alice)
    film = happens(connection, alice, kind=EventKind.AT_RISK, prompt="A sea at noon")
    (letter,) = send()
    assert letter.to == [alice.user.email]
    assert letter.subject == "File at risk: A sea at noon · Northlight"
    assert f"/w/{alice.workspace.slug}/g/{film.pk}/" in letter.body
    assert send() == []


def test_danger_is_not_mailed_to_whoever_does_not_want_it(alice: Membership, connection: Connection):
    wants(alice, MailPace.NEVER, warns_by_mail=False)
    happens(connection, alice, kind=EventKind.LOST)
    assert send() == []


def test_all_that_is_due_goes_into_one_mail_for_each_person(alice: Membership, bob: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    wants(bob, MailPace.AT_ONCE, whose=Whose.EVERYONES)
    for _n in range(3):
        happens(connection, alice)
    letters = send()
    assert sorted(letter.to[0] for letter in letters) == sorted([alice.user.email, bob.user.email])
    assert {letter.subject for letter in letters} == {"3 news items from Northlight"}
    (bobs,) = (letter for letter in letters if letter.to == [bob.user.email])
    assert bobs.body.count("Alice Adams") == 3


def test_an_hours_news_is_mailed_when_the_hour_is_full(alice: Membership, connection: Connection):
    wants(alice, MailPace.HOURLY)
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    for minute in (5, 59):
        happens(connection, alice, at=noon + timedelta(minutes=minute))
    assert send(noon + timedelta(minutes=59, seconds=59)) == []
    (letter,) = send(noon + timedelta(hours=1))
    assert letter.subject == "2 news items from Northlight"


@pytest.mark.parametrize(
    ("zone", "eight"),
    [
        ("", datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 11, 22, 23, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 22, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_days_news_is_mailed_at_eight_by_the_clock_of_its_reader(
    alice: Membership, connection: Connection, zone: str, eight: datetime
):
    User.objects.filter(pk=alice.user.pk).update(time_zone=zone)
    wants(alice, MailPace.DAILY)
    for hour in (0, 1):
        happens(connection, alice, at=NOW + timedelta(hours=hour))
    assert send(eight - timedelta(seconds=1)) == []
    (letter,) = send(eight)
    shown = {"": "12:00", "Asia/Tokyo": "21:00", "America/Los_Angeles": "04:00"}[zone]
    assert f"Sun 22 Nov 2026, {shown}" in letter.body


def test_eight_oclock_stays_eight_oclock_when_clocks_change(alice: Membership, connection: Connection):
    User.objects.filter(pk=alice.user.pk).update(time_zone="Europe/Berlin")
    wants(alice, MailPace.DAILY)
    happens(connection, alice, at=datetime(2026, 10, 24, 10, 0, tzinfo=UTC))  # the night after, an hour is there twice
    assert Notice.objects.get().mail_at == datetime(2026, 10, 25, 7, 0, tzinfo=UTC)


def test_a_batch_is_one_line(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    films = [
        make_generation(connection, created_by=alice.user, state=state) for state in (State.SUCCEEDED, State.FAILED)
    ]
    batches.gather(alice.workspace.pk, [film.pk for film in films], created_by_id=alice.user.pk, now=NOW)
    tell_of(*films, now=NOW)
    (letter,) = send()
    assert letter.subject == "Batch done: 1 ready, 1 failed · Northlight"


def test_what_was_read_is_not_mailed(alice: Membership, alice_client: Client, connection: Connection):
    wants(alice, MailPace.DAILY)
    happens(connection, alice)
    alice_client.post(f"/w/{alice.workspace.slug}/news/read/", {"until": Notice.objects.get().pk})
    assert send(NOW + timedelta(days=2)) == []


def test_what_waits_keeps_to_a_choice_made_since(alice: Membership, alice_client: Client, connection: Connection):
    wants(alice, MailPace.DAILY)
    happens(connection, alice)
    chosen = {"kinds": EventKind.values, "whose": "mine", "mail": "never"}
    alice_client.post(f"/w/{alice.workspace.slug}/settings/notifications/", chosen)
    assert send(NOW + timedelta(days=2)) == []


def test_private_work_is_mailed_to_nobody_else_even_where_it_was_shared_when_it_happened(
    alice: Membership, bob: Membership, connection: Connection
):
    wants(bob, MailPace.AT_ONCE, whose=Whose.EVERYONES)
    film = happens(connection, alice, prompt="A hidden sea")
    happens(connection, alice, prompt="A hidden lake", is_private=True)
    Generation.objects.filter(pk=film.pk).update(is_private=True)
    assert send() == []
    assert not Notice.objects.filter(mail_at__isnull=False).exists()


def test_whoever_left_or_may_not_sign_in_gets_no_mail(alice: Membership, connection: Connection):
    dana = make_member("Dana", role=Role.MEMBER, workspace=alice.workspace)
    idle = make_member("Igor", role=Role.MEMBER, workspace=alice.workspace)
    for person in (dana, idle):
        wants(person, MailPace.AT_ONCE)
        happens(connection, person)
    dana.delete()
    User.objects.filter(pk=idle.user.pk).update(is_active=False)
    assert send() == []


def test_no_prompt_writes_a_header_or_a_line_of_its_own(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice, prompt="A sea\r\nBcc: eve@example.com\u2028at\x0bnoon <b>&amp; \u202ekrad")
    (letter,) = send()
    assert letter.subject == "Ready: A sea Bcc: eve@example.com at noon <b>&amp; krad · Northlight"
    assert letter.message()["Bcc"] is None
    assert "Ready: A sea Bcc: eve@example.com at noon <b>&amp; krad\n" in letter.body


def test_a_long_mail_says_how_much_more_there_is(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    tell_of(*(make_generation(connection, created_by=alice.user, state=State.FAILED) for _n in range(53)), now=NOW)
    (letter,) = send()
    assert letter.subject == "53 news items from Northlight"
    assert letter.body.count("/g/") == 50
    assert "And 3 more:" in letter.body


def test_however_much_waits_little_of_it_is_read(alice: Membership, connection: Connection):
    wants(alice, MailPace.DAILY)
    tell_of(*(make_generation(connection, created_by=alice.user, state=State.FAILED) for _n in range(80)), now=NOW)
    preference = Preference.objects.select_related("membership__user").get()
    read: list[Notice] = []

    def note(instance: Notice, **_more: Any) -> None:
        read.append(instance)

    post_init.connect(note, sender=Notice)
    try:
        preference.mail = MailPace.AT_ONCE
        preferences.change(preference, now=NOW)
        assert len(send()) == 1
    finally:
        post_init.disconnect(note, sender=Notice)
    assert len(read) <= 50


def test_a_choice_made_since_tells_ones_own_danger_from_that_of_others(
    alice: Membership, bob: Membership, connection: Connection
):
    wants(alice, MailPace.DAILY, whose=Whose.EVERYONES)
    for owner in (alice, bob):
        happens(connection, owner, kind=EventKind.LOST)
    happens(connection, alice)
    batches.gather(
        connection.workspace_id,
        list(Generation.objects.values_list("pk", flat=True)),
        created_by_id=alice.user.pk,
        now=NOW,
    )
    spread(now=NOW)
    preference = Preference.objects.select_related("membership__user").get()
    preference.mail = MailPace.NEVER
    preferences.change(preference, now=NOW)
    (waiting,) = Notice.objects.filter(membership=alice, mail_at__isnull=False)
    assert (waiting.event.kind, waiting.event.owner_id) == (EventKind.LOST, alice.user.pk)


def test_a_program_unsubscribes_with_one_press_and_without_signing_in(
    alice: Membership, client: Client, connection: Connection, settings: Settings
):
    happens(connection, alice, kind=EventKind.LOST)
    (letter,) = send()
    headers = letter.message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>").removeprefix(settings.PUBLIC_URL)
    strict = Client(enforce_csrf_checks=True)
    assert b"Stop the mail" in strict.get(link).content
    assert not Preference.objects.exists()  # a look changes nothing

    for _twice in range(2):
        assert strict.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    preference = Preference.objects.get(membership=alice)
    assert (preference.mail, preference.warns_by_mail, preference.kinds) == (MailPace.NEVER, False, EventKind.values)
    happens(connection, alice, kind=EventKind.LOST)
    assert send() == []


def test_a_link_that_was_not_made_here_or_is_nobodys_any_more_stops_nothing(alice: Membership, client: Client):
    token = unsubscribe_token(alice)
    alice.delete()
    for one in (token, token[:-1] + ("A" if token[-1] != "A" else "B"), "1:2:3"):
        assert client.get(f"/unsubscribe/{one}/").status_code == 404
        assert client.post(f"/unsubscribe/{one}/").status_code == 404


def test_mail_goes_to_a_server_over_one_connection(
    alice: Membership, bob: Membership, connection: Connection, server: MailServer
):
    for person in (alice, bob):
        wants(person, MailPace.AT_ONCE)
        happens(connection, person, prompt="Ein Meer, größer als zuvor")
    send()
    assert sorted(server.recipients) == sorted([alice.user.email, bob.user.email])
    assert server.session_count == 1
    assert str(server.mails[0]["Subject"]).strip() == "Ready: Ein Meer, größer als zuvor · Northlight"


def test_one_whose_address_is_refused_keeps_nobody_else_waiting_and_is_tried_again(
    alice: Membership, bob: Membership, connection: Connection, server: MailServer
):
    for person in (alice, bob):
        wants(person, MailPace.AT_ONCE)
        happens(connection, person)
    server.refused = {alice.user.email}
    send()
    assert server.recipients == [bob.user.email]
    waiting = Notice.objects.get(membership=alice)
    assert (waiting.mail_at, waiting.mail_try_count) == (NOW + timedelta(minutes=1), 1)

    send(NOW + timedelta(minutes=1))
    waiting.refresh_from_db()
    assert waiting.mail_at == NOW + timedelta(minutes=3)
    server.refused = set()
    send(NOW + timedelta(minutes=3))
    assert server.recipients == [bob.user.email, alice.user.email]


def test_what_is_refused_for_ever_is_given_up(alice: Membership, connection: Connection, server: MailServer):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice)
    server.refused = {alice.user.email}
    at, tries = NOW, 0
    while (due_at := Notice.objects.get().mail_at) is not None:
        at, tries = due_at, tries + 1
        send(at)
    assert tries == mailing.MOST_TRIES
    assert at - NOW < timedelta(days=1)


def test_a_server_that_is_down_uses_up_nobodys_tries(alice: Membership, connection: Connection, settings: Settings):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and listening to nobody
        speak_to(taken.getsockname()[1], settings)
        send()
    waiting = Notice.objects.get()
    assert (waiting.mail_at, waiting.mail_try_count) == (NOW, 0)
    with MailServer() as server:
        speak_to(server.port, settings)
        send()
        assert server.recipients == [alice.user.email]


def test_a_connection_that_breaks_ends_the_round_and_loses_nothing(
    alice: Membership, bob: Membership, connection: Connection, server: MailServer
):
    for person in (alice, bob):
        wants(person, MailPace.AT_ONCE)
        happens(connection, person)
    server.hangs_up_after_data = True
    send()
    assert len(server.mails) == 1  # it may have been kept, or not: it is sent again
    server.hangs_up_after_data = False
    send(NOW + timedelta(minutes=1))
    assert sorted(server.recipients[1:]) == sorted([alice.user.email, bob.user.email])


def test_of_two_who_mail_at_once_one_does(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice)
    claim = mailing.claim_mail(alice, now=NOW)
    assert claim is not None
    assert mailing.claim_mail(alice, now=NOW) is None
    assert send() == []
    mailing.sent(claim)
    assert send(NOW + mailing.LEASE) == []


def test_what_a_killed_mailer_had_claimed_is_sent_later_and_not_for_ever(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice)
    mailing.claim_mail(alice, now=NOW)  # and is killed
    assert send(NOW + mailing.LEASE - timedelta(seconds=1)) == []
    assert len(send(NOW + mailing.LEASE)) == 1

    happens(connection, alice)
    at = NOW
    while mailing.claim_mail(alice, now=at):
        at += mailing.LEASE
    assert not Notice.objects.filter(mail_at__isnull=False).exists()


def test_the_page_says_where_mail_goes_nowhere(alice: Membership, alice_client: Client, settings: Settings):
    path = f"/w/{alice.workspace.slug}/settings/notifications/"
    assert b"No mail server is set." in alice_client.get(path).content
    settings.EMAIL_URL = "smtp://mail.example.com:25"
    assert b"No mail server is set." not in alice_client.get(path).content


def test_the_clock_finds_what_is_due(alice: Membership, connection: Connection):
    wants(alice, MailPace.AT_ONCE)
    happens(connection, alice, at=timezone.now())
    jobs.mail()
    assert len(mail.outbox) == 1
