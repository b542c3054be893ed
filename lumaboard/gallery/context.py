"""The shell around every page of a workspace: navigation with counts, custody, person, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, FilteredRelation, OuterRef, Q, Subquery, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Workspace
from lumaboard.core.undo import Undo, take_offer
from lumaboard.generations.counters import Beat
from lumaboard.generations.counts import PRESENT, Bucket, summed
from lumaboard.generations.models import Generation
from lumaboard.generations.querysets import IsToCopy
from lumaboard.news import notices
from lumaboard.news.lines import Line
from lumaboard.news.models import Preference
from lumaboard.sharing.models import ShareLink
from lumaboard.submission.models import Intent

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKER_SILENCE = timedelta(seconds=30)
"""A worker that has not beaten for so long is not running, whatever its process says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    name: str
    short_name: str
    url: str
    icon: str
    count: int | None
    is_current: bool
    is_warning: bool = False
    is_in_bar: bool = True  # on phones, in the bar at the bottom; else behind "More"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    name: str
    slug: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyPanel:
    safe_count: int
    share: float | None
    at_risk_count: int
    first_ends_at: datetime | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    title: str
    text: str
    action: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    counts: dict[Bucket, int]
    first_ends_at: datetime | None
    beaten_at: datetime | None
    link_count: int  # open share links, where whoever looks may share
    lost_count: int  # requests whose outcome nobody knows, where whoever looks may submit
    unread_count: int
    shows_toasts: bool
    notifies: bool


_ASIDE = (
    "first_ends_at",
    "beaten_at",
    "link_count",
    "lost_count",
    "unread_count",
    "shows_toasts",
    "notifies",
)
"""What is read beside the counts, and is the same in each of their rows."""


class Shell:
    """What `app.html` reads; each part is read from the database when it is first shown. Two queries in all."""

    def __init__(self, request: HttpRequest, member: Member) -> None:
        self._request = request
        self._member = member
        self.person = member.user
        self.can_track = member.may("track")
        self.can_submit = member.may("submit")
        self.can_share = member.may("share")
        self.search = request.GET.get("q", "")[:200]
        self.state: str | None = None  # the gallery's state filter; None on other pages
        slug = {"workspace": member.workspace.slug}
        self.workspace = Link(
            name=member.workspace.name, slug=member.workspace.slug, url=reverse("gallery:index", kwargs=slug)
        )
        self.track_url = reverse("gallery:track", kwargs=slug)
        self.new_url = reverse("gallery:new", kwargs=slug)
        self.activity_url = reverse("gallery:activity", kwargs=slug)
        self.trash_url = reverse("gallery:trash", kwargs=slug)
        self.links_url = reverse("sharing:links", kwargs=slug)
        self.lost_url = reverse("submission:unsettled", kwargs=slug)
        self.news_url = reverse("news:index", kwargs=slug)
        self.settings_url = reverse("general" if member.may("manage_workspace") else "profile", kwargs=slug)
        self.profile_url = reverse("profile", kwargs=slug)
        self.sign_out_url = reverse("account_logout")

    @cached_property
    def counts(self) -> dict[Bucket, int]:
        return self._read.counts

    @cached_property
    def _read(self) -> _Read:
        """Counts of what this person sees, the first link to end, the worker's last sign of life and news, in one query."""
        workspace_id, user_id = self._member.workspace.pk, self._member.user.pk
        seen = FilteredRelation("counts", condition=Q(counts__owner=None) | Q(counts__owner=user_id))
        at_risk = (
            Generation.objects.visible_to(user_id)
            .filter(
                IsToCopy("copy_state"),
                workspace=OuterRef("pk"),
                trashed_at=None,
                link_expires_at__gt=timezone.now(),
            )
            .order_by("link_expires_at")
            .values("link_expires_at")[:1]
        )
        open_links = ShareLink.objects.filter(workspace=OuterRef("pk")).open(timezone.now())
        link_count = Subquery(open_links.values("workspace").annotate(total=Count("pk")).values("total"))
        lost = Intent.objects.filter(workspace=OuterRef("pk")).visible_to(user_id).unsettled(now=timezone.now())
        lost_count = Subquery(lost.values("workspace").annotate(total=Count("pk")).values("total"))
        chosen = Preference.objects.filter(membership__user=user_id, membership__workspace=workspace_id)
        rows = list(
            Workspace.objects.filter(pk=workspace_id)
            .annotate(seen=seen, first_ends_at=Subquery(at_risk), beaten_at=last_beat())
            .annotate(link_count=link_count if self.can_share else Value(0))
            .annotate(lost_count=lost_count if self._member.may("submit") else Value(0))
            .annotate(unread_count=notices.unread_count(user_id=user_id, workspace_id=workspace_id))
            .annotate(
                shows_toasts=Subquery(chosen.values("shows_toasts")), notifies=Subquery(chosen.values("notifies"))
            )
            .values_list("seen__bucket", "seen__total", *_ASIDE)
        )
        aside = dict(zip(_ASIDE, rows[0][2:], strict=True))
        unchosen = Preference()
        return _Read(
            counts=summed((bucket, total) for bucket, total, *_rest in rows if bucket),
            first_ends_at=aside["first_ends_at"],
            beaten_at=aside["beaten_at"],
            link_count=aside["link_count"] or 0,
            lost_count=aside["lost_count"] or 0,
            unread_count=aside["unread_count"],
            shows_toasts=unchosen.shows_toasts if aside["shows_toasts"] is None else aside["shows_toasts"],
            notifies=unchosen.notifies if aside["notifies"] is None else aside["notifies"],
        )

    @cached_property
    def workspaces(self) -> Sequence[Link]:
        """The workspaces this person may switch to."""
        memberships = self._member.user.memberships.select_related("workspace").order_by("workspace__name", "id")
        return [
            Link(name=m.workspace.name, slug=m.workspace.slug, url=reverse("gallery:index", args=[m.workspace.slug]))
            for m in memberships
        ]

    @property
    def lost_count(self) -> int:
        """How many requests there are whose outcome nobody knows."""
        return self._read.lost_count

    @property
    def unread_count(self) -> int:
        """How much news this person has not read; one more than are counted stands for any more."""
        return self._read.unread_count

    @property
    def unread_text(self) -> str:
        """The same as the bell says it."""
        return f"{notices.MOST_COUNTED}+" if self.unread_count > notices.MOST_COUNTED else str(self.unread_count)

    @property
    def notifies(self) -> bool:
        """Whether this person wants to hear of news from their browser."""
        return self._read.notifies

    def toasts_since(self, seq: int) -> Sequence[Line]:
        """What this page should say of the person's own work, since it was brought up to this number of the workspace.

        A query only where something is unread.
        """
        if not self.unread_count or not self._read.shows_toasts:
            return []
        return notices.own_since(
            seq,
            user_id=self._member.user.pk,
            workspace_id=self._member.workspace.pk,
            workspace_slug=self._member.workspace.slug,
        )

    @property
    def total(self) -> int:
        return sum(self.counts[bucket] for bucket in PRESENT)

    @property
    def pending_count(self) -> int:
        return self.counts[Bucket.QUEUED] + self.counts[Bucket.RUNNING]

    @property
    def is_moving(self) -> bool:
        """Whether anything will change soon, so that the page should ask more often."""
        return bool(self.pending_count or self.counts[Bucket.SAVING])

    @cached_property
    def nav(self) -> Sequence[NavItem]:
        url, state = self.workspace.url, self.state
        links = NavItem(
            name=_("Share links"),
            short_name=_("Links"),
            url=self.links_url,
            icon="link",
            count=self._read.link_count,
            is_current=self._request.path.startswith(self.links_url),
            is_in_bar=False,
        )
        return [
            NavItem(
                name=_("Gallery"),
                short_name=_("Gallery"),
                url=url,
                icon="layout-grid",
                count=self.total,
                is_current=state is not None and state not in ("in-progress", "attention"),
            ),
            NavItem(
                name=_("In progress"),
                short_name=_("Running"),
                url=f"{url}?state=in-progress",
                icon="running",
                count=self.pending_count,
                is_current=state == "in-progress",
            ),
            NavItem(
                name=_("Needs attention"),
                short_name=_("Attention"),
                url=f"{url}?state=attention",
                icon="triangle-alert",
                count=self.counts[Bucket.ATTENTION] + self.lost_count,
                is_current=state == "attention",
                is_warning=True,
            ),
            *([links] if self.can_share else []),
        ]

    @cached_property
    def custody(self) -> CustodyPanel:
        safe, saving = self.counts[Bucket.SAFE], self.counts[Bucket.SAVING]
        made = self.counts[Bucket.READY] + saving
        return CustodyPanel(
            safe_count=safe,
            share=round(1000 * safe / made) / 10 if made else None,
            at_risk_count=saving,
            first_ends_at=self._read.first_ends_at,
            url=f"{self.workspace.url}?state=saving",
        )

    @cached_property
    def banner(self) -> Banner | None:
        """Say so when nobody watches: the page never pretends."""
        if is_beating(self._read.beaten_at):
            return None
        return Banner(
            title=pgettext("banner", "The worker is not running."),
            text=_("Nothing is asked or saved until it runs again. Nothing that is here is lost."),
        )

    @cached_property
    def undo(self) -> Undo | None:
        """What can be undone, once: shown on the first page after the act."""
        return take_offer(self._request)


def last_beat() -> Subquery:
    """The worker's last sign of life, as an expression for any query."""
    return Subquery(Beat.objects.filter(name="tick").values("beaten_at")[:1])


def is_beating(beaten_at: datetime | None) -> bool:
    """Whether the worker gave a sign of life lately."""
    return beaten_at is not None and timezone.now() - beaten_at <= WORKER_SILENCE


def shell(request: HttpRequest) -> dict[str, object]:
    """Give `shell` to templates where the request is a member's; costs nothing until a template reads it."""
    member = getattr(request, "member", None)
    if not isinstance(member, Member):
        return {}
    return {"shell": SimpleLazyObject(lambda: shell_of(request, member))}


def shell_of(request: HttpRequest, member: Member) -> Shell:
    """The shell of this request, made once."""
    made = getattr(request, "_shell", None)
    if not isinstance(made, Shell):
        made = Shell(request, member)
        request._shell = made  # type: ignore[attr-defined]  # kept where Django keeps its own, such as _messages
    return made
