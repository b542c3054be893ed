"""What is measured, what it should be, and what a run found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["met", "missed", "not yet", "failed", ""]


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the figure, and how both are written."""

    bound: Literal["<=", ">="]
    limit: float
    unit: str = ""
    text: str = ""  # instead of the bound, where a fraction or a condition reads better

    def is_met(self, value: float) -> bool:
        return value <= self.limit if self.bound == "<=" else value >= self.limit

    def __str__(self) -> str:
        return self.text or f"{'≤' if self.bound == '<=' else '≥'} {self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table. Without a goal the row says what is not built yet."""

    key: str
    title: str
    goal: Goal
    is_everywhere: bool = True  # else it has nothing to do with the database and is measured once, on SQLite
    is_sqlite_only: bool = False
    is_planned: bool = False  # a miss is called "not yet": what would meet the goal is later work

    def is_measured_on(self, label: str) -> bool:
        return label == "SQLite" or (self.is_everywhere and not self.is_sqlite_only)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was found: the number that is compared, and how it is shown (None: as the number is)."""

    value: float | None
    shown: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


AT_LEAST: Literal[">="] = ">="
AT_MOST: Literal["<="] = "<="

MEASUREMENTS = (
    Measurement("engine", "engine ÷ fetching alone, one answer in eight is news", Goal(AT_LEAST, 0.85)),
    Measurement("engine_news", "engine ÷ fetching alone, every answer is news", Goal(AT_LEAST, 0.85)),
    Measurement("batch", "engine ÷ one job per generation, in a real cluster", Goal(AT_LEAST, 8)),
    Measurement("claim", "claim at 10 × as many active generations", Goal(AT_MOST, 1.3)),
    Measurement("tick", "longest gap between ticks while jobs wait", Goal(AT_MOST, 2.5, " s")),
    Measurement("writer", "another writer's p99 beside the busy engine ÷ idle", Goal(AT_MOST, 10), is_sqlite_only=True),
    Measurement("first_query", "first page's query: many rows ÷ few", Goal(AT_MOST, 1.2)),
    Measurement("first_page", "first page as a whole: many rows ÷ few", Goal(AT_MOST, 1.2)),
    Measurement("deep_query", "deep page's query ÷ first page's", Goal(AT_MOST, 1.3)),
    Measurement(
        "page_queries", "queries beyond sign-in: 2, 48 cards; few, many rows", Goal(AT_MOST, 4, text="equal, ≤ 4")
    ),
    Measurement("feed_queries", "queries of a quiet feed", Goal(AT_MOST, 2)),
    Measurement("page_cpu", "page with warm fragments ÷ raw-string page, CPU", Goal(AT_MOST, 2.5)),
    Measurement("feed_cpu", "quiet feed ÷ page rendered anew, CPU", Goal(AT_MOST, 1 / 15, text="≤ 1/15")),
    Measurement("search_rare", "search for a rare word ÷ first page's query", Goal(AT_MOST, 10)),
    Measurement("search_absent", "search for an absent word ÷ first page's query", Goal(AT_MOST, 10)),
    Measurement("activity_first", "activity, first page's rows: many ÷ few", Goal(AT_MOST, 1.3)),
    Measurement("activity_deep", "activity, deep page's rows: many ÷ few", Goal(AT_MOST, 1.3)),
    Measurement("activity_filtered", "activity, rows under the dearest filter: many ÷ few", Goal(AT_MOST, 1.3)),
    Measurement("activity_page", "activity, first page as a whole: many ÷ few", Goal(AT_MOST, 1.3)),
    Measurement("range", "1 MiB ranges ÷ a static file server", Goal(AT_LEAST, 0.5), is_everywhere=False),
    Measurement("memory", "peak memory above idle, serving 2 GiB", Goal(AT_MOST, 32, " MiB"), is_everywhere=False),
    Measurement("preview", "a preview's CPU time ÷ the film's length, 720p", Goal(AT_MOST, 0.5), is_everywhere=False),
    Measurement("visible", "a change upstream seen in another browser, p95", Goal(AT_MOST, 5, " s")),
    Measurement("polling", "upstream while programs poll ÷ by the engine alone", Goal(AT_MOST, 0.05, text="1 ± 5 %")),
    Measurement("creates", "creates made twice or lost, under faults and kills", Goal(AT_MOST, 0)),
    Measurement("stop", "SIGTERM to exit, web and worker", Goal(AT_MOST, 10, " s")),
    Measurement("idle", "CPU of the idle stack, of one core", Goal(AT_MOST, 2, " %")),
    Measurement("zip", "stored ZIP ÷ zlib.crc32", Goal(AT_LEAST, 0.5), is_everywhere=False, is_planned=True),
    Measurement("proxy", "a proxied get − a plain view that makes the same call, p50", Goal(AT_MOST, 5, " ms")),
)
NOT_BUILT = frozenset({"zip"})


def verdict_of(measurement: Measurement, figure: Figure | None) -> Verdict:
    """Say what a figure means; none at all means that measuring failed."""
    if measurement.key in NOT_BUILT:
        return "not yet"
    if figure is None:
        return "failed"
    if figure.value is None:
        return ""
    if measurement.goal.is_met(figure.value):
        return "met"
    return "not yet" if measurement.is_planned else "missed"
