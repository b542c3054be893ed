"""Whose an account is that anybody may have made: what was set before the address was proven ends with the proof."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from lumaboard.accounts.api_tokens import member_by_token
from lumaboard.accounts.models import Membership, User
from lumaboard.accounts.operations import create_setup_link
from lumaboard.audit.models import AuditEvent
from lumaboard.ops.links import new_password_url
from tests.accounts.issuer import Issuer, issuer
from tests.factories import NOW, PASSWORD, make_invitation, make_token

__all__ = ["issuer"]
pytestmark = pytest.mark.django_db
VICTIM, NEW = "victim@example.com", "chosen by the person themselves"


@pytest.fixture
def taken(alice: Membership, client: Client) -> tuple[Client, str]:
    """Alice opens the link of her own invitation, makes the account and a token, and adds a passkey; gives her ways in."""
    make_invitation(alice, email=VICTIM, token="t0k3n")
    client.post("/invitation/t0k3n/", {"name": "Victim", "password": PASSWORD})
    membership = Membership.objects.get(user__email=VICTIM)
    Authenticator.objects.create(user=membership.user, type="webauthn", data={"name": "Hers", "credential": {}})
    return client, make_token(membership).token


def come_through_the_issuer(issuer: Issuer) -> None:
    issuer.person = {"sub": "7", "email": VICTIM, "email_verified": True}
    client = Client()
    sent = client.get("/accounts/sso/")
    client.get(f"/accounts/sso/callback/?{issuer.authorize(sent.headers['Location'])}")
    assert AuditEvent.objects.filter(verb="single_sign_on.connected").exists()


def choose_a_password() -> None:
    client = Client()
    form = client.get(urlsplit(new_password_url(User.objects.get(email=VICTIM))).path, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert User.objects.get(email=VICTIM).check_password(NEW)


def is_in(client: Client) -> bool:
    return "/accounts/login/" not in client.get("/", follow=True).request["PATH_INFO"]


@pytest.mark.parametrize("way", ["the issuer", "a mailed link"])
def test_the_first_proof_of_the_address_ends_what_was_set_before(
    taken: tuple[Client, str],
    issuer: Issuer,
    way: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    browser, token = taken
    assert is_in(browser)
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        come_through_the_issuer(issuer) if way == "the issuer" else choose_a_password()
    person = User.objects.get(email=VICTIM)
    assert person.address_proven_at is not None
    assert not person.check_password(PASSWORD)
    assert not Authenticator.objects.exists()
    assert member_by_token(f"Bearer {token}", now=NOW) is None
    assert not is_in(browser)
    assert [(one.to, "yours alone" in one.subject) for one in mail.outbox] == [([VICTIM], True)]
    assert AuditEvent.objects.get(verb="person.address_proven").actor == person


def test_later_proofs_end_nothing(taken: tuple[Client, str], issuer: Issuer) -> None:
    choose_a_password()
    person = User.objects.get(email=VICTIM)
    kept = Authenticator.objects.create(user=person, type="webauthn", data={"name": "Mine", "credential": {}})
    token = make_token(Membership.objects.get(user=person)).token
    browser = Client()
    browser.force_login(person)
    come_through_the_issuer(issuer)
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert list(Authenticator.objects.all()) == [kept]
    assert member_by_token(f"Bearer {token}", now=NOW) is not None
    assert is_in(browser)


def test_the_invitations_link_alone_proves_nothing(taken: tuple[Client, str]) -> None:
    assert User.objects.get(email=VICTIM).address_proven_at is None


def test_for_who_sets_up_the_operator_vouches(db: None) -> None:
    form = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "workspace_name": "Northlight"}
    Client().post(f"/setup/{create_setup_link(timezone.now())}/", form)
    assert User.objects.get().address_proven_at is not None
