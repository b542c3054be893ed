"""When to ask again. Pure functions: the time, and the draw that spreads rows apart, are arguments.

A `draw` is a random number in [0, 1). Every time given here lies less than two hours ahead, because a row further ahead
than that counts as due at once (the rule that makes a clock set back harmless).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lumaboard.connections.budget import full_jitter

PARKED_AFTER = timedelta(days=7)
"""A generation pending for longer is asked no more until a person wakes it."""

LONGEST = timedelta(minutes=108)
"""The longest pace; with its jitter it stays below two hours."""

_SPREAD = 0.2
_ERROR_BASE = timedelta(seconds=4)
_ERROR_CAP = timedelta(minutes=15)

# (younger than, pace of a provider, pace of the simulator); a provider may bill queries, so its rows start slower.
PACES = (
    (timedelta(minutes=2), timedelta(seconds=4), timedelta(seconds=2)),
    (timedelta(minutes=10), timedelta(seconds=10), timedelta(seconds=4)),
    (timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=10)),
    (timedelta(days=1), timedelta(minutes=10), timedelta(minutes=1)),
    (PARKED_AFTER, timedelta(hours=2), timedelta(minutes=10)),
)


def pace(age: timedelta, *, is_simulated: bool, factor: float = 1.0) -> timedelta:
    """Say how long to wait between two askings about a generation that we have watched for `age`.

    Age counts from when we began to track it, not from upstream's own date: somebody who pastes an old id waits for a
    first look all the same, and a provider's clock is not ours (`claim.watched_for` sees to the past). Beyond seven days
    the last pace goes on; `is_parked` says that nothing is asked any more.
    """
    provider, simulator = next((waits for younger_than, *waits in PACES if age < younger_than), PACES[-1][1:])
    return min((simulator if is_simulated else provider) * factor, LONGEST)


def is_parked(age: timedelta) -> bool:
    return age >= PARKED_AFTER


def spread(wait: timedelta, draw: float) -> timedelta:
    """Change a wait by up to a tenth in either direction, so that rows tracked together drift apart.

    Waits of seconds are only shortened: the next tick rounds them up anyway, and a hair too long would cost a whole one.
    """
    least = 0.8 if wait < timedelta(minutes=1) else 0.9
    return wait * (least + _SPREAD * draw)


def after_error(failures: int, pace_now: timedelta, *, draw: float) -> timedelta:
    """Say how long to wait after this many failed askings in a row: at least the usual pace.

    An error never brings the next asking forward, so there are no retries on top of the first tries.
    """
    return spread(pace_now, draw) + full_jitter(failures, base=_ERROR_BASE, cap=_ERROR_CAP, draw=draw)


def after_not_found(missing_for: timedelta, pace_now: timedelta, *, draw: float) -> timedelta:
    """Say how long to wait for a generation that upstream has not known for so long: ever longer."""
    return spread(min(max(pace_now, missing_for / 4), LONGEST), draw)


def at_latest(now: datetime, wait: timedelta) -> datetime:
    """Turn a wait into a time, kept within the two hours."""
    return now + min(wait, LONGEST * 1.1)
