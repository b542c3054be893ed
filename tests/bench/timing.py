"""Compare two ways of doing something on a machine that swings: they take turns, and medians are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, process_time


def seconds(act: Callable[[], object]) -> float:
    started = perf_counter()
    act()
    return perf_counter() - started


def cpu_seconds(act: Callable[[], object]) -> float:
    """The CPU time this process spent, which a busy machine does not stretch."""
    started = process_time()
    act()
    return process_time() - started


def medians(
    *acts: Callable[[], object],
    repeats: int,
    measure: Callable[[Callable[[], object]], float] = seconds,
    after: Callable[[], object] = lambda: None,
) -> list[float]:
    """Measure each of these in turn, as often as said, after a first time that does not count; nor does what comes `after`."""
    for act in acts:
        act()
        after()
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(repeats):
        for times, act in zip(taken, acts, strict=True):
            times.append(measure(act))
            after()
    return [median(times) for times in taken]


def percentile(values: Sequence[float], share: float) -> float:
    in_order = sorted(values)
    return in_order[min(int(share * len(in_order)), len(in_order) - 1)]
