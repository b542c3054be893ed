"""What people wrote reaches Slack and Discord as words: it calls nobody, and looks like nothing else."""

from __future__ import annotations

import json

import pytest

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import State
from lumaboard.news import batches, spreading
from lumaboard.news.hooks import webhooks
from tests.factories import NOW, acting, make_connection, make_generation
from tests.news.hooks.conftest import Hands, MakeWebhook, parted, said
from tests.outbound.scripted import ScriptedServer

pytestmark = pytest.mark.django_db

EVIL = "<!channel> @everyone <@U123> *bold* [here](https://evil.example) & <https://evil.example|x>"


@pytest.fixture
def told(alice: Membership, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands):
    def tell(format: str) -> dict[str, object]:
        webhook_at(receiver.url, format=format)
        row = make_generation(make_connection(alice.workspace), state=State.SUCCEEDED, title=EVIL)
        hands.happen(row)
        hands.deliver()
        return said(receiver.requests[-1])

    return tell


def test_slack_gets_words_without_mentions_or_markup(told) -> None:
    document = told("slack")
    plain, context = document["blocks"]
    assert plain["text"]["type"] == "plain_text"
    assert EVIL in plain["text"]["text"]
    assert "<" not in document["text"]
    assert "&lt;!channel&gt;" in document["text"]
    assert "evil" not in json.dumps(context)
    assert context["elements"][0]["text"].startswith("<http")


def test_discord_gets_words_without_mentions_or_markup(told) -> None:
    document = told("discord")
    assert document["allowed_mentions"] == {"parse": []}
    (embed,) = document["embeds"]
    assert "@everyone" not in embed["title"]
    assert r"\*bold\*" in embed["title"]
    assert r"\[here\]\(https\:" in embed["title"]
    assert "content" not in document


@pytest.mark.parametrize("format", ["slack", "discord"])
def test_a_batch_is_told_in_numbers_and_a_test_as_a_test(
    alice: Membership, webhook_at: MakeWebhook, receiver: ScriptedServer, hands: Hands, format: str
) -> None:
    made = webhook_at(receiver.url, format=format)
    connection = make_connection(alice.workspace)
    rows = [make_generation(connection, state=state) for state in (State.SUCCEEDED, State.FAILED)]
    batches.gather(alice.workspace_id, [row.pk for row in rows], created_by_id=None, now=NOW)
    spreading.spread(now=NOW)
    hands.deliver()
    webhooks.send_test(acting(alice), made.webhook, clock=hands)
    about_batch, about_nothing = (parted(request)[1].decode() for request in receiver.requests)
    assert "Batch done: 2 generations" in about_batch.replace("\\\\", "")
    assert "1 ready, 1 failed" in about_batch
    assert "Test" in about_nothing


def test_a_chat_has_no_signing_secret(webhook_at: MakeWebhook, receiver: ScriptedServer) -> None:
    assert webhook_at(receiver.url, format="slack").secret == ""
