"""The activity as CSV: read and written in batches, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member
from lumaboard.audit.search import Log, Place
from lumaboard.gallery.sentences import Line, lines_of, name_of_actor

_BATCH: Final = 500
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes the letters for those of an older encoding."""
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_FORMULA_WITHIN: Final = re.compile(r"[;\t\r\n]\s*[=+\-@＝＋－＠]")


def csv_of(log: Log, member: Member, *, before: Place) -> Iterator[str]:
    """Write a table of every row older than a place, a piece at a time: no more than a batch is ever held.

    The pieces are made when the view has long ended; the reader's language and time zone are put on again for each.
    """
    return _pieces(log, member, before, language=translation.get_language(), zone=timezone.get_current_timezone())


def _pieces(log: Log, member: Member, before: Place, *, language: str, zone: tzinfo) -> Iterator[str]:
    events = log.events(after=before, batch=_BATCH)
    with translation.override(language):
        heads = (_("Time"), _("Person"), _("E-mail"), _("Kind"), _("What happened"), _("Act"), _("Address"))
    yield _BYTE_ORDER_MARK + _written([heads])
    while True:
        with translation.override(language), timezone.override(zone):
            lines = lines_of(list(islice(events, _BATCH)), member)
            piece = _written([_cells(line) for line in lines])
        if not lines:
            return
        yield piece


def _cells(line: Line) -> Sequence[str]:
    event = line.event
    return (
        line.at.isoformat(timespec="seconds"),
        name_of_actor(event),
        event.actor.email if event.actor and not event.actor.erased_at else "",
        line.kind,
        line.text,
        event.verb,
        settings.PUBLIC_URL + line.url if line.url else "",
    )


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """Keep a spreadsheet from taking somebody's title or name for a formula, by an apostrophe before it.

    Also where one begins after a semicolon or tab: in half of the world these part cells as well.
    """
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) or _FORMULA_WITHIN.search(cell) else cell
