"""The activity page: what its rows cost with a hundred times as many, first, deep and under every filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from lumaboard.audit.models import AuditEvent
from lumaboard.audit.search import Filters, Log
from lumaboard.audit.search import Place as Cursor
from lumaboard.audit.verbs import VERBS, Audience, owner_alone
from lumaboard.gallery.activity import PAGE_SIZE
from tests.bench.bench import Bench, analyse, say
from tests.bench.databases import Database, in_use
from tests.bench.figures import Figure
from tests.bench.people import Place, make_place, pretend_that_the_worker_runs
from tests.bench.timing import medians
from tests.bench.wsgi import Site
from tests.factories import make_generation, make_member

SECONDS_APART = 30
RARE = 60
"""Rows of the rare person and of the rare kind, spread over all others: a page's worth, however many there are."""


@dataclass(frozen=True, slots=True)
class Trail:
    """A database with its audit rows, of which those in one workspace are read as its owner reads them."""

    database: Database
    place: Place
    log: Log
    rare_person: int
    middle_day: date


def measure(bench: Bench) -> Mapping[str, Figure]:
    with ExitStack() as stack:
        few = _trail(bench, stack, bench.scale.few_rows)
        say(f"adding {bench.scale.many_rows:,} audit rows")
        many = _trail(bench, stack, bench.scale.many_rows)
        return {**_rows(bench, few, many), **_pages(bench, few, many)}


def _trail(bench: Bench, stack: ExitStack, rows: int) -> Trail:
    database = stack.enter_context(bench.database())
    place = make_place()
    rare = make_member("Rita Rare", workspace=place.workspace).user.pk
    usual, now, target = place.membership.user.pk, timezone.now(), str(make_generation(place.connection).pk)
    mine, theirs = owner_alone(usual), owner_alone(rare)
    shares = [
        ("rename", usual, Audience.MEMBERS, rows * 6 // 10),
        ("connection.added", usual, Audience.ADMINS, rows // 10),
        ("rename", usual, mine, rows // 10),
        ("rename", rare, theirs, rows * 2 // 10),  # between the others, and not for whoever looks
        ("rename", rare, Audience.MEMBERS, RARE),
        ("trash", usual, Audience.MEMBERS, RARE),
        ("trash", rare, Audience.MEMBERS, RARE),
    ]
    span = rows * SECONDS_APART
    for start, (verb, person, audience, count) in enumerate(shares):
        event = AuditEvent(
            workspace=place.workspace,
            actor_id=person,
            verb=verb,
            kind=VERBS[verb].kind,
            audience=audience,
            target_kind="generation",
            target_id=target,
            at=now - timedelta(seconds=start),
        )
        _repeat(event, count=count, step=span // count)
    pretend_that_the_worker_runs()
    analyse()
    log = Log(workspace_id=place.workspace.pk, audiences=(Audience.MEMBERS, mine, Audience.ADMINS), filters=Filters())
    middle = now - timedelta(seconds=span / 2)
    return Trail(database, place, log, rare, middle.date())


def _repeat(event: AuditEvent, *, count: int, step: int) -> None:
    """Let the database itself write this row so many times, ever further back: fast enough for a million."""
    event.save()
    quote = connection.ops.quote_name
    columns = [field.column or "" for field in AuditEvent._meta.concrete_fields if not field.primary_key]
    if connection.vendor == "postgresql":
        earlier = "at - number * interval '1 second'"
    else:
        earlier = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', at, '-' || number || ' seconds') || '000'"
    values = [earlier if column == "at" else quote(column) for column in columns]
    table = quote(AuditEvent._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE series(number, done) AS "
            "(SELECT %s, 1 UNION ALL SELECT number + %s, done + 1 FROM series WHERE done < %s) "
            f"INSERT INTO {table} ({', '.join(map(quote, columns))}) SELECT {', '.join(values)} "
            f"FROM {table} CROSS JOIN series WHERE id = %s",
            [step, step, count, event.pk],
        )


def _filters(trail: Trail) -> dict[str, Filters]:
    usual, rare = trail.place.membership.user.pk, trail.rare_person
    return {
        "person": Filters(person=usual),
        "rare person": Filters(person=rare),
        "rare kind": Filters(kind="trash"),
        "rare person and kind": Filters(person=rare, kind="trash"),
        "day": Filters(since=trail.middle_day, until=trail.middle_day),
        "absent": Filters(person=rare, kind="keys"),
    }


def _rows(bench: Bench, few: Trail, many: Trail) -> Mapping[str, Figure]:
    """Time the rows of a page as the view reads them, objects and all; the few and the many take turns."""

    def read(trail: Trail, filters: Filters, after: Cursor | None = None) -> Callable[[], None]:
        log = replace(trail.log, filters=filters)

        def act() -> None:
            with in_use(trail.database):
                log.newest(PAGE_SIZE + 1, after=after)

        return act

    acts = [read(trail, Filters()) for trail in (few, many)]
    acts += [read(trail, Filters(), _deep(trail)) for trail in (few, many)]
    names = list(_filters(few))
    acts += [read(trail, _filters(trail)[name]) for name in names for trail in (few, many)]
    found = medians(*acts, repeats=bench.scale.page_repeats)
    first, deep, *filtered = [on_many / on_few for on_few, on_many in zip(found[::2], found[1::2], strict=True)]
    for name, ratio in zip(names, filtered, strict=True):
        say(f"activity filtered by {name}: {ratio:.2f}")
    return {
        "activity_first": Figure(first),
        "activity_deep": Figure(deep),
        "activity_filtered": Figure(max(filtered)),
    }


def _deep(trail: Trail) -> Cursor:
    """A place that four rows in five lie before."""
    with in_use(trail.database):
        rows = AuditEvent.objects.filter(workspace_id=trail.log.workspace_id, audience=Audience.MEMBERS)
        return Cursor.of(rows.order_by("-at", "-id")[int(rows.count() * 0.8)])


def _pages(bench: Bench, few: Trail, many: Trail) -> Mapping[str, Figure]:
    """Time whole pages, sentences and all."""
    site = Site()

    def get(trail: Trail) -> Callable[[], None]:
        def act() -> None:
            with in_use(trail.database):
                site.get(f"/w/{trail.place.workspace.slug}/activity/", cookie=trail.place.cookie)

        return act

    on_few, on_many = medians(get(few), get(many), repeats=bench.scale.page_repeats)
    return {"activity_page": Figure(on_many / on_few)}
