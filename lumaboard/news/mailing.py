"""Mail what is due, one mail for each person and workspace.

At least once: a notice is claimed and its try counted before anything is sent, and marked as sent afterwards. Whoever is
killed in between leaves a claim that ends, and the mail is sent again. A mail that is refused waits, ever longer, and keeps no
other waiting; where the server itself cannot be reached the round ends, and nobody else's tries are used up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Final
from uuid import UUID, uuid4

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F

from lumaboard.accounts.models import Membership
from lumaboard.news.letters import MOST_LINES, letter
from lumaboard.news.models import Notice, NoticeQuerySet

LEASE: Final = timedelta(minutes=5)
"""Far above what one mail may take: the mail settings' timeout, at each of its few steps."""

MOST_TRIES: Final = 10
LONGEST_WAIT: Final = timedelta(hours=2)
_PEOPLE_AT_ONCE: Final = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one person what is due."""

    membership: Membership
    token: UUID

    @property
    def notices(self) -> NoticeQuerySet:
        return Notice.objects.filter(membership=self.membership, mail_claim=self.token)


def send_due(*, clock: Callable[[], datetime], may_go_on: Callable[[], bool]) -> None:
    """Send what is due, longest due first, for as long as may be; of two who do at once, none sends what the other does."""
    people = _people_with_mail(now=clock())
    if not people:
        return
    post = get_connection()
    try:
        post.open()
        for membership in people:
            claim = claim_mail(membership, now=clock()) if may_go_on() else None
            if claim is not None:
                _send(claim, post, clock)
    except OSError as error:
        logger.warning("the mail server does not answer: %s", type(error).__name__)
    finally:
        with suppress(OSError):  # a connection that broke cannot be ended in good form
            post.close()


def claim_mail(membership: Membership, *, now: datetime) -> Claim | None:
    """Take what is due to this person, and count the try; None where somebody else was faster, or it was read meanwhile."""
    claim = Claim(membership, uuid4())
    due = Notice.objects.filter(membership=membership, mail_at__lte=now)
    due.filter(mail_try_count__gte=MOST_TRIES).update(
        mail_at=None, mail_claim=None
    )  # whoever tried was killed, each time
    taken = due.update(mail_at=now + LEASE, mail_claim=claim.token, mail_try_count=F("mail_try_count") + 1)
    return claim if taken else None


def sent(claim: Claim) -> None:
    """Note that it is on its way; what came to be due meanwhile is not part of it."""
    claim.notices.update(mail_at=None, mail_claim=None)


def refused(claim: Claim, *, now: datetime) -> None:
    """Try again later, ever later, and not for ever."""
    for tries in set(claim.notices.values_list("mail_try_count", flat=True)):
        again_at = now + wait_after(tries) if tries < MOST_TRIES else None
        claim.notices.filter(mail_try_count=tries).update(mail_at=again_at, mail_claim=None)


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries."""
    return min(timedelta(minutes=2 ** (tries - 1)), LONGEST_WAIT)


def _people_with_mail(*, now: datetime) -> Sequence[Membership]:
    """Whom something is due to, and who is still there."""
    due = Notice.objects.filter(
        mail_at__lte=now, membership__user__is_active=True, membership__workspace__deleted_at=None
    )
    keys = list(
        dict.fromkeys(due.order_by("mail_at", "pk").values_list("membership", flat=True)[: _PEOPLE_AT_ONCE * 10])
    )
    found = Membership.objects.select_related("user", "workspace").in_bulk(keys[:_PEOPLE_AT_ONCE])
    return [found[key] for key in keys if key in found]


def _send(claim: Claim, post: BaseEmailBackend, clock: Callable[[], datetime]) -> None:
    """Send one person's mail, of what they may still see and have not read. Raises only what the next mail would meet too."""
    rows = Notice.objects.of(user_id=claim.membership.user_id, workspace_id=claim.membership.workspace_id)
    due = rows.unread().filter(mail_claim=claim.token)
    count = due.count()
    notices = list(due.with_events().order_by("-pk")[:MOST_LINES])
    try:
        if notices:
            post.send_messages([letter(claim.membership, notices, count=count)])
    except (OSError, ValueError) as error:  # the latter where no such address or header can be
        refused(claim, now=clock())
        logger.warning("news could not be mailed: %s", type(error).__name__)
        if _is_the_servers(error):
            raise
    else:
        sent(claim)


def _is_the_servers(error: Exception) -> bool:
    """Whether the next mail would meet the same: the connection is gone, rather than this mail refused."""
    return isinstance(error, SMTPServerDisconnected) or not isinstance(error, (SMTPException, ValueError))
