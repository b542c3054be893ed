"""What people do about copies: fetch again, take with them, and have the files made that outsiders may see."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from lumaboard.accounts.models import User, Workspace
from lumaboard.archive import custody, viewing
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.operations import record
from lumaboard.core.queue import enqueue
from lumaboard.generations.models import Act, Asset, AssetRole, CopyState, Generation, State

ONE_DOWNLOAD: Final = timedelta(hours=1)
"""So long whatever somebody fetches of one file counts as one download: resumed, in ranges at once, or all of it again."""


def fetch_again(generation: Generation, *, actor_id: int, now: datetime) -> int:
    """Try anew every file of this generation that is not safe; returns how many there are.

    Lost, failing and parked copies start from nothing: their failures are forgotten, and where the links have died the
    generation is asked for fresh ones again, however lately that was done. A copy under way is left alone. Who may is
    asked by the view.
    """
    with custody.changing(generation.pk, generation.workspace_id) as row:
        waiting = Asset.objects.filter(generation=row).filter(
            Q(copy_state__in=(CopyState.WANTED, CopyState.LOST))
            | Q(copy_state=CopyState.COPYING, next_copy_at__lte=now)
        )
        pks = list(waiting.values_list("pk", flat=True))
        count = waiting.update(
            copy_state=CopyState.WANTED, next_copy_at=now, lease="", attempts=0, failure_count=0, error_text=""
        )
        if any(custody.is_main(asset) for asset in Asset.objects.filter(pk__in=pks)):
            row.copy_state, row.copy_error = CopyState.WANTED, ""
            row.copied_bytes = row.total_bytes = None
        if row.attention in custody.COPY_TROUBLES:
            row.attention = ""
        row.asked_for_fresh_link_at = None
        row.note_act(Act.FETCHED, actor_id=actor_id, at=now)
        record(
            "fetch_again",
            workspace_id=row.workspace_id,
            actor_id=actor_id,
            target=row,
            file_count=count,
        )
        enqueue("lumaboard.archive.jobs.copy_due", cluster="archive")
    generation.refresh_from_db()
    return count


def note_download(asset: Asset, *, actor_id: int, now: datetime) -> None:
    """Record who takes a file with them, once an hour for each person and file.

    Counting only requests for the first byte would keep resumed downloads apart from new ones as well, and would miss
    whoever begins at the second.
    """
    if _is_noted(asset, actor_id=actor_id, now=now):
        return
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor_id)  # of ranges fetched at once, the first is noted
        if not _is_noted(asset, actor_id=actor_id, now=now):
            film = asset.generation
            record("download", workspace_id=film.workspace_id, actor_id=actor_id, target=film, role=asset.role)


def _is_noted(asset: Asset, *, actor_id: int, now: datetime) -> bool:
    about = AuditEvent.objects.filter(target_kind="generation", target_id=str(asset.generation_id), verb="download")
    return about.filter(actor=actor_id, detail__role=asset.role, at__gt=now - ONE_DOWNLOAD).exists()


def want_preview(generation_ids: Collection[int], *, now: datetime) -> None:
    """Have previews made for those of these generations that upstream gave no marked film of.

    Safe to repeat: what is made, or on its way, is left alone; what could not be made, or was parked, is begun anew, so call
    it from acts and not from views of pages. Where the film is not safe yet, or the generation not even settled, its
    preview is made once it is. Which generations, and who may, is asked by the caller. Four queries.
    """
    with transaction.atomic():
        pks = _locked(generation_ids)
        files = viewing.files_of(pks)
        ready = {pk for pk in pks if viewing.preview_source(files.get(pk, {})) is not None}
        missing = [
            pk
            for pk in pks
            if AssetRole.PREVIEW not in files.get(pk, {}) and not viewing.has_marked_film(files.get(pk, {}))
        ]
        Asset.objects.bulk_create(
            Asset(generation_id=pk, role=AssetRole.PREVIEW, next_copy_at=now if pk in ready else None) for pk in missing
        )
        _begin_anew(ready, AssetRole.PREVIEW, now=now)


def want_social(generation_ids: Collection[int], *, now: datetime) -> None:
    """Have the marked still and the picture for chats made where there is a poster without them, as older ones are.

    Those of newer generations are made with the poster. Safe to repeat, as `want_preview` is.
    """
    with transaction.atomic():
        pks = _locked(generation_ids)
        with_poster = set(
            Asset.objects.filter(
                generation_id__in=pks, role=AssetRole.POSTER, copy_state=CopyState.ARCHIVED
            ).values_list("generation_id", flat=True)
        )
        known = set(
            Asset.objects.filter(generation_id__in=with_poster, role=AssetRole.SOCIAL).values_list(
                "generation_id", flat=True
            )
        )
        Asset.objects.bulk_create(
            Asset(generation_id=pk, role=AssetRole.SOCIAL, next_copy_at=now) for pk in sorted(with_poster - known)
        )
        _begin_anew(with_poster, AssetRole.SOCIAL, now=now)


def _locked(generation_ids: Collection[int]) -> list[int]:
    """Those that may have files one day, under the lock of their workspaces: what becomes of files is written under it."""
    found = list(
        Generation.objects.filter(pk__in=generation_ids)
        .exclude(state=State.FAILED)
        .order_by("pk")
        .values_list("pk", "workspace_id")
    )
    workspaces = Workspace.objects.select_for_update(no_key=True).filter(
        pk__in={workspace_id for _, workspace_id in found}
    )
    list(workspaces.order_by("pk").values_list("pk"))
    return [pk for pk, _ in found]


def _begin_anew(generation_ids: Collection[int], role: str, *, now: datetime) -> None:
    """Make due what sleeps, was parked or was given up, and let the worker know."""
    of_these = Asset.objects.filter(generation_id__in=generation_ids, role=role)
    of_these.filter(Q(copy_state=CopyState.LOST) | Q(copy_state=CopyState.WANTED, next_copy_at=None)).update(
        copy_state=CopyState.WANTED, next_copy_at=now, lease="", attempts=0, failure_count=0, error_text=""
    )
    if of_these.due(now).exists():
        enqueue("lumaboard.archive.jobs.copy_due", cluster="archive")
