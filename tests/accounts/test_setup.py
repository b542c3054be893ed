"""The one-time link that lets the first owner in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from lumaboard.accounts import operations
from lumaboard.accounts.models import Membership, Role, SetupLink, User, Workspace
from lumaboard.audit.models import AuditEvent
from tests.accounts.pages import steady
from tests.factories import NOW, PASSWORD, make_user

ENTERED = {
    "name": "Ana Kovač",
    "email": "Ana@Northlight.example",
    "password": PASSWORD,
    "workspace_name": "Northlight Studio",
}

pytestmark = pytest.mark.django_db


def setup_url(token: str) -> str:
    return f"/setup/{token}/"


def fresh_token() -> str:
    return operations.create_setup_link(timezone.now())


def test_the_link_makes_an_owner_and_a_workspace_and_signs_in(client: Client) -> None:
    url = setup_url(fresh_token())
    assert client.get(url).status_code == 200
    answer = client.post(url, ENTERED)

    membership = Membership.objects.get()
    assert membership.role == Role.OWNER
    assert membership.user.email == "ana@northlight.example"
    assert membership.user.check_password(PASSWORD)
    assert membership.workspace.slug == "northlight-studio"
    assert answer.headers["Location"] == "/w/northlight-studio/welcome/"
    assert client.get(answer.headers["Location"]).status_code == 200
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"setup_link.created", "person.created", "workspace.created"} <= verbs


def test_the_token_is_stored_nowhere() -> None:
    token = fresh_token()
    assert len(token) >= 43  # 256 bits
    assert SetupLink.objects.get().token_hash != token
    assert token not in str(list(AuditEvent.objects.values()))


def test_used_replaced_expired_and_unknown_links_are_one_page(client: Client) -> None:
    replaced = setup_url(fresh_token())
    used = setup_url(fresh_token())
    unknown = setup_url("x" * 43)
    pages = [client.get(replaced), client.get(unknown), client.post(unknown, ENTERED)]
    assert not User.objects.exists()
    client.post(used, ENTERED)
    pages += [Client().get(used), Client().post(used, ENTERED | {"email": "mallory@example.com"})]
    assert {page.status_code for page in pages} == {404}
    assert len({steady(page) for page in pages}) == 1
    assert b"manage.py setup_link" in pages[0].content
    assert User.objects.count() == 1


def test_a_link_dies_after_24_hours(client: Client) -> None:
    made_at = timezone.now() - timedelta(hours=24, minutes=1)
    url = setup_url(operations.create_setup_link(made_at))
    assert client.get(url).status_code == 404
    assert client.post(url, ENTERED).status_code == 404
    assert not User.objects.exists()


def test_no_link_is_made_or_works_once_somebody_has_an_account(client: Client) -> None:
    url = setup_url(fresh_token())
    make_user("Ana")
    assert client.get(url).status_code == 404
    assert client.post(url, ENTERED).status_code == 404
    assert not Workspace.objects.exists()
    with pytest.raises(operations.AlreadySetUp):
        operations.create_setup_link(timezone.now())


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "short"), ("password", "ana@northlight.example"), ("email", "nobody"), ("workspace_name", "")],
)
def test_what_will_not_do_is_said_beside_the_field_and_the_link_lives_on(
    client: Client, field: str, value: str
) -> None:
    url = setup_url(fresh_token())
    answer = client.post(url, ENTERED | {field: value})
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not User.objects.exists()
    assert client.post(url, ENTERED).status_code == 302


def test_an_error_half_way_leaves_the_link_unused() -> None:
    token = fresh_token()
    with pytest.raises(ValidationError):
        operations.use_setup_link(
            token, email="ana@example.com", name="Ana", password="x", workspace_name="N", now=timezone.now()
        )
    assert operations.is_setup_link_alive(token, timezone.now())
    assert not User.objects.exists()


def test_workspaces_of_one_name_get_addresses_of_their_own() -> None:
    owner = make_user("Ana")
    slugs = [operations.create_workspace(name, owner, NOW).workspace.slug for name in ("Night", "Night", "夜", "夜")]
    assert slugs == ["night", "night-2", "workspace", "workspace-2"]


def test_a_second_person_with_the_same_address_is_refused() -> None:
    operations.create_person(operations.newcomer("ana@example.com", "Ana", PASSWORD), NOW)
    with pytest.raises(operations.PersonExists):
        operations.create_person(operations.newcomer(" ANA@example.com", "Ana", PASSWORD), NOW)
    assert User.objects.count() == 1
