"""The record: what was asked for, what came back, and what of it we keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.deletion import Collector
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lumaboard.generations import counters, remarks  # noqa: F401  register their tables
from lumaboard.generations.querysets import AssetQuerySet, GenerationQuerySet


class State(models.TextChoices):
    """Our four words; upstream's own word is kept beside them, and one we do not know counts as running."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Generating")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


SETTLED = (State.SUCCEEDED, State.FAILED)
PENDING = (State.QUEUED, State.RUNNING)
_IN_GALLERY = Q(trashed_at=None, is_private=False)
RANK = {State.QUEUED: 0, State.RUNNING: 1, State.SUCCEEDED: 2, State.FAILED: 2}


class CopyState(models.TextChoices):
    """How far our own copy is: of an asset, and on a generation of its raw file."""

    NONE = "none", _("Nothing to keep yet")
    WANTED = "wanted", _("Waiting")
    COPYING = "copying", _("Saving copy")
    ARCHIVED = "archived", _("Safe")
    LOST = "lost", _("Lost")


class Attention(models.TextChoices):
    """Why a person should look. Empty: nobody needs to."""

    NO_LINK = "no_link", _("Finished without a link")
    MISSING = "missing", _("Not found upstream")
    PARKED = "parked", _("No end after seven days")
    COPY_FAILED = "copy_failed", _("Copy keeps failing")
    LOST = "lost", _("File lost")
    KEY_REFUSED = "key_refused", _("Key refused")
    NOT_AN_API = "not_an_api", _("Not an API")
    UNKNOWN_ID = "unknown_id", _("Not found upstream yet")


class Act(models.TextChoices):
    """What a person did to a generation last; the words go before "by" and a name."""

    TRACKED = "track", _("Tracked")
    SUBMITTED = "submit", _("Submitted")
    RENAMED = "rename", _("Renamed")
    CHECKED = "check_now", _("Checked again")
    FETCHED = "fetch_again", _("Fetched again")
    TRASHED = "trash", _("Moved to trash")
    RESTORED = "restore", _("Brought back")
    MADE_PRIVATE = "make_private", _("Made private")
    MADE_SHARED = "make_shared", _("Shared with everyone")
    NOTED = "note", _("Note")
    LINKED = "link", _("Shared by link")


class FailureKind(models.TextChoices):
    MODERATION = "moderation", _("Stopped by moderation")
    INPUT = "input", _("Input not readable")
    TIMEOUT = "timeout", _("Took too long")
    PROVIDER = "provider", _("Failed at the provider")


def shared_work_stays(collector: Collector, field: Any, rows: Any, using: str) -> None:
    """When a person's account is deleted, shared work stays without an owner; private work goes with the only one who saw it."""
    models.CASCADE(collector, field, rows.filter(is_private=True), using)
    models.SET_NULL(collector, field, rows.filter(is_private=False), using)


# As on Django's own SET_NULL: else every row would be read to see whether there is one.
shared_work_stays.lazy_sub_objs = True  # type: ignore[attr-defined]


ACT_COLUMNS = ("acted_by", "act", "acted_at")


class Generation(models.Model):
    """One video (or image) asked of the provider.

    Private work (`is_private`) is its owner's alone: nobody else sees it, counts it or finds it, whatever the role.
    `rev` rises with every change and guards it; `seq` is the workspace's counter at the last change a viewer could see.
    What a card shows stands in this row, so that a gallery is one query.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="generations")
    connection = models.ForeignKey("connections.Connection", on_delete=models.PROTECT, related_name="generations")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=shared_work_stays, related_name="generations"
    )
    is_private = models.BooleanField(default=False)
    privacy_seq = models.BigIntegerField(null=True)  # `seq` when it was last made private or shared
    task_id = models.CharField(max_length=191)  # the id we ask with: text, never parsed as a UUID or a number
    reported_id = models.CharField(max_length=191, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)  # when we began to track it; of the past, when it was made
    rev = models.PositiveIntegerField(default=0)
    seq = models.BigIntegerField(default=0)

    # What was asked for
    title = models.CharField(max_length=200, blank=True, default="")  # given by a person
    prompt = models.TextField(blank=True, default="")
    model = models.CharField(max_length=80, blank=True, default="")
    aspect_ratio = models.CharField(max_length=20, blank=True, default="")
    resolution = models.CharField(max_length=20, blank=True, default="")
    request = models.JSONField(null=True)  # the provider's echo of it

    # Where it stands
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    upstream_state = models.CharField(max_length=60, blank=True, default="")
    failure_kind = models.CharField(max_length=12, choices=FailureKind.choices, blank=True, default="")
    failure_reason = models.TextField(blank=True, default="")
    attention = models.CharField(max_length=12, choices=Attention.choices, blank=True, default="")
    upstream_created_at = models.DateTimeField(null=True)
    running_at = models.DateTimeField(null=True)  # first seen running
    settled_at = models.DateTimeField(null=True)
    finalising_since = models.DateTimeField(null=True)  # succeeded upstream, but no link yet
    usual_low_s = models.PositiveIntegerField(null=True)  # learned range of the wait, in seconds
    usual_high_s = models.PositiveIntegerField(null=True)
    usual_p90_s = models.PositiveIntegerField(null=True)

    # When it is asked next, and what the last asking gave
    next_refresh_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)  # askings in a row that brought no answer we understood
    asked_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)  # start of the asking whose answer was applied last
    answer_digest = models.CharField(max_length=32, blank=True, default="")
    error_kind = models.CharField(max_length=30, blank=True, default="")
    error_text = models.CharField(max_length=400, blank=True, default="")
    not_found_count = models.PositiveIntegerField(default=0)
    not_found_since = models.DateTimeField(null=True)

    # Our copy, as far as a card shows it (the raw file's)
    copy_state = models.CharField(max_length=10, choices=CopyState.choices, default=CopyState.NONE)
    copy_error = models.CharField(max_length=400, blank=True, default="")
    copied_bytes = models.BigIntegerField(null=True)
    total_bytes = models.BigIntegerField(null=True)
    link_expires_at = models.DateTimeField(null=True)
    asked_for_fresh_link_at = models.DateTimeField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration_s = models.FloatField(null=True)
    has_poster = models.BooleanField(default=False)
    media_kind = models.CharField(max_length=5, default="video")  # or image

    trashed_at = models.DateTimeField(null=True)

    note_count = models.PositiveIntegerField(default=0)

    # Who acted last: a person, never the engine; empty where nobody has since this began to be noted
    acted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    act = models.CharField(max_length=12, choices=Act.choices, null=True)
    acted_at = models.DateTimeField(null=True)

    is_favourite: bool  # only where `with_star_of` was asked for it

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "task_id"], name="one_row_per_task_id"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="generations_have_a_known_state"),
            models.CheckConstraint(
                condition=Q(state__in=SETTLED, settled_at__isnull=False) | (~Q(state__in=SETTLED) & Q(settled_at=None)),
                name="settled_states_have_settled_at",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=SETTLED) | Q(next_refresh_at=None), name="settled_generations_are_not_due"
            ),
            models.CheckConstraint(
                condition=Q(is_private=False) | Q(created_by__isnull=False), name="private_work_has_an_owner"
            ),
        ]
        indexes = [
            # claim_due: the pending rows of each connection, by the time they are due
            models.Index(
                fields=["connection", "next_refresh_at", "id"], name="due_generations", condition=Q(state__in=PENDING)
            ),
            # the gallery, newest first, with and without a filter
            models.Index(F("workspace"), F("created_at").desc(), F("id").desc(), name="gallery", condition=_IN_GALLERY),
            models.Index(
                F("workspace"),
                F("state"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_by_state",
                condition=_IN_GALLERY,
            ),
            models.Index(
                F("workspace"),
                F("created_by"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_by_owner",
                condition=_IN_GALLERY,
            ),
            models.Index(
                F("workspace"),
                F("connection"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_by_connection",
                condition=_IN_GALLERY,
            ),
            models.Index(
                F("workspace"),
                F("model"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_by_model",
                condition=_IN_GALLERY,
            ),
            models.Index(
                F("workspace"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_needing_attention",
                condition=_IN_GALLERY & ~Q(attention=""),
            ),
            # the same of one's own private work, whatever the filter
            models.Index(
                F("created_by"),
                F("workspace"),
                F("created_at").desc(),
                F("id").desc(),
                name="gallery_of_private_work",
                condition=Q(is_private=True),
            ),
            models.Index(
                F("workspace"),
                F("trashed_at").desc(),
                F("id").desc(),
                name="trash",
                condition=Q(trashed_at__isnull=False),
            ),
            # the change feed: what changed after the page's cursor
            models.Index(fields=["workspace", "seq"], name="change_feed", condition=Q(is_private=False)),
            models.Index(fields=["created_by", "workspace", "seq"], name="private_feed", condition=Q(is_private=True)),
            models.Index(
                fields=["workspace", "privacy_seq"], name="privacy_feed", condition=Q(privacy_seq__isnull=False)
            ),
            # the custody panel: which copy is in danger first
            models.Index(
                fields=["workspace", "link_expires_at"],
                name="copies_at_risk",
                condition=Q(copy_state__in=("wanted", "copying"), trashed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.task_id

    @property
    def is_of_the_past(self) -> bool:
        """Whether it was brought in long after it was made: then, and only then, it bears upstream's date as its own."""
        return self.created_at == self.upstream_created_at

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    def note_act(self, act: Act, *, actor_id: int | None, at: datetime) -> None:
        """Set who acted last; the columns are `ACT_COLUMNS`, to be written in the statement of the act itself."""
        self.acted_by_id, self.act, self.acted_at = actor_id, act, at

    @property
    def private_to(self) -> int | None:
        """Who alone sees it; None where the workspace does."""
        return self.created_by_id if self.is_private else None


class RawAnswer(models.Model):
    """The provider's last document about a generation, as text; apart, because it would make the main table six times larger."""

    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, primary_key=True, related_name="raw_answer")
    body = models.TextField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"answer about {self.generation_id}"


class Cause(models.TextChoices):
    """What made a transition."""

    TRACKED = "tracked", _("Tracked")
    REFRESH = "refresh", _("Seen upstream")
    PERSON = "person", _("Asked for by a person")


class Transition(models.Model):
    """One observed change of state; numbered from 1 without gaps."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="transitions")
    number = models.PositiveIntegerField()
    from_state = models.CharField(max_length=10, choices=State.choices, blank=True)
    to_state = models.CharField(max_length=10, choices=State.choices)
    upstream_state = models.CharField(max_length=60, blank=True, default="")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "number"], name="transitions_are_numbered_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="transitions_are_numbered_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.generation_id} #{self.number}: {self.from_state or 'new'} to {self.to_state}"


class AssetRole(models.TextChoices):
    RAW = "raw", _("Raw")
    WATERMARKED = "watermarked", _("Watermarked")
    THUMBNAIL = "thumbnail", _("First frame")
    LAST_FRAME = "last_frame", _("Last frame")
    POSTER = "poster", _("Poster")
    CARD = "card", _("Card picture")
    SPRITE = "sprite", _("Scrub strip")
    PREVIEW = "preview", _("Marked preview")
    STILL = "still", _("Marked still")
    SOCIAL = "social", _("Chat preview")


UPSTREAM_ROLES = (AssetRole.RAW, AssetRole.WATERMARKED, AssetRole.THUMBNAIL, AssetRole.LAST_FRAME)


class Asset(models.Model):
    """One file of a generation, by role: copied from upstream, or made here from such a copy."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="assets")
    role = models.CharField(max_length=12, choices=AssetRole.choices)
    copy_state = models.CharField(max_length=10, choices=CopyState.choices, default=CopyState.WANTED)
    links = models.JSONField(default=list)  # [{"url": …, "expires_at": ISO or null}], the preferred one first
    expires_at = models.DateTimeField(null=True)  # of the preferred link, where known
    source = models.CharField(
        max_length=200, blank=True, default=""
    )  # which link it came from: host and path, no query

    next_copy_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)  # counted before the work starts
    failure_count = models.PositiveIntegerField(default=0)
    error_text = models.CharField(max_length=400, blank=True, default="")
    copied_bytes = models.BigIntegerField(null=True)
    total_bytes = models.BigIntegerField(null=True)

    sha256 = models.CharField(max_length=64, blank=True, default="")
    stored_name = models.CharField(max_length=200, blank=True, default="")
    content_type = models.CharField(max_length=40, blank=True, default="")
    size = models.BigIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration_s = models.FloatField(null=True)
    frame_rate = models.FloatField(null=True)
    archived_at = models.DateTimeField(null=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "role"], name="one_asset_per_role"),
            models.CheckConstraint(
                condition=~Q(copy_state="archived") | (~Q(sha256="") & ~Q(stored_name="") & Q(size__isnull=False)),
                name="archived_assets_name_their_file",
            ),
        ]
        indexes = [
            # claim_copies: soonest link expiry first
            models.Index(
                fields=["expires_at", "id"], name="due_copies", condition=Q(copy_state__in=("wanted", "copying"))
            ),
            models.Index(fields=["lease"], name="leased_assets", condition=~Q(lease="")),
            models.Index(fields=["sha256"], name="assets_by_content", condition=~Q(sha256="")),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.generation_id}"
