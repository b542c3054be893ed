"""Signing in and out, passwords, and what happens after too many tries."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from time_machine import travel

from lumaboard.accounts import operations
from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from tests.accounts.pages import steady
from tests.conftest import client_of
from tests.factories import NOW, PASSWORD

LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"
NEW_PASSWORD = "quite another passphrase"

pytestmark = pytest.mark.django_db


def sign_in(
    client: Client, email: str, password: str = PASSWORD, address: str = "198.51.100.7", **more: str
) -> HttpResponse:
    return client.post(LOGIN, {"login": email, "password": password, **more}, REMOTE_ADDR=address)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_signing_in_leads_to_the_page_one_wanted(client: Client, alice: Membership) -> None:
    wanted = f"/w/{alice.workspace.slug}/settings/profile/"
    answer = client.get(wanted)
    assert answer.headers["Location"] == f"{LOGIN}?next={wanted}"
    page = client.get(answer.headers["Location"])
    assert f'name="next" value="{wanted}"' in page.content.decode()
    assert page.headers["Cache-Control"].find("no-store") >= 0
    answer = sign_in(client, alice.user.email.upper(), next=wanted)
    assert answer.headers["Location"] == wanted
    assert AuditEvent.objects.filter(verb="signed_in", actor=alice.user).count() == 1


def test_signing_in_never_leads_to_another_site(client: Client, alice: Membership) -> None:
    answer = sign_in(client, alice.user.email, next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(client: Client, alice: Membership) -> None:
    def shown(email: str) -> str:
        return steady(sign_in(client, email, "wrong password")).replace(email, "")

    assert shown(alice.user.email) == shown("nobody@example.com")


def test_after_ten_failures_the_right_password_is_refused_too_until_the_time_said(
    client: Client, alice: Membership
) -> None:
    with travel(NOW, tick=False) as clock:
        for number in range(10):
            sign_in(client, alice.user.email, "wrong password", address=f"198.51.100.{number}")
        clock.shift(60)
        answer = sign_in(client, alice.user.email, address="198.51.100.99")
        assert answer.status_code == 200
        assert "Wait 14 minutes" in answer.content.decode()
        assert not is_signed_in(client)
        clock.shift(14 * 60 + 1)
        sign_in(client, alice.user.email, address="198.51.100.99")
        assert is_signed_in(client)


def test_naming_another_host_gives_no_further_tries(client: Client, alice: Membership) -> None:
    for number in range(10):
        sign_in(client, alice.user.email, "wrong password", address=f"198.51.100.{number}")
    entered = {"login": alice.user.email, "password": PASSWORD}
    answer = client.post(LOGIN, entered, REMOTE_ADDR="198.51.100.99", HTTP_HOST="localhost")
    assert b"Too many failed tries" in answer.content


def test_ten_failures_from_one_address_stop_that_address_and_nobody_else(client: Client, alice: Membership) -> None:
    for number in range(10):
        sign_in(client, f"nobody{number}@example.com", "wrong password")
    assert b"Too many failed tries" in sign_in(client, alice.user.email).content
    assert not is_signed_in(client)
    for _try in range(10):
        sign_in(client, alice.user.email, "wrong password")  # refused unread, so not counted against Alice
    sign_in(client, alice.user.email, address="203.0.113.1")
    assert is_signed_in(client)


def test_success_between_failures_does_not_reset_the_count(client: Client, alice: Membership) -> None:
    for number in range(10):
        sign_in(client, alice.user.email, "wrong password", address=f"198.51.100.{number}")
        if number < 9:
            sign_in(Client(), alice.user.email, address="203.0.113.1")
    assert b"Too many failed tries" in sign_in(client, alice.user.email, address="203.0.113.2").content


def test_a_forwarded_address_is_not_believed(client: Client, alice: Membership) -> None:
    for number in range(10):
        client.post(
            LOGIN,
            {"login": f"nobody{number}@example.com", "password": "wrong"},
            REMOTE_ADDR="198.51.100.7",
            HTTP_X_FORWARDED_FOR=f"203.0.113.{number}",
        )
    assert b"Too many failed tries" in sign_in(client, alice.user.email).content


def test_signing_out_needs_a_post(alice_client: Client) -> None:
    assert alice_client.get("/accounts/logout/").status_code == 200
    assert is_signed_in(alice_client)
    assert alice_client.post("/accounts/logout/").headers["Location"] == LOGIN
    assert not is_signed_in(alice_client)


def test_changing_the_password_keeps_this_session_and_ends_the_others(alice: Membership) -> None:
    here, elsewhere = client_of(alice), client_of(alice)
    profile = f"/w/{alice.workspace.slug}/settings/profile/"
    entered = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert here.post("/accounts/password/change/", entered).status_code == 302
    assert here.get(profile).status_code == 200
    assert elsewhere.get(profile).status_code == 302
    assert AuditEvent.objects.filter(verb="password.changed", actor=alice.user).exists()


def test_a_weak_or_wrong_password_is_said_beside_its_field(alice_client: Client) -> None:
    entered = {"oldpassword": "not it", "password1": "short", "password2": "short"}
    page = alice_client.post("/accounts/password/change/", entered).content.decode()
    assert 'id="id_oldpassword_error"' in page
    assert 'id="id_password1_error"' in page


def reset_link(message: mail.EmailMessage) -> str:
    found = re.search(r"http://\S+", str(message.body))
    assert found is not None
    return found.group()


def test_a_mailed_link_sets_a_new_password_once(client: Client, alice: Membership) -> None:
    signed_in_before = client_of(alice)
    assert client.post(RESET, {"email": alice.user.email}).status_code == 302
    link = reset_link(mail.outbox[0])
    assert link.startswith("http://127.0.0.1:8000/accounts/password/reset/key/")
    form_url = client.get(link).headers["Location"]
    assert client.get(form_url).status_code == 200
    answer = client.post(form_url, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert client.get(answer.headers["Location"]).status_code == 200
    sign_in(client, alice.user.email, NEW_PASSWORD)
    assert is_signed_in(client)
    assert signed_in_before.get(f"/w/{alice.workspace.slug}/settings/profile/").status_code == 302
    assert b"This link does not work" in Client().get(link).content


def test_the_mailed_link_never_names_the_host_somebody_sent(client: Client, alice: Membership) -> None:
    client.post(RESET, {"email": alice.user.email}, HTTP_HOST="localhost")
    assert reset_link(mail.outbox[0]).startswith("http://127.0.0.1:8000/")


def test_asking_for_a_reset_looks_the_same_for_an_address_nobody_has(client: Client, alice: Membership) -> None:
    answers = [client.post(RESET, {"email": email}) for email in (alice.user.email, "nobody@example.com")]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert [message.to for message in mail.outbox] == [[alice.user.email], ["nobody@example.com"]]
    assert "http" not in str(mail.outbox[1].body)


def test_too_many_resets_get_a_page_that_says_so(client: Client, alice: Membership) -> None:
    for _try in range(5):
        client.post(RESET, {"email": alice.user.email})
    answer = client.post(RESET, {"email": alice.user.email})
    assert answer.status_code == 429
    assert b"Too many tries" in answer.content
    assert len(mail.outbox) == 5


def test_the_operator_can_set_a_password_which_ends_all_sessions(alice: Membership) -> None:
    signed_in = client_of(alice)
    operations.set_password(alice.user.email.upper(), NEW_PASSWORD, timezone.now())
    assert signed_in.get(f"/w/{alice.workspace.slug}/settings/profile/").status_code == 302
    assert AuditEvent.objects.filter(verb="password.set_by_operator").exists()
    with pytest.raises(operations.PersonUnknown):
        operations.set_password("nobody@example.com", NEW_PASSWORD, timezone.now())


def test_somebody_switched_off_is_out_at_the_next_request(alice: Membership, client: Client) -> None:
    signed_in = client_of(alice)
    alice.user.is_active = False
    alice.user.save()
    assert signed_in.get(f"/w/{alice.workspace.slug}/settings/profile/").status_code == 302
    answer = sign_in(client, alice.user.email)
    assert not is_signed_in(client)
    assert b"switched off" in client.get(answer.headers["Location"]).content


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "login/code/", "login/code/confirm/", "3rdparty/", "phone/change/"]
)
def test_routes_without_a_page_of_ours_do_not_exist(alice_client: Client, path: str) -> None:
    assert alice_client.get(f"/accounts/{path}").status_code == 404


@pytest.mark.parametrize("path", ["login/", "password/reset/", "password/reset/done/", "password/reset/key/1-x/"])
def test_every_page_of_the_way_in_is_ours_and_kept_by_no_cache(client: Client, path: str) -> None:
    answer = client.get(f"/accounts/{path}")
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    page = answer.content.decode()
    assert 'class="gate' in page
    assert "style=" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("path", ["logout/", "password/change/", "reauthenticate/"])
def test_every_page_of_an_account_is_ours(alice_client: Client, path: str) -> None:
    page = alice_client.get(f"/accounts/{path}").content.decode()
    assert 'class="gate' in page
    assert "style=" not in page


def test_an_htmx_request_of_an_expired_session_loads_the_sign_in_page_and_comes_back(alice: Membership) -> None:
    browser = client_of(alice)
    connections = f"/w/{alice.workspace.slug}/settings/connections/"
    page_seen = f"{connections}?from=rail"
    browser.session.flush()
    browser.cookies.clear()
    answer = browser.post(
        f"{connections}1/test/", headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page_seen}"}
    )
    assert answer.status_code == 200
    sign_in_url = answer.headers["HX-Redirect"]
    assert b"<form" not in answer.content
    sign_in_page = browser.get(sign_in_url).content.decode()
    assert f'name="next" value="{page_seen}"' in sign_in_page
    assert sign_in(browser, alice.user.email, next=page_seen).headers["Location"] == page_seen


def test_a_session_cookie_that_is_no_key_is_none(alice: Membership) -> None:
    browser = Client()
    browser.cookies.load('session="aaaaaaaa\\000bbbb"')
    assert browser.get(f"/w/{alice.workspace.slug}/").status_code == 302


@pytest.mark.parametrize("domain", ["é" * 60 + ".com", "\ufffd.com"])
def test_asking_for_a_password_with_an_address_that_mail_cannot_write_looks_like_any_other(
    db: None, client: Client, domain: str
) -> None:
    usual = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    strange = client.post("/accounts/password/reset/", {"email": f"a@{domain}"})
    assert (strange.status_code, strange.headers["Location"]) == (usual.status_code, usual.headers["Location"])
