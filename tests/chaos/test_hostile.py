"""Everything an attacker may send: anybody sends anything, and nothing breaks down. What may neither leak nor move: tests/access.

Every run sends the same, so that a change answers for itself alone. `HOSTILE_REQUESTS=50000` sends more, another `HOSTILE_SEED`
something else; `HOSTILE_SEED=random` draws one and prints it.
"""

from __future__ import annotations

import os
import random

import pytest
from django.test import Client

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import CopyState, Generation, State
from tests.access.addresses import ADDRESSES, Address
from tests.access.samples import SAMPLES
from tests.access.world import Of
from tests.chaos.noise import Noise
from tests.conftest import client_of
from tests.factories import make_connection, make_generation, make_invitation, make_kept_asset

REQUESTS = int(os.environ.get("HOSTILE_REQUESTS", "1500"))
_WANTED_SEED = os.environ.get("HOSTILE_SEED", "115444")
SEED = random.randrange(10**6) if _WANTED_SEED == "random" else int(_WANTED_SEED)


@pytest.fixture
def treasure(alice: Membership) -> Generation:
    """Something in Alice's workspace that is worth stealing: a generation with an archived file."""
    connection = make_connection(alice.workspace, kind="cometapi", key="sk-planted-key-of-alice-0001")
    generation = make_generation(
        connection,
        state=State.SUCCEEDED,
        created_by=alice.user,
        prompt="a secret prompt",
        copy_state=CopyState.ARCHIVED,
    )
    make_kept_asset(generation)
    make_invitation(alice)
    return generation


def path_to(address: Address, treasure: Generation, /, **values: object) -> str:
    pks = {
        Of.GENERATION: treasure.pk,
        Of.CONNECTION: treasure.connection_id,
        Of.PERSON: treasure.workspace.memberships.earliest("pk").pk,
        Of.INVITATION: treasure.workspace.invitations.earliest("pk").pk,
    }
    pk = pks.get(SAMPLES[address.name].of, 1)
    return address.path(**{"workspace": treasure.workspace.slug, "pk": pk, **values})


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_is_answered_without_a_breakdown(treasure: Generation, bob: Membership) -> None:
    print(f"HOSTILE_SEED={SEED} HOSTILE_REQUESTS={REQUESTS}")  # noqa: T201  (shown where the test fails)
    noise = Noise(random.Random(SEED))
    alice = Membership.objects.get(workspace=treasure.workspace, role="owner")
    breakdowns = []
    for _number in range(REQUESTS):
        who = noise.dice.choice((alice, alice, bob, None))
        client = Client(raise_request_exception=False) if who is None else client_of(who)
        client.raise_request_exception = False
        address = noise.dice.choice(ADDRESSES)
        path = noise.spoil_path(path_to(address, treasure, **noise.arguments(address.parameters)))
        request = noise.request(path)
        client.cookies.load(noise.cookies())
        answer = client.generic(**request)
        if answer.status_code >= 500 and address.name != "ops:readyz":
            breakdowns.append((request, answer.exc_info and answer.exc_info[1]))
    assert breakdowns == []
