"""Change what somebody hears of, by their own form or by the link in a mail."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet

from lumaboard.accounts.access import Member, lock_people
from lumaboard.accounts.models import Membership
from lumaboard.news.models import EventKind, MailPace, Notice, Preference

_SALT: Final = "lumaboard.news.unsubscribe"


def preference_of(member: Member) -> Preference:
    """What this member chose, or would have without choosing."""
    rows = Membership.objects.select_related("user", "news_preference")
    return Preference.of(rows.get(user=member.user, workspace=member.workspace))


def change(preference: Preference, *, now: datetime) -> None:
    """Keep the choice; what waits to be mailed keeps to it as well, and what is told meanwhile."""
    with transaction.atomic():
        lock_people(preference.membership.workspace_id)
        preference.save()
        for kind in EventKind:
            for is_own in (True, False):
                mail_at = preference.mails_at(kind, is_own=is_own, now=now)
                _waiting(preference.membership, kind, is_own=is_own).update(mail_at=mail_at)


def _waiting(membership: Membership, kind: str, *, is_own: bool) -> QuerySet[Notice]:
    """What waits to be mailed of this kind, and of one's own work or of others'; there may be very much."""
    own = Q(event__generation__created_by=membership.user_id) | Q(event__batch__created_by=membership.user_id)
    rows = Notice.objects.filter(membership=membership, mail_at__isnull=False, event__kind=kind)
    return rows.filter(own if is_own else ~own)


def unsubscribe_token(membership: Membership) -> str:
    """What a mail's link holds: it stops the mail of this membership, and does nothing else, for as long as that lasts."""
    return signing.dumps(membership.pk, salt=_SALT)


def membership_named(token: str) -> Membership | None:
    """Whose mail a link stops; None where it was not made here, or they are not there any more."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    rows = Membership.objects.select_related("user", "workspace", "news_preference")
    return rows.filter(pk=pk, user__is_active=True, workspace__deleted_at=None).first()


def stop_mail(membership: Membership, *, now: datetime) -> None:
    """Mail this person nothing of this workspace any more; what else they chose stays. Twice is once."""
    preference = Preference.of(membership)
    preference.mail, preference.warns_by_mail = MailPace.NEVER, False
    change(preference, now=now)
