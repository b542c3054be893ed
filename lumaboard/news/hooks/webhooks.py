"""Change a workspace's webhooks; each act and its audit row are one transaction, and only a test goes over the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from lumaboard.accounts.access import Member, lock_people
from lumaboard.audit.operations import record
from lumaboard.core.queue import enqueue
from lumaboard.news.hooks import sealed
from lumaboard.news.hooks.claims import claim_new
from lumaboard.news.hooks.delivering import deliver
from lumaboard.news.hooks.models import CallbackSecret, Delivery, DeliveryState, Format, Webhook, WhyPaused
from lumaboard.news.hooks.outcomes import Result
from lumaboard.news.models import Event

JOB: Final = "lumaboard.news.jobs.deliver"
MOST: Final = 50
"""So many webhooks a workspace may have: each event is written down and sent once for each."""

_WELL: Final[dict[str, Any]] = {
    "pause_reason": "",
    "paused_at": None,
    "failure_count": 0,
    "failing_since": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A webhook with its new signing secret: it is stored sealed, and this is the only time it is shown."""

    webhook: Webhook
    secret: str


class TooMany(Exception):
    """The workspace has as many webhooks as it may."""


def tell(events: Sequence[Event], now: datetime) -> None:
    """Write down which webhooks these events concern; private work concerns none."""
    shared = [event for event in events if event.private_to is None]
    if not shared:
        return
    listening = Webhook.objects.listening().filter(workspace__in={event.workspace_id for event in shared})
    rows = [
        Delivery(
            workspace_id=event.workspace_id,
            webhook=webhook,
            event=event,
            kind=event.kind,
            uid=event.uid,
            host=webhook.url_host,
            created_at=now,
            begun_at=now,
            next_try_at=now,
        )
        for webhook in listening.order_by("pk")
        for event in shared
        if event.workspace_id == webhook.workspace_id and event.kind in webhook.kinds
    ]
    if rows:
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        enqueue(JOB)


def add(member: Member, *, name: str, format: str, kinds: Sequence[str], url: str, now: datetime) -> Made:
    """Tell an address from now on. Raises `TooMany`."""
    with transaction.atomic():
        lock_people(member.workspace.pk)  # of two who add at once, the second counts the first
        if Webhook.objects.present().filter(workspace=member.workspace).count() >= MOST:
            raise TooMany
        kept, secret = _sealed(member.workspace.pk, format, url)
        webhook = Webhook.objects.create(
            workspace=member.workspace,
            name=name,
            format=format,
            kinds=list(kinds),
            created_by=member.user,
            created_at=now,
            listening_since=now,
            **kept,
        )
        _note(member, webhook, "webhook.added", format=format, host=webhook.url_host)
    return Made(webhook=webhook, secret=secret)


def change(member: Member, webhook: Webhook, *, name: str, kinds: Sequence[str], url: str, now: datetime) -> Made:
    """Change name, kinds and, where one is given, the address; with another address comes another secret."""
    changes: dict[str, Any] = {"name": name, "kinds": list(kinds), "listening_since": now}
    secret, detail = "", {}
    if url:
        kept, secret = _sealed(webhook.workspace_id, webhook.format, url)
        changes |= kept
        detail["host"] = kept["url_host"]
    with transaction.atomic():
        if _present(member, webhook).update(**changes):
            if url:
                webhook.deliveries.filter(state=DeliveryState.WAITING).update(host=changes["url_host"])
            _note(member, webhook, "webhook.changed", **detail)
    webhook.refresh_from_db()
    return Made(webhook=webhook, secret=secret)


def rotate(member: Member, webhook: Webhook) -> Made:
    """Sign with another secret from now on."""
    secret = sealed.new_secret()
    box = sealed.seal_secret(secret, workspace_id=webhook.workspace_id, host=webhook.url_host)
    with transaction.atomic():
        if _present(member, webhook).filter(format=Format.JSON).update(secret_box=box):
            _note(member, webhook, "webhook.secret_replaced")
    webhook.refresh_from_db()
    return Made(webhook=webhook, secret=secret)


def rotate_callback_secret(member: Member) -> str:
    """Sign the workspace's callbacks with another secret from now on, and give it."""
    secret = sealed.new_secret()
    box = sealed.seal_callback_secret(secret, workspace_id=member.workspace.pk)
    with transaction.atomic():
        CallbackSecret.objects.update_or_create(workspace=member.workspace, defaults={"secret_box": box})
        record("callbacks.secret_replaced", workspace_id=member.workspace.pk, actor_id=member.user.pk)
    return secret


def pause(member: Member, webhook: Webhook, *, now: datetime) -> None:
    """Tell it nothing until somebody resumes it; what happens meanwhile is not made up for."""
    with transaction.atomic():
        changes = {"pause_reason": WhyPaused.PERSON, "paused_at": now}
        if _present(member, webhook).filter(pause_reason="").update(**changes):
            _note(member, webhook, "webhook.paused")


def resume(member: Member, webhook: Webhook, *, now: datetime) -> None:
    """Tell it again, whoever or whatever paused it; what was waiting then goes at once."""
    with transaction.atomic():
        paused = _present(member, webhook).exclude(pause_reason="")
        if paused.update(**_WELL, listening_since=now):
            webhook.deliveries.filter(state=DeliveryState.WAITING).update(next_try_at=now)
            _note(member, webhook, "webhook.resumed")
            enqueue(JOB)


def remove(member: Member, webhook: Webhook, *, now: datetime) -> None:
    """Forget address, secret and log. There is no way back."""
    with transaction.atomic():
        if _present(member, webhook).update(url_box=b"", secret_box=b"", url_tail="", removed_at=now):
            webhook.deliveries.all().delete()
            _note(member, webhook, "webhook.removed")


def send_test(member: Member, webhook: Webhook, *, clock: Callable[[], datetime] = timezone.now) -> Result:
    """Send a message that says it is a test, once, and give what came of it; call it outside of any transaction."""
    now = clock()
    with transaction.atomic():
        delivery = Delivery.objects.create(
            workspace=member.workspace,
            webhook=webhook,
            kind=Delivery.TEST,
            host=webhook.url_host,
            created_at=now,
            begun_at=now,
            next_try_at=now,
        )
        claim = claim_new(delivery, now=now)
        _note(member, webhook, "webhook.tested")
    return deliver(claim, clock=clock, is_last=True)


def replay(member: Member, delivery: Delivery, *, now: datetime) -> bool:
    """Have a delivery tried again at once, under the same id; False where it is just being sent."""
    with transaction.atomic():
        rows = Delivery.objects.filter(pk=delivery.pk, workspace=member.workspace, lease="")
        is_ours = rows.update(
            state=DeliveryState.WAITING, next_try_at=now, begun_at=now, attempts=0, error_text="", answer_status=None
        )
        if is_ours:
            target = delivery.webhook or delivery.callback
            record(
                "webhook.replayed",
                workspace_id=member.workspace.pk,
                actor_id=member.user.pk,
                target=target,
                name=delivery.webhook.name if delivery.webhook else delivery.host,
            )
            enqueue(JOB)
    return bool(is_ours)


def _present(member: Member, webhook: Webhook) -> Any:
    return Webhook.objects.present().filter(pk=webhook.pk, workspace=member.workspace)


def _note(member: Member, webhook: Webhook, verb: str, **detail: str) -> None:
    detail = {"name": webhook.name, **detail}
    record(verb, workspace_id=member.workspace.pk, actor_id=member.user.pk, target=webhook, **detail)


def _sealed(workspace_id: int, format: str, url: str) -> tuple[dict[str, Any], str]:
    """Give the columns of an address and of a new secret that is bound to its host, and the secret."""
    parts = urlsplit(url)
    host = parts.netloc
    secret = sealed.new_secret() if format == Format.JSON else ""
    box = sealed.seal_secret(secret, workspace_id=workspace_id, host=host) if secret else b""
    path = parts.path.rstrip("/")
    return {
        "url_box": sealed.seal_url(url, workspace_id=workspace_id),
        "url_host": host,
        "url_tail": path[-4:] if len(path) >= 12 else "",
        "secret_box": box,
    }, secret
