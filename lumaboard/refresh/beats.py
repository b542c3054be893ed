"""Clocks that all processes share: one row each, taken by compare-and-set."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q

from lumaboard.generations.counters import Beat


def take_beat(name: str, *, every: timedelta, now: datetime, patience: timedelta = timedelta(0)) -> bool:
    """Say whether this caller may do now what is done once per `every`; of all callers one gets True.

    With `patience` the last taker is given that long to report its end with `beat` before the next one is let in.
    A due time further ahead than a whole period can only come from a clock that was set back: it counts as due.
    """
    is_due = Q(due_at__lte=now) | Q(due_at__gt=now + every)
    if patience:
        is_due &= Q(beaten_at__gte=F("due_at") - every) | Q(due_at__lte=now - patience) | Q(due_at__gt=now + every)
    if Beat.objects.filter(is_due, name=name).update(due_at=now + every):
        return True
    _, is_new = Beat.objects.get_or_create(name=name, defaults={"due_at": now + every})
    return is_new


def beat(name: str, *, now: datetime) -> None:
    """Report that what this beat stands for came to its end: the sign of life the supervisor looks for."""
    if not Beat.objects.filter(name=name).update(beaten_at=now):
        Beat.objects.get_or_create(name=name, defaults={"due_at": now, "beaten_at": now})
