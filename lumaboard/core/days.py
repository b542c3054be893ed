"""Days as people name them in a filter: where they are, from midnight to midnight."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone

_LAST = date(9998, 1, 1)
"""Beyond it no zone has a midnight that every database takes."""


def day_named(text: str) -> date | None:
    """Read a day from an address; None where it is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year > 1900 else None


def midnight(day: date) -> datetime:
    """The start of the day where the person is."""
    return timezone.make_aware(datetime.combine(min(day, _LAST), time.min))


def next_midnight(day: date) -> datetime:
    """The end of the day where the person is."""
    return midnight(min(day, _LAST - timedelta(days=1)) + timedelta(days=1))
