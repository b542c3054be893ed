"""What the pages show of webhooks and deliveries, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member
from lumaboard.core.http import whole_number
from lumaboard.generations.models import Generation
from lumaboard.generations.naming import name_of
from lumaboard.news.hooks.models import Delivery, DeliveryQuerySet, DeliveryState, Webhook, WhyPaused
from lumaboard.news.models import EventKind

PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a thing is, as a chip shows it."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One webhook."""

    webhook: Webhook
    format: str
    kinds: str
    standing: Standing
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a log of deliveries."""

    delivery: Delivery
    what: str
    about: str
    url: str
    standing: Standing
    is_under_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A page of deliveries, newest first; `older` is the `before` of the next, where there is one."""

    rows: Sequence[Row]
    older: int | None
    is_first: bool


def panels_of(member: Member) -> list[Panel]:
    """All webhooks of the workspace; one query."""
    return [
        panel_of(one) for one in Webhook.objects.present().filter(workspace=member.workspace).order_by("name", "pk")
    ]


def panel_of(webhook: Webhook) -> Panel:
    kinds = [str(kind.label) for kind in EventKind if kind in webhook.kinds]
    return Panel(
        webhook=webhook,
        format=webhook.get_format_display(),
        kinds=", ".join(kinds),
        standing=_standing_of(webhook),
        trouble=_trouble_of(webhook),
    )


def log_of(deliveries: DeliveryQuerySet, member: Member, *, before: str) -> Log:
    """A page of these deliveries, without what tells of others’ private work; one query."""
    rows: QuerySet[Delivery] = deliveries.visible_to(member.user.pk)
    place = whole_number(before)
    if place is not None:
        rows = rows.filter(pk__lt=place)
    related = ("webhook", "event__generation", "event__batch", "callback__generation")
    found = list(rows.select_related(*related).order_by("-pk")[: PAGE + 1])
    return Log(
        rows=[_row(delivery, member.workspace.slug) for delivery in found[:PAGE]],
        older=found[PAGE - 1].pk if len(found) > PAGE else None,
        is_first=place is None,
    )


def _standing_of(webhook: Webhook) -> Standing:
    if webhook.pause_reason == WhyPaused.PERSON:
        return Standing(word=_("Paused"), tone="queued", icon="pause")
    if webhook.pause_reason:
        return Standing(word=_("Paused"), tone="bad", icon="octagon-x")
    if webhook.failing_since is not None:
        return Standing(word=_("Failing"), tone="warn", icon="triangle-alert")
    if webhook.delivered_at is not None:
        return Standing(word=_("Works"), tone="good", icon="circle-check")
    return Standing(word=_("Not used yet"), tone="queued", icon="clock")


def _trouble_of(webhook: Webhook) -> str:
    match webhook.pause_reason:
        case WhyPaused.GONE:
            return _(
                "The receiver said that it is gone, so it was paused. What was waiting can be sent again from the log."
            )
        case WhyPaused.FAILING:
            return _(
                "Nothing arrived for days, so it was paused. Send a test, then resume it; what was waiting can be sent "
                "again from the log."
            )
        case WhyPaused.PERSON:
            return _("What happens while it is paused is not told later.")
    return _("The last tries failed. They are repeated for a day.") if webhook.failing_since else ""


def _row(delivery: Delivery, slug: str) -> Row:
    generation = _generation_of(delivery)
    return Row(
        delivery=delivery,
        what=_what(delivery),
        about=name_of(generation) if generation is not None else "",
        url=reverse("gallery:detail", args=[slug, generation.pk]) if generation is not None else "",
        standing=_standing_of_delivery(delivery),
        is_under_way=bool(delivery.lease),
    )


def _generation_of(delivery: Delivery) -> Generation | None:
    if delivery.callback is not None:
        return delivery.callback.generation
    return delivery.event.generation if delivery.event is not None else None


def _what(delivery: Delivery) -> str:
    if delivery.kind == Delivery.TEST:
        return _("Test")
    if delivery.kind == Delivery.CHANGE:
        return _("Change of state")
    return str(EventKind(delivery.kind).label)


def _standing_of_delivery(delivery: Delivery) -> Standing:
    if delivery.state == DeliveryState.DELIVERED:
        return Standing(word=_("Delivered"), tone="good", icon="circle-check")
    if delivery.state == DeliveryState.GIVEN_UP:
        return Standing(word=_("Given up"), tone="bad", icon="octagon-x")
    if delivery.lease:
        return Standing(word=_("Being sent"), tone="running", icon="refresh-cw")
    if delivery.attempts:
        return Standing(word=_("Trying again"), tone="warn", icon="clock")
    return Standing(word=_("Waiting"), tone="queued", icon="clock")
