"""Every address answers everybody as the table of routes says."""

from __future__ import annotations

import pytest
from django.test import Client

from lumaboard.ops.routes import ROUTES
from tests.access.addresses import ADDRESSES
from tests.access.samples import SAMPLES
from tests.access.walk import asks, walk
from tests.access.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_every_address_has_a_sample() -> None:
    assert sorted(address.name for address in ADDRESSES) == sorted(SAMPLES) == sorted(ROUTES)


def test_every_address_answers_everybody_as_the_table_of_routes_says(world: World) -> None:
    cells = walk(world, asks())
    assert [str(cell) for cell in cells if not cell.is_right] == []


def test_looking_at_the_page_to_sign_out_signs_nobody_out(alice_client: Client) -> None:
    assert alice_client.get("/accounts/logout/").status_code == 200
    assert alice_client.get("/").headers["Location"].startswith("/w/")
