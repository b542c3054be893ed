"""Prices that a workspace sets, and what the form, the takes and a film's page say by them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from lumaboard.accounts.models import Membership, Role
from lumaboard.audit.models import AuditEvent
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation
from lumaboard.submission.models import Intent, Price
from lumaboard.submission.pricing import Money, estimate_of, prices_of
from lumaboard.submission.takes import order, send_one
from tests.conftest import client_of
from tests.factories import NOW, acting, make_connection, make_member, make_price
from tests.submission.conftest import Serve, connection_at, making

pytestmark = pytest.mark.django_db
FORM = {"kind": "", "model": "ray-2", "resolution": "720p", "amount": "0.14", "currency": "USD", "per": "second"}
ASKED = {"model": "ray-2", "resolution": "720p", "duration": "5s"}


@pytest.fixture
def path(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/settings/prices/"


@pytest.fixture
def new(alice: Membership) -> str:
    return f"/w/{alice.workspace.slug}/new/"


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def test_what_is_too_much_to_be_kept_is_no_estimate(alice: Membership) -> None:
    connection = make_connection(alice.workspace)
    make_price(alice.workspace, "99999999.9999")
    for duration in ("99s", "9999s"):
        order(acting(alice), connection, {"prompt": "Sea", "duration": duration}, count=1, token=uuid4(), now=NOW)
    first, second = Intent.objects.order_by("pk").values_list("estimate", flat=True)
    assert first == Decimal("9899999999.9901")
    assert second is None


def test_prices_are_added_changed_and_removed_and_each_is_recorded(
    alice: Membership, alice_client: Client, path: str
) -> None:
    assert "No price is set yet" in words_of(alice_client.get(path))
    assert alice_client.post(path, FORM).status_code == 302
    price = Price.objects.get()
    page = words_of(alice_client.get(path))
    assert "ray-2 720p every 0.14 USD per second of film" in page
    assert alice_client.get(f"{path}{price.pk}/").context["form"]["amount"].value() == "0.14"
    changed = FORM | {"amount": "1500", "currency": "credits", "per": "request", "kind": "luma"}
    assert alice_client.post(f"{path}{price.pk}/", changed).status_code == 302
    assert "Luma 1,500.00 credits per generation" in words_of(alice_client.get(path))
    assert alice_client.post(f"{path}{price.pk}/remove/").status_code == 302
    assert not Price.objects.exists()
    told = AuditEvent.objects.filter(verb__startswith="price.").order_by("pk").values_list("verb", "detail")
    assert list(told) == [
        ("price.set", {"name": "ray-2, 720p", "price": "0.14 USD per second of film"}),
        ("price.changed", {"name": "Luma, ray-2, 720p", "price": "1,500.00 credits per generation"}),
        ("price.removed", {"name": "Luma, ray-2, 720p", "price": "1,500.00 credits per generation"}),
    ]
    activity = words_of(alice_client.get(f"/w/{alice.workspace.slug}/activity/"))
    assert "Alice Adams set the price of ray-2, 720p: 0.14 USD per second of film" in activity


@pytest.mark.parametrize(
    "change",
    [{"amount": "-1"}, {"amount": "a lot"}, {"amount": "NaN"}, {"amount": "1e40"}, {"currency": ""}, {"per": "day"}],
)
def test_what_is_no_price_is_said_and_not_kept(alice_client: Client, path: str, change: dict[str, str]) -> None:
    answer = alice_client.post(path, FORM | change)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(change)
    assert not Price.objects.exists()


def test_one_price_for_the_same(alice_client: Client, path: str) -> None:
    alice_client.post(path, FORM)
    assert "There is a price for this already." in words_of(alice_client.post(path, FORM | {"amount": "2"}))
    alice_client.post(path, FORM | {"resolution": ""})
    other = Price.objects.get(resolution="")
    assert alice_client.post(f"{path}{other.pk}/", FORM).status_code == 422
    assert Price.objects.count() == 2


def test_members_set_no_prices_and_nobody_those_of_another_workspace(
    alice: Membership, alice_client: Client, charlie: Membership, path: str, new: str
) -> None:
    make_connection(alice.workspace)
    dana = client_of(make_member("Dana", role=Role.MEMBER, workspace=alice.workspace))
    assert dana.get(path).status_code == dana.post(path, FORM).status_code == 403
    assert "Set prices" not in words_of(dana.get(new))
    assert "Set prices" in words_of(alice_client.get(new))
    theirs = make_price(charlie.workspace)
    assert alice_client.post(f"{path}{theirs.pk}/remove/").status_code == 404
    assert "no price is set" in words_of(alice_client.get(new))


@pytest.mark.parametrize(
    ("asked", "kind", "wanted"),
    [
        (ASKED, "cometapi", "0.70 USD"),
        (ASKED, "luma", "0.80 USD"),
        (ASKED | {"duration": "9s"}, "cometapi", "1.26 USD"),
        (ASKED | {"resolution": "1080p"}, "luma", "2.50 USD"),
        (ASKED | {"model": "ray-flash-2"}, "luma", "0.05 USD"),
        (ASKED | {"model": ""}, "luma", "0.05 USD"),
        (ASKED | {"duration": ""}, "luma", None),
        (ASKED | {"duration": "forever"}, "luma", None),
        (ASKED | {"duration": ["5s"]}, "luma", None),
    ],
)
def test_the_price_that_names_most_counts(
    alice: Membership, asked: dict[str, Any], kind: str, wanted: str | None
) -> None:
    make_price(alice.workspace, "0.01")
    make_price(alice.workspace, "0.5", model="ray-2")
    make_price(alice.workspace, "0.14", model="ray-2", resolution="720p")
    make_price(alice.workspace, "0.16", model="ray-2", resolution="720p", kind="luma")
    made = estimate_of(asked, kind=kind, prices=prices_of(alice.workspace.pk))
    assert (str(made) if made else None) == wanted


def test_money_shows_as_many_digits_as_it_takes() -> None:
    shown = [str(Money(amount=Decimal(amount), currency="USD")) for amount in ("0", "12.5", "0.0032", "1E+3")]
    assert shown == ["0.00 USD", "12.50 USD", "0.0032 USD", "1,000.00 USD"]


def test_the_bill_follows_the_choices(alice: Membership, alice_client: Client, new: str) -> None:
    connection = make_connection(alice.workspace)
    make_price(alice.workspace, "0.14", model="ray-2", resolution="720p")
    assert "Estimate 0.70 USD" in words_of(alice_client.get(new))
    chosen = ASKED | {"connection": str(connection.pk), "count": "3"}
    bill = words_of(alice_client.get(f"{new}bill/", chosen))
    assert "Estimate 3 × 0.70 USD = 2.10 USD" in bill
    assert "no price for this" in words_of(alice_client.get(f"{new}bill/", chosen | {"resolution": "4k"}))
    for odd in ({"count": "9" * 30}, {"connection": "x"}, {"duration": "0s"}, {}):
        assert alice_client.get(f"{new}bill/", odd).status_code == 200


def wish(connection: Connection, **fields: Any) -> dict[str, Any]:
    fixed = {"token": str(uuid4()), "connection": connection.pk, "prompt": "A quiet harbour", "count": "3"}
    return fixed | ASKED | fields


def test_without_a_script_the_price_is_asked_for_by_a_button_and_nothing_is_sent(
    alice: Membership, alice_client: Client, new: str
) -> None:
    make_price(alice.workspace, "0.14")
    answer = alice_client.post(new, wish(make_connection(alice.workspace), only_price="1"))
    assert answer.status_code == 200
    assert "= 2.10 USD" in words_of(answer)
    assert "Make 3 generations" in words_of(answer)
    assert not Intent.objects.exists()


def test_an_order_keeps_its_estimate_whatever_prices_become(
    alice: Membership, alice_client: Client, new: str, serve: Serve
) -> None:
    make_price(alice.workspace, "0.14")
    takes = alice_client.post(new, wish(connection_at(alice, serve(making()).url)))["Location"]
    Price.objects.update(amount=9)
    assert [(one.estimate, one.estimate_currency) for one in Intent.objects.all()] == [(Decimal("0.7"), "USD")] * 3
    assert "Estimated at 2.10 USD" in words_of(alice_client.get(takes))
    send_one(Intent.objects.order_by("pk")[0].pk)
    page = alice_client.get(f"/w/{alice.workspace.slug}/g/{Generation.objects.get().pk}/")
    assert "Estimated cost 0.70 USD" in words_of(page)


def test_without_a_price_nothing_is_made_up(alice: Membership, alice_client: Client, new: str) -> None:
    takes = alice_client.post(new, wish(make_connection(alice.workspace)))["Location"]
    assert Intent.objects.filter(estimate=None, estimate_currency="").count() == 3
    assert "Estimated" not in words_of(alice_client.get(takes))
