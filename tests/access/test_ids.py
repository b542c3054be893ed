"""Ids in forms and queries are looked at like ids in paths: those of another workspace are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.apps import apps
from django.db.models import ForeignKey, Model, Q
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Membership, User, Workspace
from lumaboard.ops.routes import ROUTES
from tests.access.addresses import ADDRESSES, Address
from tests.access.people import ELSEWHERE
from tests.access.samples import SAMPLES
from tests.access.walk import quiet, taken_back
from tests.access.world import MISSING, Of, World, make_world
from tests.accounts.pages import steady_text
from tests.chaos.noise import NAMES

NAMES_OF_IDS = (
    "owner",
    "connection",
    "person",
    "by",
    "g",
    "link",
    "note",
    "generation",
    "member",
    "user",
    "workspace",
    "pk",
    "id",
)
NAMES_IN_FORMS = (*NAMES, *NAMES_OF_IDS)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def ids_of(world: World) -> dict[str, int]:
    """Something of each kind in the workspace that is none of theirs."""
    return {
        "generation": world.colleagues.pk,
        "private": world.private.pk,
        "connection": world.connection.pk,
        "person": world.colleague.user_id,
        "membership": world.colleague.pk,
        "invitation": world.invitation.pk,
        "link": world.shares["colleague"],
        "note": world.notes["colleague", False],
        "workspace": world.workspace.pk,
    }


def paths_abroad(world: World, method: str) -> Iterator[tuple[Address, str]]:
    """Everything of their own that somebody elsewhere can ask for in this way, with their own things in the path."""
    own = world.generations[ELSEWHERE.name]
    values: dict[Of, dict[str, object]] = {
        Of.GENERATION: {"pk": own.pk},
        Of.NOTE: {"pk": own.pk},
        Of.DELETED_NOTE: {"pk": own.pk},
        Of.CONNECTION: {"pk": own.connection_id},
        Of.PERSON: {"pk": Membership.objects.get(workspace=world.abroad).pk},
    }
    for address in ADDRESSES:
        if address.is_in_workspace and method in ROUTES[address.name].methods:
            given = values.get(SAMPLES[address.name].of, MISSING)
            yield address, address.path(**{"workspace": world.abroad.slug, **given})


def rows_of(workspace: Workspace) -> dict[tuple[str, object], tuple[object, ...]]:
    """Every row that hangs on this workspace, directly or over one or two others, and the people in it."""
    found = {}
    for model in apps.get_models():
        chains = list(_chains_to_a_workspace(model, depth=3))
        where = Q()
        for chain in chains:
            where |= Q(**{chain: workspace.pk})
        if model is User:
            where = Q(memberships__workspace=workspace)
        if chains or model is User:
            for row in model._default_manager.filter(where).order_by("pk").distinct().values_list():
                found[model._meta.label, row[0]] = row
    return found


def _chains_to_a_workspace(model: type[Model], *, depth: int) -> Iterator[str]:
    if model is Workspace:
        yield "pk"
        return
    for field in model._meta.concrete_fields:
        if isinstance(field, ForeignKey) and depth and field.related_model is not User:
            target = field.related_model
            assert isinstance(target, type)
            for rest in _chains_to_a_workspace(target, depth=depth - 1):
                yield f"{field.name}__{rest}"


def test_no_query_tells_an_id_of_another_workspace_from_one_that_is_missing(world: World) -> None:
    browser, told = Client(), []
    theirs = world.generations[ELSEWHERE.name]
    own = {theirs.pk, theirs.connection_id, theirs.created_by_id}
    with quiet(), time_machine.travel(timezone.now(), tick=False):  # "3 s ago" is not "4 s ago"
        for address, path in paths_abroad(world, "GET"):
            for kind, pk in ids_of(world).items():
                if pk in own:  # something of theirs has the same number, and may be told of
                    continue
                numbers = re.compile(rf"(?<!\d)({pk}|{MISSING['pk']})(?!\d)")
                answers = []
                for number in (pk, MISSING["pk"]):
                    world.hand_over(browser, ELSEWHERE)
                    with taken_back():
                        answer = browser.get(path, query_params=dict.fromkeys(NAMES_OF_IDS, str(number)))
                    body = numbers.sub("…", steady_text(answer.getvalue().decode("latin-1")))
                    answers.append((answer.status_code, body))
                if answers[0] != answers[1]:
                    told.append(f"{address.name} tells the id of a {kind}")
    assert told == []


def test_no_form_moves_anything_in_another_workspace(world: World) -> None:
    """Whatever an owner elsewhere sends to their own pages, with the ids of our things in every field."""
    browser, before = Client(), rows_of(world.workspace)
    assert len({label for label, _pk in before}) > 8
    with quiet():
        for address, path in paths_abroad(world, "POST"):
            for kind, pk in ids_of(world).items():
                world.hand_over(browser, ELSEWHERE)
                with taken_back():
                    fields = dict.fromkeys(NAMES_IN_FORMS, str(pk))
                    wanted = {"wanted": f"{pk}:ed0c1edd-29a7-41b8-9a8b-1d6f3a5c0d36", "do_track": "1"}
                    form = SAMPLES[address.name].form
                    own = {name: value for name, value in form.items() if "{" not in value}
                    browser.post(path, {**fields, **wanted, **own})
                    after = rows_of(world.workspace)
                changed = {label for (label, _pk), _row in before.items() ^ after.items()}
                assert not changed, f"{address.name}, given the id of our {kind}, changed {changed}"
