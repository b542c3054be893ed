"""What is worth telling: written down in the transaction of what happened, and told to everybody it concerns afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.accounts.models import Membership
from lumaboard.generations.models import shared_work_stays
from lumaboard.news.hooks import models as hooks_models  # noqa: F401  register its tables

MORNING: Final = 8
"""The hour of somebody's own day at which mail of the day before goes out."""


class EventKind(models.TextChoices):
    SUCCEEDED = "succeeded", _("Ready")
    FAILED = "failed", _("Failed")
    AT_RISK = "at_risk", _("File at risk")
    LOST = "lost", _("File lost")
    BATCH_DONE = "batch_done", _("Batch done")


OF_STATE = (EventKind.SUCCEEDED, EventKind.FAILED)


class Batch(models.Model):
    """Generations that somebody asked for together, so that one word can be said when all of them are settled.

    `wanted_count` is how many are still expected: a take that was refused is expected no more.
    """

    uid = models.UUIDField(default=uuid4)  # of an order its token, which is unique to its person alone
    is_order = models.BooleanField(default=False)  # takes, which have a page that tells of them by the token
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="batches")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=shared_work_stays, related_name="batches"
    )
    is_private = models.BooleanField(default=False)
    wanted_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "created_by", "uid"], name="one_batch_per_token"),
            models.CheckConstraint(
                condition=Q(is_private=False) | Q(created_by__isnull=False), name="private_batches_have_an_owner"
            ),
        ]
        indexes = [
            # those to be forgotten
            models.Index(fields=["created_at"], name="batches_by_age"),
        ]

    def __str__(self) -> str:
        return f"batch {self.uid}"


class BatchMember(models.Model):
    """A generation of a batch; it belongs to one at most, the first that asked for it."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="members")
    generation = models.OneToOneField(
        "generations.Generation", on_delete=models.CASCADE, primary_key=True, related_name="batch_member"
    )

    def __str__(self) -> str:
        return f"{self.generation_id} of {self.batch_id}"


class Event(models.Model):
    """One thing that happened, once; `uid` is what everybody who hears of it may know it by.

    It is the outbox: the row is there if and only if the change is. `spread_at` says when everybody it concerns was written
    down as such; until then a job finds it.
    """

    uid = models.UUIDField(unique=True, default=uuid4)
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=EventKind.choices)
    generation = models.ForeignKey("generations.Generation", null=True, on_delete=models.CASCADE, related_name="events")
    batch = models.OneToOneField(Batch, null=True, on_delete=models.CASCADE, related_name="event")
    number = models.PositiveIntegerField(default=0)  # of the transition it tells of; 0 where it tells of none
    at = models.DateTimeField()
    spread_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "kind", "number"], name="one_event_per_happening"),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="events_have_a_known_kind"),
            models.CheckConstraint(
                condition=Q(generation__isnull=False, batch=None) | Q(generation=None, batch__isnull=False),
                name="events_are_about_one_thing",
            ),
        ]
        indexes = [
            # the outbox: what nobody was told of yet
            models.Index(fields=["id"], name="unspread_events", condition=Q(spread_at=None)),
            # those to be forgotten
            models.Index(fields=["at"], name="events_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def private_to(self) -> int | None:
        """Who alone may hear of it; None where the workspace may."""
        about = self.generation or self.batch
        assert about is not None  # a constraint says so
        return about.created_by_id if about.is_private else None

    @property
    def owner_id(self) -> int | None:
        """Whose generation or batch it is about."""
        about = self.generation or self.batch
        assert about is not None
        return about.created_by_id


WARNINGS = (EventKind.AT_RISK, EventKind.LOST)


class Whose(models.TextChoices):
    """Whose work somebody wants to hear of."""

    MINE = "mine", _("Mine")
    EVERYONES = "everyones", _("Everyone’s in the workspace")


class MailPace(models.TextChoices):
    """How often somebody wants mail; what a day brings is mailed in its morning."""

    NEVER = "never", _("Never")
    AT_ONCE = "at_once", _("At once")
    HOURLY = "hourly", _("Once an hour")
    DAILY = "daily", _("Once a day, at eight")


def every_kind() -> list[str]:
    return list(EventKind.values)


class Preference(models.Model):
    """What somebody wants to hear of in a workspace, and by which ways beside the bell.

    Nobody needs a row: one that was never saved says what holds for everybody who chose nothing.
    """

    membership = models.OneToOneField(
        "accounts.Membership", on_delete=models.CASCADE, primary_key=True, related_name="news_preference"
    )
    kinds = models.JSONField(default=every_kind)
    whose = models.CharField(max_length=10, choices=Whose.choices, default=Whose.MINE)
    shows_toasts = models.BooleanField(default=True)
    notifies = models.BooleanField(default=False)  # by the browser, where its tab is hidden
    mail = models.CharField(max_length=10, choices=MailPace.choices, default=MailPace.NEVER)
    warns_by_mail = models.BooleanField(default=True)  # at once, of danger to one's own files, whatever the pace

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(whose__in=Whose.values), name="news_is_of_somebodys_work"),
            models.CheckConstraint(condition=Q(mail__in=MailPace.values), name="news_is_mailed_at_a_known_pace"),
        ]

    def __str__(self) -> str:
        return f"what {self.membership_id} hears of"

    @classmethod
    def of(cls, membership: Membership) -> Preference:
        """What this member chose, or what holds without a choice; costs nothing where it was read along."""
        chosen: Preference | None = getattr(membership, "news_preference", None)
        return chosen or cls(membership=membership)

    def wants(self, kind: str, *, is_own: bool) -> bool:
        return kind in self.kinds and (is_own or self.whose == Whose.EVERYONES)

    def mails_at(self, kind: str, *, is_own: bool, now: datetime) -> datetime | None:
        """Say when something that happened now is due by mail; None where it is not mailed."""
        if is_own and kind in WARNINGS and self.warns_by_mail:
            return now
        return next_mail_at(MailPace(self.mail), zone=self.membership.user.zone, now=now)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def of(self, *, user_id: int, workspace_id: int) -> NoticeQuerySet:
        """What one person was told in one workspace, as far as they may still see what it is about.

        Work that was made private since is told to nobody but its owner any more.
        """
        mine = self.filter(membership__user=user_id, membership__workspace=workspace_id)
        shared = BatchMember.objects.filter(batch=models.OuterRef("event__batch"), generation__is_private=False)
        return mine.filter(
            Q(event__generation__is_private=False)
            | Q(event__generation__created_by=user_id)
            | Q(event__batch__created_by=user_id)
            | Q(models.Exists(shared), event__batch__is_private=False)
        )

    def unread(self) -> NoticeQuerySet:
        return self.filter(seen_at=None)

    def with_events(self) -> NoticeQuerySet:
        """Read along what lines are made of."""
        return self.select_related("event__generation__created_by", "event__batch__created_by")


class Notice(models.Model):
    """One person was told of one event. It goes with the membership, and with the event."""

    membership = models.ForeignKey(
        "accounts.Membership", on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="notices", db_index=False)
    seq = models.BigIntegerField()  # the workspace's, when it was told: an open page knows what it has not shown
    is_loud = models.BooleanField(default=True)  # worth more than the bell; a batch speaks for what belongs to it
    seen_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)  # when it is due by mail, or due again; None: never, or it was sent
    mail_claim = models.UUIDField(null=True)
    mail_try_count = models.PositiveSmallIntegerField(default=0)  # counted before each try

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "membership"], name="one_notice_per_event_and_person"),
        ]
        indexes = [
            # the page of news, and the newest of it
            models.Index(fields=["membership", "id"], name="notices_of_a_member"),
            # the bell's count
            models.Index(fields=["membership"], name="unread_notices", condition=Q(seen_at=None)),
            # what is due by mail
            models.Index(fields=["mail_at"], name="notices_to_mail", condition=Q(mail_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.membership_id}"


def next_mail_at(pace: MailPace, *, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Say when mail of this pace goes out next, for somebody in this time zone."""
    match pace:
        case MailPace.NEVER:
            return None
        case MailPace.AT_ONCE:
            return now
        case MailPace.HOURLY:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case MailPace.DAILY:
            local = now.astimezone(zone)
            morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
            return (morning if morning > local else morning + timedelta(days=1)).astimezone(UTC)
