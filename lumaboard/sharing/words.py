"""How links are spoken of: when they end, and what their address looks like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from lumaboard.sharing.models import LONGEST_SLUG, ShareLink

SOON: Final = timedelta(hours=48)


def ends_of(link: ShareLink, *, now: datetime) -> str:
    """When it ends, or why it has."""
    if link.revoked_at is not None:
        return _("Revoked %(day)s") % {"day": day_of(link.revoked_at, now=now)}
    if link.is_over(now) and link.expires_at is not None:
        return _("Ended %(day)s") % {"day": day_of(link.expires_at, now=now)}
    if link.is_used_up:
        return _("Views used up")
    if link.expires_at is None:
        return _("Never")
    left = link.expires_at - now
    if left > SOON:
        return day_of(link.expires_at, now=now)
    hours = int(left.total_seconds() // 3600)
    if hours < 1:
        return _("Within the hour")
    return ngettext("In %(hours)d h", "In %(hours)d h", hours) % {"hours": hours}


def day_of(at: datetime, *, now: datetime) -> str:
    """The day in the reader's time zone; its year only where that is not this one."""
    local = timezone.localtime(at)
    if local.year == timezone.localdate(now).year:
        return date_format(local, pgettext("day as Django's date filter writes it", "j M"))
    return date_format(local, pgettext("day with its year as Django's date filter writes it", "j M Y"))


def short_address(url: str | None) -> str:
    """The end of the address as a person knows it again: the first and last letters of the token, or all of a slug."""
    if url is None:
        return ""
    last = url.rstrip("/").rpartition("/")[2]
    return f"/s/{last}" if len(last) <= LONGEST_SLUG else f"/s/{last[:4]}…{last[-3:]}"
