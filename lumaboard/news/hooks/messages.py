"""What programs are told, in their words: written when it is sent, from the rows as they are then."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lumaboard.accounts.access import RIGHTS
from lumaboard.accounts.models import Membership, Workspace
from lumaboard.generations.models import UPSTREAM_ROLES, Asset, CopyState, Generation, RawAnswer, State
from lumaboard.generations.naming import name_of
from lumaboard.news.hooks.models import Callback, Delivery, Format, Webhook
from lumaboard.news.models import Batch, Event, EventKind

_LONGEST_LINE: Final = 240  # of words that people wrote, in a chat
_COLOURS: Final = {
    EventKind.SUCCEEDED: 0x2FA36B,
    EventKind.BATCH_DONE: 0x2FA36B,
    EventKind.FAILED: 0xD64545,
    EventKind.LOST: 0xD64545,
    EventKind.AT_RISK: 0xC98A1B,
}
_NO_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_DISCORDS_SIGNS: Final = re.compile(r"([\\*_~`|>#\[\]()<:\-])")


def body_of(delivery: Delivery) -> bytes | None:
    """Write what this delivery says; None where there is nothing that its target may be told (any more).

    Needs its webhook or callback, its workspace and its event read along.
    """
    if delivery.callback is not None:
        return _providers_document(delivery.callback)
    webhook, event = delivery.webhook, delivery.event
    assert webhook is not None  # a constraint says so
    if event is None:
        return _written(_test(webhook, delivery))
    if event.private_to is not None or (event.batch is not None and not _seen_of(event.batch).exists()):
        return None
    match webhook.format:
        case Format.SLACK:
            return _written(_for_slack(_headline(event), _page_of(event)))
        case Format.DISCORD:
            return _written(_for_discord(_headline(event), _page_of(event), colour=_COLOURS[EventKind(event.kind)]))
    return _written(_for_programs(event))


def _providers_document(callback: Callback) -> bytes | None:
    """Give what the provider said last when it was asked: never what somebody posted to a hook of ours.

    It is for whoever asked to be called, as long as they may see it: not after they left, nor where it is somebody else's
    and private.
    """
    members = Membership.objects.filter(
        workspace=callback.workspace_id,
        user=callback.created_by_id,
        user__is_active=True,
        role__in=RIGHTS["see_raw_answer"],
    )
    row = RawAnswer.objects.filter(generation=callback.generation_id).select_related("generation").first()
    if row is None or row.generation.private_to not in (None, callback.created_by_id) or not members.exists():
        return None
    return row.body.encode()


def _for_programs(event: Event) -> dict[str, Any]:
    about = event.generation
    return {
        "id": str(event.uid),
        "kind": event.kind,
        "time": event.at.isoformat(),
        "is_test": False,
        "workspace": _workspace(event.workspace),
        "generation": _generation(about, event.workspace) if about is not None else None,
        "batch": _batch(event.batch) if event.batch is not None else None,
    }


def _workspace(workspace: Workspace) -> dict[str, str]:
    return {"name": workspace.name, "slug": workspace.slug}


def _generation(row: Generation, workspace: Workspace) -> dict[str, Any]:
    is_failed = row.state == State.FAILED
    kept = row.assets.filter(role__in=UPSTREAM_ROLES, copy_state=CopyState.ARCHIVED).order_by("pk")
    return {
        "id": row.pk,
        "task_id": row.task_id,
        "title": row.title,
        "prompt": row.prompt,
        "model": row.model,
        "state": row.state,
        "failure": {"kind": row.failure_kind, "reason": row.failure_reason} if is_failed else None,
        "copy_state": row.copy_state,
        "page": _absolute("gallery:detail", workspace.slug, row.pk),
        "files": [_file(asset) for asset in kept],
    }


def _file(asset: Asset) -> dict[str, Any]:
    """An address of the API, which asks for a token: what is passed on to anybody opens nothing."""
    return {
        "role": asset.role,
        "content_type": asset.content_type,
        "size": asset.size,
        "sha256": asset.sha256,
        "url": _absolute("api:asset_file", asset.generation_id, asset.role),
    }


def _batch(batch: Batch) -> dict[str, Any]:
    return {"id": str(batch.uid), **_counts(batch)}


def _counts(batch: Batch) -> dict[str, int]:
    states = Counter(_seen_of(batch).values_list("state", flat=True))
    return {
        "generation_count": states.total(),
        "succeeded_count": states[State.SUCCEEDED],
        "failed_count": states[State.FAILED],
    }


def _seen_of(batch: Batch) -> QuerySet[Generation]:
    """What the batch holds and nobody keeps private, as it may have become since."""
    return Generation.objects.filter(batch_member__batch=batch, is_private=False)


def _headline(event: Event) -> tuple[str, str]:
    """What happened, and to what: two lines of plain words."""
    word = str(EventKind(event.kind).label)
    if event.generation is not None:
        row = event.generation
        why = f" ({row.failure_reason})" if event.kind == EventKind.FAILED and row.failure_reason else ""
        return f"{word}: {_one_line(name_of(row))}", _one_line(f"{row.model}{why}".strip())
    assert event.batch is not None
    counts = _counts(event.batch)
    ready, failed, total = counts["succeeded_count"], counts["failed_count"], counts["generation_count"]
    many = ngettext("%(total)d generation", "%(total)d generations", total) % {"total": total}
    return f"{word}: {many}", _("%(ready)d ready, %(failed)d failed") % {"ready": ready, "failed": failed}


def _page_of(event: Event) -> str:
    slug = event.workspace.slug
    if event.generation_id is None:
        return _absolute("gallery:index", slug)
    return _absolute("gallery:detail", slug, event.generation_id)


def _test(webhook: Webhook, delivery: Delivery) -> dict[str, Any]:
    """Say that this is a test, in the format of whoever gets it."""
    page = _absolute("webhooks:index", delivery.workspace.slug)
    lines = (
        _("Test: this webhook works"),
        _("Nothing happened; somebody in %(workspace)s pressed “Send a test”.")
        % {"workspace": _one_line(delivery.workspace.name)},
    )
    match webhook.format:
        case Format.SLACK:
            return _for_slack(lines, page)
        case Format.DISCORD:
            return _for_discord(lines, page, colour=0x7C5CFF)
    return {
        "id": str(delivery.uid),
        "kind": Delivery.TEST,
        "time": delivery.created_at.isoformat(),
        "is_test": True,
        "workspace": _workspace(delivery.workspace),
        "generation": None,
        "batch": None,
    }


def _for_slack(lines: tuple[str, str], page: str) -> dict[str, Any]:
    """Words that people wrote stand in plain text alone, where Slack reads neither mentions nor markup."""
    text = "\n".join(line for line in lines if line)
    return {
        "text": text.translate(_NO_MARKUP),  # of notifications
        "unfurl_links": False,
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{page}|{_('Open in Lumaboard')}>"}]},
        ],
    }


def _for_discord(lines: tuple[str, str], page: str, *, colour: int) -> dict[str, Any]:
    title, description = (_DISCORDS_SIGNS.sub(r"\\\1", line).replace("@", "@\u200b") for line in lines)
    return {
        "embeds": [{"title": title[:256], "description": description, "url": page, "color": colour}],
        "allowed_mentions": {"parse": []},
    }


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1].rstrip()}…"


def _absolute(name: str, *args: object) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
