"""The second step: apps, recovery codes and passkeys, as far as a server sees them."""

from __future__ import annotations

import base64
import hmac
import json
import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from tests.accounts.pages import prove
from tests.conftest import client_of
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
ADD, REMOVE, CODES = "/accounts/2fa/app/add/", "/accounts/2fa/app/remove/", "/accounts/2fa/recovery-codes/"
STEP = "/accounts/2fa/authenticate/"
START = datetime(2026, 11, 26, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Codes change every half minute: here they do so when a test says so."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def code_of(secret: str) -> str:
    """What an app that knows this secret shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(timezone.now().timestamp()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def add_app(client: Client) -> tuple[str, list[str]]:
    """Add an app as a person does; gives its secret and the recovery codes."""
    prove(client)
    page = client.get(ADD).content.decode()
    found = re.search(r'id="app-secret"[^>]*>([A-Z2-7]+)<', page)
    assert found
    shown = client.post(ADD, {"code": code_of(found[1])}, follow=True)
    assert shown.redirect_chain == [(CODES, 302)]
    return found[1], re.findall(r"^(\d{8})$", re.sub(r"<pre[^>]*>", "\n", shown.content.decode()), re.MULTILINE)


def begin(membership: Membership) -> Client:
    """Enter address and password in a new browser."""
    client = Client()
    client.post("/accounts/login/", {"login": membership.user.email, "password": PASSWORD})
    return client


def is_in(client: Client, membership: Membership) -> bool:
    return client.get(f"/w/{membership.workspace.slug}/").status_code == 200


def security_url(membership: Membership) -> str:
    return f"/w/{membership.workspace.slug}/settings/security/"


def test_an_app_is_added_with_a_code_and_asked_at_each_sign_in(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    assert "Off" in alice_client.get(security_url(alice)).content.decode()
    secret, codes = add_app(alice_client)
    assert len(codes) == 10
    page = alice_client.get(security_url(alice)).content.decode()
    assert "password and a second step" in page
    assert "10 left" in page

    clock.shift(timedelta(minutes=1))
    client = begin(alice)
    assert not is_in(client, alice)
    step = client.get(STEP)
    assert step.status_code == 200
    assert b"Use a passkey" not in step.content  # she has none
    assert client.post(STEP, {"code": "000000"}).status_code == 200
    assert not is_in(client, alice)
    assert client.post(STEP, {"code": code_of(secret)}).headers["Location"] == "/"
    assert is_in(client, alice)


def test_a_code_works_once(alice: Membership, alice_client: Client, clock: time_machine.Traveller) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=1))
    first, second = begin(alice), begin(alice)
    code = code_of(secret)
    first.post(STEP, {"code": code})
    second.post(STEP, {"code": code})
    assert (is_in(first, alice), is_in(second, alice)) == (True, False)


def test_a_used_code_and_those_before_it_stay_used_as_long_as_they_would_hold(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=1))
    earlier = code_of(secret)
    clock.shift(timedelta(seconds=30))
    used = code_of(secret)
    begin(alice).post(STEP, {"code": used})
    second, third, fourth = begin(alice), begin(alice), begin(alice)
    second.post(STEP, {"code": earlier})
    clock.shift(timedelta(seconds=31))  # allauth remembers a used one for thirty
    third.post(STEP, {"code": used})
    fourth.post(STEP, {"code": code_of(secret)})
    assert [is_in(client, alice) for client in (second, third, fourth)] == [False, False, True]


def test_trying_a_used_code_counts_as_guessing(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=1))
    used = code_of(secret)
    begin(alice).post(STEP, {"code": used})
    clock.shift(timedelta(seconds=31))
    client = begin(alice)
    for _time in range(10):
        client.post(STEP, {"code": used})
    assert "Too many" in client.post(STEP, {"code": code_of(secret)}).content.decode()


def test_a_code_that_signed_in_is_no_proof_afterwards(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=10))
    client, code = begin(alice), code_of(secret)
    client.post(STEP, {"code": code})
    clock.shift(timedelta(seconds=31))
    client.post("/accounts/2fa/reauthenticate/", {"code": code})
    assert client.get(REMOVE).status_code == 302


def test_a_code_of_a_minute_ago_is_too_old(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=1))
    old = code_of(secret)
    clock.shift(timedelta(minutes=1))
    client = begin(alice)
    client.post(STEP, {"code": old})
    assert not is_in(client, alice)


def test_a_recovery_code_works_once_and_they_are_shown_once(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    _secret, codes = add_app(alice_client)
    again = alice_client.get(CODES).content.decode()
    assert "10 codes are left" in again
    assert not any(code in again for code in codes)
    first, second = begin(alice), begin(alice)
    first.post(STEP, {"code": codes[0]})
    second.post(STEP, {"code": codes[0]})
    assert (is_in(first, alice), is_in(second, alice)) == (True, False)
    assert "9 left" in first.get(security_url(alice)).content.decode()


def test_new_recovery_codes_end_the_old_ones(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    _secret, old = add_app(alice_client)
    page = alice_client.post("/accounts/2fa/recovery-codes/new/", follow=True).content.decode()
    assert not any(code in page for code in old)
    client = begin(alice)
    client.post(STEP, {"code": old[0]})
    assert not is_in(client, alice)


def test_guessing_codes_ends_after_ten_tries(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=1))
    client = begin(alice)
    for number in range(10):
        client.post(STEP, {"code": f"{number:06d}"})
    page = client.post(STEP, {"code": code_of(secret)})
    assert "Too many" in page.content.decode()
    assert not is_in(client, alice)
    another = begin(alice)  # another browser has no more tries
    another.post(STEP, {"code": code_of(secret)})
    assert not is_in(another, alice)


@pytest.mark.parametrize(
    "url", [ADD, "/accounts/2fa/passkeys/add/", "/account/erase/", "/accounts/2fa/recovery-codes/new/"]
)
def test_the_password_is_asked_again_before_a_change(alice_client: Client, url: str) -> None:
    for answer in (alice_client.get(url), alice_client.post(url, {"code": "123456"})):
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")


def test_removing_takes_a_fresh_proof_and_leaves_no_codes(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    add_app(alice_client)
    clock.shift(timedelta(minutes=10))
    for answer in (alice_client.get(REMOVE), alice_client.post(REMOVE)):
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.count() == 2
    prove(alice_client)
    alice_client.get(REMOVE)
    alice_client.post(REMOVE)
    assert not Authenticator.objects.exists()
    assert is_in(begin(alice), alice)


def test_a_code_proves_as_well_as_the_password(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    secret, _codes = add_app(alice_client)
    clock.shift(timedelta(minutes=10))
    asked = alice_client.get(REMOVE, follow=True)
    assert "Use a code" in asked.content.decode()
    answer = alice_client.post(f"/accounts/2fa/reauthenticate/?next={REMOVE}", {"code": code_of(secret)})
    assert answer.headers["Location"] == REMOVE
    assert alice_client.get(REMOVE).status_code == 200


def test_every_change_is_recorded_and_mailed(
    alice: Membership,
    alice_client: Client,
    clock: time_machine.Traveller,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        add_app(alice_client)
        alice_client.post("/accounts/2fa/recovery-codes/new/")
        alice_client.post(REMOVE)
    rows = AuditEvent.objects.filter(verb__startswith="second_factor.").order_by("pk")
    assert [(row.verb.partition(".")[2], row.detail["type"]) for row in rows] == [
        ("added", "totp"),
        ("added", "recovery_codes"),
        ("removed", "recovery_codes"),
        ("added", "recovery_codes"),
        ("removed", "totp"),
        ("removed", "recovery_codes"),
    ]
    assert {(row.actor, row.target_id) for row in rows} == {(alice.user, str(alice.user_id))}
    assert {one.subject for one in mail.outbox} == {
        "An authenticator app was added to your account.",
        "New recovery codes were made for your account. The old ones work no more.",
        "The authenticator app was removed from your account.",
    }
    assert {address for one in mail.outbox for address in one.to} == {alice.user.email}


def test_secrets_are_not_stored_in_clear(alice_client: Client, clock: time_machine.Traveller) -> None:
    secret, codes = add_app(alice_client)
    stored = json.dumps([row.data for row in Authenticator.objects.all()])
    for clear in (secret, *codes):
        assert clear not in stored


def test_with_another_encryption_key_no_code_is_right_and_the_page_says_whom_to_ask(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller, settings: Settings
) -> None:
    secret, _codes = add_app(alice_client)
    settings.ENCRYPTION_KEYS = [b"another key of thirty-two bytes!"]
    clock.shift(timedelta(minutes=1))
    client = begin(alice)
    page = client.post(STEP, {"code": code_of(secret)})
    assert "Ask whoever runs this installation" in page.content.decode()
    assert not is_in(client, alice)


def test_the_operator_lets_somebody_in_who_has_lost_everything(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    add_app(alice_client)
    call_command("reset_password", "--email", alice.user.email, "--remove-two-factor")
    assert not Authenticator.objects.exists()
    assert is_in(begin(alice), alice)
    row = AuditEvent.objects.filter(verb="second_factor.removed").latest("pk")
    assert (row.actor, row.is_automatic, row.target_id) == (None, True, str(alice.user_id))


def test_a_new_password_does_not_replace_the_second_step(
    alice: Membership, alice_client: Client, clock: time_machine.Traveller
) -> None:
    add_app(alice_client)
    alice.user.set_password(PASSWORD + "!")
    alice.user.save()
    client = Client()
    client.post("/accounts/login/", {"login": alice.user.email, "password": PASSWORD + "!"})
    assert not is_in(client, alice)


def test_the_second_step_without_the_first_leads_to_the_beginning(client: Client) -> None:
    for answer in (client.get(STEP), client.post(STEP, {"code": "123456"})):
        assert answer.headers["Location"].startswith("/accounts/login/")


def said_by(device: bytes, **answer: str) -> str:
    """A credential whose every part reads well but for what the device says in CBOR."""
    parts = {"type": "webauthn.get", "challenge": "AAAA", "origin": "http://testserver"}
    client = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    code = base64.urlsafe_b64encode(device).decode().rstrip("=")
    told = {"clientDataJSON": client, "authenticatorData": code, "attestationObject": code, "signature": "AAAA"}
    return json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {**told, **answer}})


WITH_EXTENSIONS = bytes(32) + b"\x85" + bytes(4)
CREDENTIALS = {
    "nothing": "",
    "a bracket": "{",
    "an empty object": "{}",
    "a list": "[]",
    "a number": "1",
    "null": "null",
    "text": '"x"',
    "a number for a name": '{"id": 1}',
    "an empty answer": '{"id": "x", "response": {}}',
    "a list for a name": '{"id": [], "rawId": {}}',
    "deep nesting": "[" * 200_000,
    "nesting as deep as fits": "[" * 16_000,
    "a long number": "9" * 5_000,
    "too much": json.dumps("x" * 20_000),
    "CBOR of deep nesting": said_by(WITH_EXTENSIONS + b"\x81" * 5_000),
    "CBOR that ends at once": said_by(WITH_EXTENSIONS),
    "a CBOR map without entries": said_by(WITH_EXTENSIONS + b"\xa1"),
    "a CBOR list of huge length": said_by(WITH_EXTENSIONS + b"\x9b" + b"\xff" * 8),
    "CBOR cut within a number": said_by(WITH_EXTENSIONS + b"\x1b\x00"),
    "CBOR of no known kind": said_by(WITH_EXTENSIONS + b"\xc0"),
    "deep nesting of what the browser says": said_by(
        b"", clientDataJSON=base64.urlsafe_b64encode(b"[" * 6_000).decode()
    ),
}


@pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
def test_a_credential_that_no_browser_made_is_refused_in_words(alice: Membership, credential: str) -> None:
    client = Client()
    client.get("/accounts/2fa/passkeys/login/", headers={"Accept": "application/json"})
    answer = client.post("/accounts/2fa/passkeys/login/", {"credential": credential})
    assert answer.headers["Location"] == "/accounts/login/"
    assert not is_in(client, alice)
    own = client_of(alice)
    prove(own)
    own.get("/accounts/2fa/passkeys/add/")
    page = own.post("/accounts/2fa/passkeys/add/", {"name": "x", "credential": credential})
    assert page.status_code == 200
    assert not Authenticator.objects.exists()


def test_nobody_renames_or_removes_what_is_another_persons(alice: Membership, bob_client: Client) -> None:
    hers = Authenticator.objects.create(user=alice.user, type="webauthn", data={"name": "Hers", "credential": {}})
    prove(bob_client)
    for act in ("remove", "rename"):
        for pk in (hers.pk, 999_999):
            url = f"/accounts/2fa/passkeys/{pk}/{act}/"
            assert bob_client.get(url).status_code == 404
            assert bob_client.post(url, {"name": "Mine"}).status_code == 404
    assert Authenticator.objects.get().data["name"] == "Hers"


def test_the_code_for_the_camera_stands_in_the_page_itself(alice_client: Client) -> None:
    prove(alice_client)
    page = alice_client.get(ADD).content.decode()
    assert '<svg class="qr"' in page
    assert "data:image" not in page


def test_allauths_own_pages_lead_to_ours(alice: Membership, alice_client: Client) -> None:
    for url in ("/accounts/2fa/", "/accounts/2fa/passkeys/"):
        assert alice_client.get(url).headers["Location"] == security_url(alice)
