"""Moments as HTML takes them; every template has these filters."""

from __future__ import annotations

from datetime import datetime

from django import template

register = template.Library()


@register.filter(expects_localtime=True)
def timestamp(at: datetime | None) -> str:
    """Write a moment for `<time datetime>`, which refuses the microseconds of `date:"c"`."""
    return at.isoformat(timespec="seconds") if at is not None else ""
