"""Write the mail that tells somebody their news, in their language and by their clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from lumaboard.accounts.models import Membership
from lumaboard.news.lines import Line, lines_of
from lumaboard.news.models import Notice
from lumaboard.news.preferences import unsubscribe_token

MOST_LINES: Final = 50
"""So many are listed; of the others the mail says how many there are."""


def letter(membership: Membership, notices: Sequence[Notice], *, count: int) -> EmailMessage:
    """One mail about so many notices, which lists these, the newest first; there is at least one."""
    user, workspace = membership.user, membership.workspace
    with translation.override(user.language or settings.LANGUAGE_CODE), timezone.override(user.zone):
        told = lines_of(notices, user_id=user.pk, workspace_slug=workspace.slug)
        lines = [_in_text(line) for line in told]
        stop_url = _address("news:unsubscribe", unsubscribe_token(membership))
        context = {
            "workspace": one_line(workspace.name),
            "lines": lines,
            "more_count": count - len(lines),
            "news_url": _address("news:index", workspace.slug),
            "preferences_url": _address("news:preferences", workspace.slug),
            "stop_url": stop_url,
        }
        return EmailMessage(
            subject=_subject(lines, count, one_line(workspace.name)),
            body=render_to_string("news/email/news_message.txt", context),
            to=[user.email],
            headers={
                "Auto-Submitted": "auto-generated",
                "List-Unsubscribe": f"<{stop_url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )


def one_line(text: str) -> str:
    """Write what people called something so that it begins no line, no header and no other direction."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _subject(lines: Sequence[Line], count: int, workspace: str) -> str:
    if count == 1:
        return f"{lines[0].sentence} · {workspace}"
    return ngettext("%(n)d news item from %(workspace)s", "%(n)d news items from %(workspace)s", count) % {
        "n": count,
        "workspace": workspace,
    }


def _in_text(line: Line) -> Line:
    return replace(line, about=one_line(line.about), owner=one_line(line.owner), url=f"{settings.PUBLIC_URL}{line.url}")


def _address(name: str, argument: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=[argument])}"
