"""The gallery: its queries, what its pages and its feed cost, and how both grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from lumaboard.connections.models import Kind
from lumaboard.generations.models import Generation
from lumaboard.generations.paging import Place as Cursor
from lumaboard.generations.paging import keyset_page
from lumaboard.generations.search import Filters, rows_for_gallery
from lumaboard.ops.demo import Cast, seed
from lumaboard.ops.demo_files import Clip, File
from tests.bench.bench import Bench, analyse, say
from tests.bench.databases import Database, in_use
from tests.bench.figures import Figure
from tests.bench.people import Place, make_place, pretend_that_the_worker_runs
from tests.bench.timing import cpu_seconds, medians
from tests.bench.wsgi import Site
from tests.factories import make_connection, make_generation

PAGE = 48
SIGN_IN_QUERIES = 2
"""The session, and the membership with its person and workspace."""

RARE, ABSENT = "quetzalcoatlus", "xylophagous"


@dataclass(frozen=True, slots=True)
class Gallery:
    """A database with its rows, half of them in the workspace that is looked at."""

    database: Database
    place: Place
    slug: str


def measure(bench: Bench) -> Mapping[str, Figure]:
    scale = bench.scale
    with ExitStack() as stack:
        few = _gallery(bench, stack, scale.few_rows)
        say(f"adding {scale.many_rows:,} rows")
        many = _gallery(bench, stack, scale.many_rows)
        return {**_queries(bench, few, many), **_counts(bench, few, many), **_costs(bench, few)}


def _gallery(bench: Bench, stack: ExitStack, rows: int) -> Gallery:
    database = stack.enter_context(bench.database())
    place = make_place()
    neighbour = make_place()
    for here in (neighbour, place):
        former = make_connection(here.workspace, kind=Kind.COMETAPI, name="Former account")
        cast = Cast(here.workspace.pk, [here.membership.user.pk], here.connection, former, _clips())
        seed(cast, rows // 2, now=timezone.now(), say=lambda done: None)
    middle = Generation.objects.in_workspace(place.workspace.pk).present().order_by("created_at")[rows // 4]
    Generation.objects.filter(pk=middle.pk).update(prompt=f"A {RARE} over a quiet delta at dusk")
    pretend_that_the_worker_runs()
    analyse()
    return Gallery(database, place, place.workspace.slug)


def _clips() -> list[Clip]:
    """Films of four shapes that no page opens."""
    film = File("1/00/" + "0" * 64 + ".mp4", "0" * 64, 4_000_000, "video/mp4", 1280, 720)
    shapes = (("16:9", 1280, 720), ("9:16", 720, 1280), ("1:1", 960, 960), ("21:9", 1680, 720))
    return [Clip(ratio, width, height, 5.0, film, {}) for ratio, width, height in shapes]


def _queries(bench: Bench, few: Gallery, many: Gallery) -> Mapping[str, Figure]:
    """Time the rows of a page as the view reads them, objects and all."""
    with in_use(many.database):
        rows = Generation.objects.in_workspace(many.place.workspace.pk).present().newest_first()
        deep = str(Cursor.of(rows[int(rows.count() * 0.8)]))

    def read(gallery: Gallery, *, after: str = "", words: str = "") -> Callable[[], None]:
        def act() -> None:
            with in_use(gallery.database):
                user_id = gallery.place.membership.user.pk
                found = rows_for_gallery(gallery.place.workspace.pk, Filters(words=words), seen_by=user_id)
                keyset_page(found, after=after, before="", size=PAGE)

        return act

    repeats = bench.scale.page_repeats
    on_few, on_many, on_deep = medians(read(few), read(many), read(many, after=deep), repeats=repeats)
    rare, absent, first = medians(
        read(many, words=RARE), read(many, words=ABSENT), read(many), repeats=max(repeats // 8, 1)
    )
    return {
        "first_query": Figure(on_many / on_few),
        "deep_query": Figure(on_deep / on_many),
        "search_rare": Figure(rare / first),
        "search_absent": Figure(absent / first),
    }


def _counts(bench: Bench, few: Gallery, many: Gallery) -> Mapping[str, Figure]:
    """Count the queries, and time whole pages."""
    site = Site()

    def get(gallery: Gallery, path: str) -> Callable[[], None]:
        def act() -> None:
            with in_use(gallery.database):
                site.get(f"/w/{gallery.slug}/{path}", cookie=gallery.place.cookie)

        return act

    counts: list[int] = []
    for gallery in (few, many):
        with in_use(gallery.database):
            small = make_place()
            for _ in range(2):
                make_generation(small.connection)
            counts += [_beyond_sign_in(site, place) for place in (small, gallery.place)]
    with in_use(many.database):
        feed_count = _query_count(site, _feed(many), many.place.cookie, status=204)
    on_few, on_many = medians(get(few, ""), get(many, ""), repeats=bench.scale.page_repeats)
    is_constant = len(set(counts)) == 1
    return {
        "page_queries": Figure(max(counts) if is_constant else 99, shown=" ".join(map(str, counts))),
        "feed_queries": Figure(feed_count),
        "first_page": Figure(on_many / on_few),
    }


def _beyond_sign_in(site: Site, place: Place) -> int:
    return _query_count(site, f"/w/{place.workspace.slug}/", place.cookie) - SIGN_IN_QUERIES


def _query_count(site: Site, path: str, cookie: str, *, status: int = 200) -> int:
    with CaptureQueriesContext(connection) as queries:
        site.get(path, cookie=cookie, status=status)
    return len(queries)


def _feed(gallery: Gallery) -> str:
    gallery.place.workspace.refresh_from_db()
    return f"/w/{gallery.slug}/live?since={gallery.place.workspace.seq}&beating=1"


def _costs(bench: Bench, few: Gallery) -> Mapping[str, Figure]:
    """Compare the CPU of a page, of the same rows as formatted strings, and of a feed without news.

    All 48 cards have settled: fragments of those that move are made for each page, as a clock stands on them.
    """
    site = Site(urls="tests.bench.raw_page")
    cookie = few.place.cookie
    with in_use(few.database):
        feed_path = _feed(few)

        def page() -> None:
            site.get(f"/w/{few.slug}/?state=ready", cookie=cookie)

        def raw() -> None:
            site.get(f"/raw/{few.slug}/?state=ready", cookie=cookie)

        def quiet() -> None:
            site.get(feed_path, cookie=cookie, status=204)

        def anew() -> None:
            with override_settings(CACHES=_WITHOUT_FRAGMENTS):
                site.get(f"/w/{few.slug}/?state=ready", cookie=cookie)

        warm, plain, feed, cold = medians(page, raw, quiet, anew, repeats=bench.scale.page_repeats, measure=cpu_seconds)
    say(
        f"page {warm * 1000:.2f} ms, rendered anew {cold * 1000:.2f}, raw string {plain * 1000:.2f}, feed {feed * 1000:.2f}"
    )
    return {"page_cpu": Figure(warm / plain), "feed_cpu": Figure(feed / cold, shown=f"1/{cold / feed:.1f}")}


_WITHOUT_FRAGMENTS = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    "fragments": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}
