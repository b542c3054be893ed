"""The settings pages of webhooks: secrets are shown once or never, and what came of each delivery is told in words."""

from __future__ import annotations

import re

import pytest
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lumaboard.accounts.models import Membership
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.models import State
from lumaboard.news.hooks import panels, webhooks
from lumaboard.news.hooks.models import CallbackSecret, Delivery, DeliveryState, Webhook
from lumaboard.news.hooks.sealed import secret_of, url_of
from lumaboard.ops.invariants import acts_are_audited
from tests.factories import NOW, make_connection, make_delivery, make_generation, make_member, make_webhook
from tests.news.hooks.conftest import PATH
from tests.outbound.scripted import ScriptedServer, answer, saying
from tests.submission.conftest import Serve

pytestmark = pytest.mark.django_db

FORM = {"name": "Studio bot", "format": "json", "kinds": ["succeeded", "failed"]}


@pytest.fixture
def url(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/settings/webhooks/"


def page(response: HttpResponse) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_secret_is_shown_once_and_the_address_never(alice_client: Client, url: str) -> None:
    address = f"https://hooks.example{PATH}"
    made = page(alice_client.post(f"{url}add/", FORM | {"url": address}))
    webhook = Webhook.objects.get()
    assert secret_of(webhook) in made
    assert url_of(webhook) == address
    for where in ("", f"{webhook.pk}/", f"{webhook.pk}/edit/", f"{webhook.pk}/remove/", f"{webhook.pk}/rotate/"):
        shown = page(alice_client.get(f"{url}{where}"))
        assert secret_of(webhook) not in shown
        assert "planted-address" not in shown
    shown = page(alice_client.get(url))
    assert "hooks.example/…cret" in shown
    assert "Not used yet" in shown


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://hooks.example/x",
        "https://user:password@hooks.example/",
        "https:///x",
        "https://10.0.0.1/x",
        "http://169.254.169.254/latest",
        "https://hooks.example/\x07",
    ],
)
def test_an_address_that_may_not_be_called_is_refused_and_not_written_back(
    alice_client: Client, url: str, address: str
) -> None:
    page(alice_client.post(f"{url}add/", FORM | {"url": address}))
    assert not Webhook.objects.exists()


def test_a_workspace_has_so_many_and_no_more(alice_client: Client, alice: Membership, url: str) -> None:
    asked = FORM | {"url": "https://hooks.example/x"}
    removed, *_others = [make_webhook(alice.workspace, name=f"Bot {number}") for number in range(webhooks.MOST)]
    assert f"at most {webhooks.MOST} webhooks" in page(alice_client.post(f"{url}add/", asked))
    alice_client.post(f"{url}{removed.pk}/remove/")
    alice_client.post(f"{url}add/", asked)
    assert Webhook.objects.present().count() == webhooks.MOST


def test_another_secret_is_another(alice_client: Client, alice: Membership, url: str) -> None:
    webhook = make_webhook(alice.workspace)
    before = secret_of(webhook)
    shown = page(alice_client.post(f"{url}{webhook.pk}/rotate/"))
    webhook.refresh_from_db()
    assert secret_of(webhook) != before
    assert secret_of(webhook) in shown


def test_the_secret_of_callbacks_is_shown_once(alice_client: Client, url: str) -> None:
    shown = page(alice_client.post(f"{url}callbacks/secret/"))
    assert re.search(r"whsec_[\w+/=]{44}", shown)
    assert CallbackSecret.objects.count() == 1
    assert "whsec_" not in page(alice_client.get(url))


def test_the_test_button_says_what_came_of_it(
    alice_client: Client, alice: Membership, url: str, receiver: ScriptedServer, serve: Serve
) -> None:
    good = make_webhook(alice.workspace, f"{receiver.url}{PATH}")
    bad = make_webhook(alice.workspace, f"{serve(saying(answer(b'<p>no', status='404 Not Found'))).url}{PATH}")
    assert "The test arrived at" in page(alice_client.post(f"{url}{good.pk}/test/", follow=True))
    shown = page(alice_client.post(f"{url}{bad.pk}/test/", follow=True))
    assert "The test did not arrive." in shown
    assert "answered 404" in shown
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED, DeliveryState.GIVEN_UP}


def test_pause_resume_change_and_remove(alice_client: Client, alice: Membership, url: str) -> None:
    alice_client.post(f"{url}add/", FORM | {"url": f"https://hooks.example{PATH}"})
    webhook = Webhook.objects.get()
    one = f"{url}{webhook.pk}/"
    assert "Paused" in page(alice_client.post(f"{one}pause/", follow=True))
    alice_client.post(f"{one}resume/")
    alice_client.post(f"{one}edit/", {"name": "Another name", "kinds": ["lost"], "url": ""})
    webhook.refresh_from_db()
    assert (webhook.name, webhook.kinds, webhook.pause_reason) == ("Another name", ["lost"], "")
    assert url_of(webhook) == f"https://hooks.example{PATH}"
    make_delivery(webhook, make_generation(make_connection(alice.workspace)))
    alice_client.post(f"{one}remove/")
    webhook.refresh_from_db()
    assert bytes(webhook.url_box) == bytes(webhook.secret_box) == b""
    assert not Delivery.objects.exists()
    assert alice_client.get(one).status_code == 404
    assert not [trouble for trouble in acts_are_audited(NOW) if "webhook" in trouble]
    verbs = AuditEvent.objects.filter(verb__startswith="webhook.").order_by("pk").values_list("verb", flat=True)
    assert [verb.split(".")[1] for verb in verbs] == ["added", "paused", "resumed", "changed", "removed"]
    told = page(alice_client.get(f"/w/{alice.workspace.slug}/activity/"))
    assert "changed the webhook “Another name”" in told or "changed the webhook “Studio bot”" in told


def test_the_log_shows_each_delivery_and_sends_one_again(alice_client: Client, alice: Membership, url: str) -> None:
    webhook = make_webhook(alice.workspace)
    assert "Nothing was told yet" in page(alice_client.get(f"{url}{webhook.pk}/"))
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, title="Harbour at dusk")
    given_up = make_delivery(
        webhook,
        row,
        state=DeliveryState.GIVEN_UP,
        next_try_at=None,
        attempts=25,
        answer_status=503,
        error_text="hooks.example answered 503.",
    )
    shown = page(alice_client.get(f"{url}{webhook.pk}/"))
    for words in ("Harbour at dusk", "Given up", ">25<", ">503<", "hooks.example answered 503."):
        assert words in shown
    shown = page(alice_client.post(f"{url}deliveries/{given_up.pk}/replay/", follow=True))
    assert "It is sent again" in shown
    given_up.refresh_from_db()
    assert (given_up.state, given_up.attempts) == (DeliveryState.WAITING, 0)


def test_the_log_tells_nothing_of_what_became_private(alice_client: Client, alice: Membership, url: str) -> None:
    bob = make_member("Bob", workspace=alice.workspace)
    webhook = make_webhook(alice.workspace)
    hidden = make_generation(
        make_connection(alice.workspace), state=State.SUCCEEDED, created_by=bob.user, is_private=True, title="Secret"
    )
    delivery = make_delivery(webhook, hidden)
    assert "Secret" not in page(alice_client.get(f"{url}{webhook.pk}/"))
    assert alice_client.post(f"{url}deliveries/{delivery.pk}/replay/").status_code == 404


def test_a_long_log_is_read_in_pages_of_the_same_cost(alice_client: Client, alice: Membership, url: str) -> None:
    webhook = make_webhook(alice.workspace)
    row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED)
    make_delivery(webhook, row)
    with CaptureQueriesContext(database) as few:
        page(alice_client.get(f"{url}{webhook.pk}/"))
    for _one in range(panels.PAGE):
        make_delivery(webhook, row)
    with CaptureQueriesContext(database) as many:
        first = page(alice_client.get(f"{url}{webhook.pk}/"))
    assert len(few) == len(many)
    assert first.count('id="delivery-') == panels.PAGE
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older is not None
    assert page(alice_client.get(f"{url}{webhook.pk}/{older[1]}")).count('id="delivery-') == 1
