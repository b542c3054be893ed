"""Single sign-on: the whole way to an issuer and back, and every way in which it must not let anybody in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lumaboard.accounts.models import Invitation, Membership, Session, User
from lumaboard.audit.models import AuditEvent
from tests.accounts.issuer import Issuer, issuer
from tests.conftest import client_of
from tests.factories import make_invitation

__all__ = ["issuer"]
pytestmark = pytest.mark.django_db
BEGIN, BACK = "/accounts/sso/", "/accounts/sso/callback/"


def sign_in(issuer: Issuer, client: Client, path: str = BEGIN) -> HttpResponse:
    sent = client.get(path)
    assert sent.status_code == 302, sent.content.decode()
    return client.get(f"{BACK}?{issuer.authorize(sent.headers['Location'])}")


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def said(answer: HttpResponse) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def person(issuer: Issuer, alice: Membership) -> Issuer:
    """The issuer knows Alice, and has verified her address."""
    issuer.person = {"sub": "42", "email": alice.user.email.upper(), "email_verified": True, "name": "Alice A."}
    return issuer


def test_whoever_has_an_account_is_signed_in_by_the_verified_address(
    person: Issuer, alice: Membership, client: Client
) -> None:
    answer = sign_in(person, client)
    assert answer.headers["Location"] == "/"
    assert client.get(f"/w/{alice.workspace.slug}/").status_code == 200
    verbs = AuditEvent.objects.filter(actor=alice.user).values_list("verb", flat=True)
    assert {"single_sign_on.connected", "signed_in"} <= set(verbs)


def test_the_next_time_the_issuers_name_for_them_counts_and_not_the_address(
    person: Issuer, alice: Membership, client: Client
) -> None:
    sign_in(person, client)
    person.person |= {"email": "alice@elsewhere.example", "email_verified": False}
    again = Client()
    sign_in(person, again)
    assert again.session["_auth_user_id"] == str(alice.user_id)
    assert User.objects.count() == 1
    assert AuditEvent.objects.filter(verb="single_sign_on.connected").count() == 1


def test_an_address_given_to_somebody_new_does_not_open_the_account_of_who_had_it(
    person: Issuer, alice: Membership, client: Client
) -> None:
    sign_in(person, client)
    person.person["sub"] = "43"
    newcomer = Client()
    answer = sign_in(person, newcomer)
    assert answer.status_code == 403
    assert "Somebody else came in through single sign-on" in said(answer)
    assert not is_in(newcomer)
    row = AuditEvent.objects.get(verb="single_sign_on.refused")
    assert (row.actor, row.target_id) == (None, str(alice.user_id))


def test_the_operator_lets_in_whom_the_issuer_has_made_anew(person: Issuer, alice: Membership, client: Client) -> None:
    sign_in(person, client)
    person.person["sub"] = "43"
    call_command("reset_password", "--email", alice.user.email, "--disconnect-single-sign-on")
    again = Client()
    sign_in(person, again)
    assert is_in(again)
    assert AuditEvent.objects.filter(verb="single_sign_on.disconnected").count() == 1


def test_whom_an_earlier_issuer_named_is_found_by_the_address_again(
    person: Issuer, alice: Membership, client: Client
) -> None:
    SocialAccount.objects.create(
        user=alice.user, provider="sso", uid="x", extra_data={"issuer": "https://before.example"}
    )
    sign_in(person, client)
    assert is_in(client)


@contextmanager
def comes_first(act: Callable[[], object], *, before: str) -> Iterator[None]:
    """Act as another browser does in the moment before the database is asked this."""
    is_done = False

    def execute(run: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        nonlocal is_done
        if not is_done and sql.startswith(before):
            is_done = True
            act()
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield
    assert is_done


def test_of_two_browsers_at_once_both_come_in(person: Issuer, alice: Membership, client: Client) -> None:
    back = person.authorize(client.get(BEGIN).headers["Location"])
    other = Client()
    with comes_first(lambda: sign_in(person, other), before='SELECT "accounts_user"."id"'):
        client.get(f"{BACK}?{back}")
    assert (is_in(client), is_in(other)) == (True, True)
    assert AuditEvent.objects.filter(verb="single_sign_on.connected").count() == 1


@pytest.mark.parametrize("statement", ['INSERT INTO "accounts_user"', 'INSERT INTO "socialaccount_socialaccount"'])
def test_who_comes_second_by_a_moment_is_asked_to_try_again(
    issuer: Issuer, alice: Membership, client: Client, statement: str
) -> None:
    """The first to come is somebody with the same address, or with the same name of the issuer's."""
    make_invitation(alice, email="dana@example.com")
    issuer.person = {"sub": "43", "email": "dana@example.com", "email_verified": True}
    uid = sha256(f"{issuer.url}\n43".encode()).hexdigest()
    acts = {
        'INSERT INTO "accounts_user"': lambda: User.objects.create_user("dana@example.com"),
        'INSERT INTO "socialaccount_socialaccount"': lambda: SocialAccount.objects.create(
            user=alice.user, provider="sso", uid=uid
        ),
    }
    with comes_first(acts[statement], before=statement):
        answer = sign_in(issuer, client)
    assert answer.status_code == 409
    assert "Try again." in said(answer)
    assert not is_in(client)


def test_people_come_back_to_where_they_were_going_and_nowhere_else(
    person: Issuer, alice: Membership, client: Client
) -> None:
    wanted = f"/w/{alice.workspace.slug}/settings/members/"
    assert sign_in(person, client, f"{BEGIN}?next={wanted}").headers["Location"] == wanted
    assert sign_in(person, Client(), f"{BEGIN}?next=https://evil.example/").headers["Location"] == "/"


def test_the_invited_get_an_account_without_a_password_and_then_accept(
    issuer: Issuer, alice: Membership, client: Client
) -> None:
    make_invitation(alice, email="dana@example.com", token="t0k3n")
    issuer.person = {"sub": "43", "email": "Dana@Example.com", "email_verified": True, "name": "Dana Dale"}
    page = client.get("/invitation/t0k3n/").content.decode()
    assert "Continue with Northlight ID" in page
    answer = sign_in(issuer, client, f"{BEGIN}?next=/invitation/t0k3n/")
    assert answer.headers["Location"] == "/invitation/t0k3n/"
    dana = User.objects.get(email="dana@example.com")
    assert (dana.name, dana.has_usable_password()) == ("Dana Dale", False)
    assert not Membership.objects.filter(user=dana).exists()
    assert client.post("/invitation/t0k3n/").headers["Location"] == f"/w/{alice.workspace.slug}/"
    assert Invitation.objects.get().accepted_at is not None


def test_a_stranger_gets_no_account_and_is_told_why(issuer: Issuer, alice: Membership, client: Client) -> None:
    issuer.person = {"sub": "44", "email": "mallory@example.com", "email_verified": True}
    answer = sign_in(issuer, client)
    assert answer.status_code == 403
    assert "Nobody here has the address mallory@example.com, and nobody has invited it." in said(answer)
    assert (User.objects.count(), is_in(client)) == (1, False)


@pytest.mark.parametrize("how", ["expired", "withdrawn", "by somebody who left"])
def test_an_invitation_that_holds_no_more_makes_no_account(
    issuer: Issuer, alice: Membership, client: Client, how: str
) -> None:
    invitation = make_invitation(alice, email="dana@example.com")
    if how == "expired":
        Invitation.objects.update(expires_at=invitation.created_at)
    elif how == "withdrawn":
        Invitation.objects.update(withdrawn_at=invitation.created_at)
    else:
        alice.delete()
    issuer.person = {"sub": "43", "email": "dana@example.com", "email_verified": True}
    assert sign_in(issuer, client).status_code == 403
    assert not User.objects.filter(email="dana@example.com").exists()


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
def test_an_address_the_issuer_does_not_vouch_for_opens_nothing(
    person: Issuer, alice: Membership, client: Client, verified: Any
) -> None:
    person.person["email_verified"] = verified
    answer = sign_in(person, client)
    assert answer.status_code == 403
    assert "has not verified that" in said(answer)
    assert not is_in(client)


def test_an_address_with_a_letter_that_only_looks_like_another_opens_nothing(
    issuer: Issuer, alice: Membership, client: Client
) -> None:
    User.objects.update(email="kim@example.com")
    issuer.person = {"sub": "42", "email": "\u212aim@example.com", "email_verified": True}
    answer = sign_in(issuer, client)
    assert answer.status_code == 403
    assert "only looks like another" in said(answer)
    assert not is_in(client)


def test_without_an_address_nobody_is_found(person: Issuer, client: Client) -> None:
    person.person["email"] = None
    person.user_info = {"sub": "42"}
    assert "does not tell your e-mail address" in said(sign_in(person, client))


def test_an_address_that_only_the_user_info_tells_will_do(person: Issuer, alice: Membership, client: Client) -> None:
    person.user_info = {"sub": "42", "email": alice.user.email, "email_verified": True}
    person.person = {"sub": "42"}
    sign_in(person, client)
    assert is_in(client)


def test_user_info_about_somebody_else_is_not_believed(person: Issuer, alice: Membership, client: Client) -> None:
    person.user_info = {"sub": "43", "email": alice.user.email, "email_verified": True}
    person.person = {"sub": "42"}
    assert "could not be trusted" in said(sign_in(person, client))
    assert not is_in(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another sign-in's"},
        {"nonce": None},
        {"iss": "https://other.example"},
        {"aud": "another-program"},
        {"aud": ["lumaboard", "another"], "azp": "another"},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"sub": None},
        {"sub": 42},
    ],
)
def test_a_token_for_another_occasion_signs_nobody_in(person: Issuer, client: Client, claims: dict[str, Any]) -> None:
    person.claims = claims
    answer = sign_in(person, client)
    assert answer.status_code == 403
    assert "could not be trusted" in said(answer)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("field", "value"), [("signs_with", "another key"), ("algorithm", "HS256"), ("algorithm", "none")]
)
def test_a_token_that_the_issuer_did_not_sign_signs_nobody_in(
    person: Issuer, client: Client, field: str, value: str
) -> None:
    setattr(person, field, value)
    answer = sign_in(person, client)
    assert "could not be trusted" in said(answer)
    assert not is_in(client)


@pytest.mark.parametrize("keys", ["", "x", 1, [], [1], [{}], {"kty": "RSA"}, [{"kty": "RSA", "kid": "right", "n": 1}]])
def test_keys_that_are_none_sign_nobody_in(person: Issuer, client: Client, keys: Any) -> None:
    person.keys = keys
    answer = sign_in(person, client)
    assert "could not be trusted" in said(answer)
    assert not is_in(client)


def test_a_discovery_document_of_another_issuer_is_not_believed(person: Issuer, client: Client) -> None:
    person.metadata = {"issuer": "https://other.example"}
    assert "could not be trusted" in said(client.get(BEGIN))


@pytest.mark.parametrize("query", ["", "code=code-0", "code=code-0&state=made-up", "state=made-up", "error=x"])
def test_an_answer_nobody_asked_for_signs_nobody_in(person: Issuer, client: Client, query: str) -> None:
    client.get(BEGIN)
    answer = client.get(f"{BACK}?{query}")
    assert answer.status_code == 403
    assert "Begin again" in said(answer)
    assert not is_in(client)
    assert "token" not in person.asked


def test_the_answer_to_one_browser_is_of_no_use_in_another(person: Issuer, client: Client) -> None:
    back = person.authorize(client.get(BEGIN).headers["Location"])
    other = Client()
    assert "Begin again" in said(other.get(f"{BACK}?{back}"))
    assert not is_in(other)


def test_an_answer_is_taken_once(person: Issuer, client: Client) -> None:
    back = person.authorize(client.get(BEGIN).headers["Location"])
    client.get(f"{BACK}?{back}")
    client.post("/accounts/logout/")
    assert "Begin again" in said(client.get(f"{BACK}?{back}"))
    assert not is_in(client)


def test_who_cancels_at_the_issuer_is_told_so(person: Issuer, client: Client) -> None:
    back = person.authorize(client.get(BEGIN).headers["Location"]).partition("&")[2]
    assert "it was cancelled" in said(client.get(f"{BACK}?error=access_denied&{back}"))


@pytest.mark.parametrize("when", ["before", "between"])
def test_an_issuer_that_is_down_is_told_about_in_words(person: Issuer, client: Client, when: str) -> None:
    back = person.authorize(client.get(BEGIN).headers["Location"]) if when == "between" else ""
    person.server.clear()  # it answers 500 to everything
    answer = client.get(f"{BACK}?{back}" if back else BEGIN)
    assert answer.status_code == 502
    assert "cannot be reached at the moment" in said(answer)
    person.server.clear_assertions()


def test_an_issuer_nobody_listens_for_is_told_about_in_words(
    person: Issuer, client: Client, settings: Settings
) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    answer = client.get(BEGIN)
    assert answer.status_code == 502
    assert "cannot be reached at the moment" in said(answer)


def test_a_private_address_takes_the_operators_leave(person: Issuer, client: Client, settings: Settings) -> None:
    settings.OIDC_ISSUER = "http://10.0.0.1"
    assert client.get(BEGIN).status_code == 502


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"a": ' * 2000])
def test_an_issuer_that_talks_nonsense_is_told_about_in_words(person: Issuer, client: Client, body: bytes) -> None:
    person.server.clear()
    person.server.expect_request("/realm/.well-known/openid-configuration").respond_with_data(body)
    assert client.get(BEGIN).status_code == 502


def test_a_refused_code_signs_nobody_in(person: Issuer, client: Client) -> None:
    person.token_status = 400
    answer = sign_in(person, client)
    assert "refused to sign you in" in said(answer)
    assert not is_in(client)


def test_an_issuer_may_want_the_secret_in_a_header(person: Issuer, client: Client) -> None:
    person.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    sign_in(person, client)
    assert is_in(client)


def test_somebody_who_is_switched_off_stays_out(person: Issuer, alice: Membership, client: Client) -> None:
    User.objects.update(is_active=False)
    sign_in(person, client)
    assert not is_in(client)


def test_another_person_signed_in_here_is_signed_out_first(person: Issuer, alice: Membership, bob: Membership) -> None:
    client = client_of(bob)
    sign_in(person, client)
    assert client.session["_auth_user_id"] == str(alice.user_id)


def test_parameters_of_the_link_do_not_reach_the_issuer_or_join_accounts(
    person: Issuer, alice: Membership, bob: Membership
) -> None:
    client = client_of(bob)
    sent = client.get(f"{BEGIN}?process=connect&scope=admin&auth_params=prompt%3Dnone")
    assert "prompt" not in sent.headers["Location"]
    client.get(f"{BACK}?{person.authorize(sent.headers['Location'])}")
    assert client.session["_auth_user_id"] == str(alice.user_id)


@pytest.mark.parametrize(
    "url",
    ["/account/erase/", "/accounts/password/set/", "/accounts/2fa/app/add/", "/accounts/2fa/passkeys/add/"],
)
def test_who_has_only_single_sign_on_proves_there_who_they_are(
    person: Issuer, alice: Membership, client: Client, url: str
) -> None:
    sign_in(person, client)
    User.objects.update(password=make_password(None))
    client.force_login(User.objects.get())  # as a browser that was left open, or a cookie that was copied
    for asked in (client.get(url), client.post(url, {})):
        assert asked.headers["Location"] == f"{BEGIN}?next={quote(url, safe='')}"
    assert sign_in(person, client, asked.headers["Location"]).headers["Location"] == url
    assert client.get(url).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert client.get(url).status_code == 302


def test_where_single_sign_on_was_switched_off_a_password_by_mail_is_the_proof(alice: Membership) -> None:
    User.objects.update(password=make_password(None))
    client = Client()
    client.force_login(User.objects.get())
    assert client.get("/account/erase/").headers["Location"] == "/accounts/password/reset/"


def test_the_sign_in_page_offers_it_first(person: Issuer, client: Client) -> None:
    page = client.get("/accounts/login/?next=/w/x/").content.decode()
    assert page.index("Continue with Northlight ID") < page.index('name="password"')
    assert 'href="/accounts/sso/?next=%2Fw%2Fx%2F"' in page


def test_without_an_issuer_there_are_no_such_pages(client: Client, alice: Membership) -> None:
    assert "Continue with" not in client.get("/accounts/login/").content.decode()
    for url in (BEGIN, BACK):
        assert client.get(url).status_code == 404


def test_what_the_issuer_says_of_itself_is_asked_for_once_and_its_keys_again_when_they_are_new(
    person: Issuer, client: Client
) -> None:
    sign_in(person, client)
    sign_in(person, Client())
    assert person.asked == ["discovery", "token", "keys", "token"]
    person.kid = "newer"
    newest = Client()
    sign_in(person, newest)
    assert is_in(newest)
    assert person.asked[4:] == ["token", "keys"]


def test_nothing_that_is_not_to_be_believed_is_kept(person: Issuer, client: Client) -> None:
    person.metadata = {"issuer": "https://other.example"}
    client.get(BEGIN)
    person.metadata = {}
    sign_in(person, client)
    assert is_in(client)


def test_an_address_begins_so_many_sign_ins_in_a_minute(person: Issuer, client: Client) -> None:
    for _time in range(60):
        assert Client().get(BEGIN).status_code == 302
    before = Session.objects.count()
    for answer in (
        client.get(BEGIN),
        client.get("/accounts/2fa/passkeys/login/", headers={"Accept": "application/json"}),
    ):
        assert answer.status_code == 429
    assert Session.objects.count() == before
    assert Client(REMOTE_ADDR="203.0.113.9").get(BEGIN).status_code == 302


def test_what_a_browser_leaves_behind_before_it_signs_in_lasts_an_hour_at_most(person: Issuer, client: Client) -> None:
    client.get(BEGIN)
    assert Session.objects.get().expire_date - timezone.now() <= timedelta(hours=1)
    client.get(f"{BACK}?{person.authorize(client.get(BEGIN).headers['Location'])}")
    assert Session.objects.get().expire_date - timezone.now() > timedelta(days=13)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "are needed together"),
        ({"OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}, "are needed together"),
        ({"OIDC_ISSUER": "id.example", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}, "LUMABOARD_OIDC_ISSUER"),
        ({"OIDC_ISUER": "https://id.example"}, "Unknown setting LUMABOARD_OIDC_ISUER"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(values: dict[str, str], complaint: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "lumaboard.settings"}
    environment |= {f"LUMABOARD_{name}": value for name, value in values.items()}
    done = subprocess.run(
        [sys.executable, "-c", "import lumaboard.settings"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert complaint in done.stderr.splitlines()[-1]
