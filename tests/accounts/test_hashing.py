"""Hashing is slow on purpose; on SQLite, whoever does it inside a transaction stops every other writer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Membership, User
from lumaboard.accounts.operations import create_setup_link, set_password
from lumaboard.ops.bootstrap import bootstrap
from lumaboard.sharing.operations import Terms, change_link, make_link
from tests.conftest import client_of
from tests.factories import PASSWORD, acting, make_connection, make_generation, make_invitation, make_member

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "another long password"


@pytest.fixture(autouse=True)
def noticing(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.OutsideTransactions"]


def test_the_first_owner_and_invited_people_get_their_passwords_before_any_transaction(client: Client) -> None:
    fields = {"name": "Ana", "email": "ana@example.com", "password": PASSWORD, "workspace_name": "Northlight"}
    assert client.post(f"/setup/{create_setup_link(timezone.now())}/", fields).status_code == 302
    inviter = Membership.objects.get()
    make_invitation(inviter, email="dana@example.com", token="token")
    assert Client().post("/invitation/token/", {"name": "Dana", "password": PASSWORD}).status_code == 302
    assert User.objects.get(email="dana@example.com").check_password(PASSWORD)


def test_passwords_are_changed_and_set_before_any_transaction() -> None:
    alice = make_member("Alice")
    fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client = client_of(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/password/change/", fields)
    alice.user.refresh_from_db()
    assert alice.user.check_password(NEW)
    set_password(alice.user.email, PASSWORD, timezone.now())
    bootstrap(email="op@example.com", name="Op", password=PASSWORD, workspace_name="Ops", connection=None)


def test_links_get_their_passwords_before_any_transaction() -> None:
    alice = make_member("Alice")
    film = make_generation(make_connection(alice.workspace), created_by=alice.user)
    terms = Terms(expires_at=None, password=PASSWORD)
    link = make_link(acting(alice), [film.pk], terms, now=timezone.now())
    change_link(acting(alice), link, Terms(expires_at=None, password=NEW), now=timezone.now())
