"""Links that let outsiders watch, and what a workspace demands of them."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SHORTEST_SLUG, LONGEST_SLUG = 3, 40  # a token has 43 letters, so no slug is ever taken for one

is_slug = RegexValidator(rf"^(?=.{{{SHORTEST_SLUG},}}$)[a-z0-9]+(?:-[a-z0-9]+)*\Z")


class Download(models.TextChoices):
    """What guests of a link may take with them; each allows what stands before it."""

    NOTHING = "nothing", _("Nothing")
    WATERMARKED = "watermarked", _("Watermarked")
    RAW = "raw", _("Raw")


DOWNLOAD_RANK = {Download.NOTHING: 0, Download.WATERMARKED: 1, Download.RAW: 2}


def live_at(now: datetime) -> Q:
    """Neither revoked nor over its time. One whose views are used up is live: whoever is in stays in."""
    return (Q(expires_at=None) | Q(expires_at__gt=now)) & Q(revoked_at=None)


def open_at(now: datetime) -> Q:
    """Live, and it still lets somebody new in: a grant that outsiders hold."""
    return live_at(now) & (Q(view_limit=None) | Q(view_count__lt=F("view_limit")))


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def in_workspace(self, workspace_id: int) -> ShareLinkQuerySet:
        return self.filter(workspace_id=workspace_id)

    def live(self, now: datetime) -> ShareLinkQuerySet:
        return self.filter(live_at(now))

    def open(self, now: datetime) -> ShareLinkQuerySet:
        return self.filter(open_at(now))


class ShareLink(models.Model):
    """An unguessable address that shows chosen generations to outsiders until it expires or is revoked.

    The token's hash finds the link; the token itself is kept sealed, so that members can copy the address again. `version`
    is bound into what lets a guest in, so raising it sends everybody back to the door.
    """

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="share_links")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="share_links"
    )
    created_at = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=120, blank=True, default="")
    token_hash = models.CharField(max_length=64, unique=True)
    token_box = models.BinaryField()
    slug = models.CharField(
        max_length=LONGEST_SLUG,
        null=True,
        validators=[is_slug],
    )

    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    password = models.CharField(max_length=128, blank=True, default="")  # hashed as Django hashes people's
    version = models.PositiveIntegerField(default=1)
    view_limit = models.PositiveIntegerField(null=True)
    download = models.CharField(max_length=11, choices=Download.choices, default=Download.NOTHING)
    shows_details = models.BooleanField(default=False)  # prompts, titles and parameters

    last_number = models.PositiveIntegerField(default=0)  # the highest number an item was given
    view_count = models.PositiveIntegerField(default=0)
    download_count = models.PositiveIntegerField(default=0)
    viewed_at = models.DateTimeField(null=True)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="one_link_per_slug"),
            models.CheckConstraint(condition=Q(slug=None) | Q(slug=Lower("slug")), name="slugs_are_lower_case"),
            models.CheckConstraint(
                condition=Q(slug=None) | ~Q(password=""), name="links_that_can_be_guessed_have_a_password"
            ),
            models.CheckConstraint(
                condition=Q(view_limit=None) | Q(view_limit__gte=1), name="view_limits_are_at_least_one"
            ),
            models.CheckConstraint(condition=Q(download__in=Download.values), name="links_have_a_known_download"),
        ]
        indexes = [
            # the table of links, newest first: of the workspace, and of one person
            models.Index(F("workspace"), F("created_at").desc(), F("id").desc(), name="links_of_a_workspace"),
            models.Index(
                F("workspace"), F("created_by"), F("created_at").desc(), F("id").desc(), name="links_of_a_person"
            ),
            # the number beside "Share links" on every page
            models.Index(fields=["workspace", "expires_at"], name="links_in_force", condition=Q(revoked_at=None)),
        ]

    def __str__(self) -> str:
        return self.name or f"link {self.pk}"

    @property
    def has_password(self) -> bool:
        return bool(self.password)

    def is_over(self, now: datetime) -> bool:
        """Whether its time has come."""
        return self.expires_at is not None and self.expires_at <= now

    def is_open(self, now: datetime) -> bool:
        """Whether it still lets somebody new in."""
        return self.revoked_at is None and not self.is_over(now) and not self.is_used_up

    @property
    def is_used_up(self) -> bool:
        """Whether nobody new is let in, because all views are spent."""
        return self.view_limit is not None and self.view_count >= self.view_limit


class ShareItem(models.Model):
    """One generation behind a link; guests know it by its number, which is never given twice."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="items")
    generation = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="share_items")
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "generation"], name="a_link_shows_a_generation_once"),
            models.UniqueConstraint(fields=["link", "number"], name="items_of_a_link_are_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"item {self.number} of link {self.link_id}"


class UnlockTry(models.Model):
    """One try at a link's password that was not right, or is just being checked; counted for an hour."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="+")
    address_hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["link", "at"], name="tries_at_a_link")]

    def __str__(self) -> str:
        return f"try at link {self.link_id}"


class SharePolicy(models.Model):
    """What a workspace demands of its links, and how their pages look. A workspace without a row demands nothing."""

    workspace = models.OneToOneField(
        "accounts.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="share_policy"
    )
    most_days = models.PositiveSmallIntegerField(null=True)  # a link may live no longer; None: for ever
    needs_password = models.BooleanField(default=False)
    most_download = models.CharField(max_length=11, choices=Download.choices, default=Download.RAW)
    embed_sites = models.JSONField(default=list)  # origins that may show our pages in a frame: "https://example.com"
    accent = models.CharField(max_length=7, blank=True, default="")  # "#rrggbb"

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(most_days=None) | Q(most_days__gte=1), name="links_may_live_at_least_a_day"
            ),
            models.CheckConstraint(
                condition=Q(most_download__in=Download.values), name="policies_have_a_known_download"
            ),
        ]

    def __str__(self) -> str:
        return f"policy of {self.workspace_id}"


class Logo(models.Model):
    """A workspace's mark on its share pages: a small picture drawn anew by us, kept in the row."""

    workspace = models.OneToOneField(
        "accounts.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="logo"
    )
    png = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"logo of {self.workspace_id}"
