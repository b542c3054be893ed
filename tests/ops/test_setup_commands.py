"""Commands that set up an installation and let people in."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.api_tokens import member_by_token
from lumaboard.accounts.models import ApiToken, Membership, Role, User, Workspace
from lumaboard.connections.keys import unseal
from lumaboard.connections.models import Connection
from tests.factories import PASSWORD

OWNER = {"email": "olive@example.com", "password_env": "OWNER_PASSWORD", "workspace": "Northlight"}


def run(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


@pytest.fixture(autouse=True)
def secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_PASSWORD", PASSWORD)
    monkeypatch.setenv("OTHER_PASSWORD", "another password, also long")
    monkeypatch.setenv("UPSTREAM_KEY", "sk-0123456789abcdef")


def test_bootstrap_creates_an_owner_who_can_sign_in(db: None, client: Client) -> None:
    run("bootstrap", **OWNER)
    membership = Membership.objects.get()
    assert (membership.role, membership.workspace.name) == (Role.OWNER, "Northlight")
    client.post("/accounts/login/", {"login": "olive@example.com", "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(membership.user_id)


def test_bootstrap_adds_a_connection_at_the_providers_own_address(db: None) -> None:
    run("bootstrap", **OWNER, connection_kind="cometapi", key_env="UPSTREAM_KEY")
    connection = Connection.objects.get()
    assert connection.base_url == "https://api.cometapi.com"
    assert unseal(connection) == "sk-0123456789abcdef"


def test_the_demo_provider_is_added_with_a_key_that_it_takes(db: None) -> None:
    run("bootstrap", **OWNER, connection_kind="simulator")
    assert unseal(Connection.objects.get())


def test_bootstrap_changes_nothing_that_exists(db: None) -> None:
    options = {**OWNER, "connection_kind": "simulator"}
    run("bootstrap", **options)
    password = User.objects.get().password
    output = run("bootstrap", **{**options, "password_env": "OTHER_PASSWORD"})
    assert "nothing was changed" in output
    assert User.objects.get().password == password
    assert (Workspace.objects.count(), Connection.objects.count()) == (1, 1)


def test_bootstrap_prints_a_token_alone_each_time_it_is_asked_for_one(db: None) -> None:
    tokens = [run("bootstrap", **OWNER, print_api_token=True) for _ in range(2)]
    run("bootstrap", **OWNER)
    assert ApiToken.objects.count() == 2
    assert tokens[0] != tokens[1]
    for token in tokens:
        member = member_by_token(f"Bearer {token.removesuffix(chr(10))}", now=timezone.now())
        assert member is not None
        assert member.token is not None
        assert member.token.scopes == ["read", "track", "submit", "share"]


@pytest.mark.parametrize(
    "options",
    [
        {"password_env": "NO_SUCH_VARIABLE"},
        {"email": "no address"},
        {"connection_kind": "luma"},
        {"connection_kind": "luma", "key_env": "UPSTREAM_KEY", "base_url": "ftp://example.com"},
        {"key_env": "UPSTREAM_KEY"},
    ],
)
def test_bootstrap_says_what_it_cannot_use_and_creates_nothing(db: None, options: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        run("bootstrap", **{**OWNER, **options})
    assert not User.objects.exists()


def test_the_setup_link_opens_until_somebody_has_an_account(db: None, client: Client) -> None:
    link = run("setup_link").strip()
    path = "/" + link.split("/", 3)[3]
    assert client.get(path).status_code == 200
    run("bootstrap", **OWNER)
    with pytest.raises(CommandError):
        run("setup_link")


def test_reset_password_prints_a_link_that_works_once(alice: Membership, client: Client) -> None:
    link = run("reset_password", email=alice.user.email.upper()).strip()
    path = "/" + link.split("/", 3)[3]
    form = client.get(path, follow=True)
    assert form.status_code == 200
    new = "my new and long password"
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
    alice.user.refresh_from_db()
    assert alice.user.check_password(new)
    again = Client().get(path, follow=True)
    assert not re.search(r'name="password1"', again.content.decode())


def test_reset_password_can_set_it_and_ends_every_session(alice: Membership, alice_client: Client) -> None:
    run("reset_password", email=alice.user.email, password_env="OTHER_PASSWORD")
    alice.user.refresh_from_db()
    assert alice.user.check_password("another password, also long")
    assert alice_client.get("/", follow=False).url.startswith("/accounts/login/")


def test_reset_password_knows_only_people_who_are_here(db: None) -> None:
    with pytest.raises(CommandError, match="Nobody here"):
        run("reset_password", email="nobody@example.com")
