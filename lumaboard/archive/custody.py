"""Write down what becomes of copies. Each function is one short transaction: asset, card, counts and cursor together.

The workspace's row is locked first (by `raise_seq`), so what is written about one workspace's files happens one after the
other. Functions that end a copy raise `LeaseLost`, and change nothing, when the claim is no longer ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from lumaboard.accounts.models import Workspace
from lumaboard.archive import storage, viewing
from lumaboard.archive.claim import Claim
from lumaboard.archive.download import Brought
from lumaboard.archive.errors import CopyError, CopyFailed, FileTooLarge, LeaseLost, NoRoom
from lumaboard.archive.links import source_of
from lumaboard.archive.named import named_beside_assets
from lumaboard.archive.storage import StoredFile
from lumaboard.generations.counts import add_counts, cells_of_row, difference, raise_seq
from lumaboard.generations.models import Asset, AssetRole, Attention, CopyState, Generation
from lumaboard.news.models import Event, EventKind
from lumaboard.news.outbox import note

FAILURES_SHOWN: Final = 3
"""So many failed tries in a row, and a person is told."""

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 6600))
"""Between tries. The longest stays below two hours: a time further ahead counts as due, against clocks set back."""

COPY_TROUBLES: Final = ("", Attention.COPY_FAILED, Attention.LOST)
_UNDER_WAY: Final = (CopyState.WANTED, CopyState.COPYING)
_NEVER_ENDED: Final = "Copying this file was started three times and never came to an end, so it is left alone."
_LONGEST_SENTENCE: Final = 400


@contextmanager
def changing(generation_id: int, workspace_id: int) -> Iterator[Generation]:
    """Lend a generation's row under lock; what is set on it is saved with its counts, a new `rev` and `seq`.

    Raises `LeaseLost` where there is no such row any more.
    """
    with transaction.atomic():
        seq = raise_seq(workspace_id)
        row = Generation.objects.select_for_update().filter(pk=generation_id).first()
        if row is None:
            raise LeaseLost  # its workspace was deleted
        before = cells_of_row(row)
        yield row
        row.seq, row.rev = seq, row.rev + 1
        row.save()
        add_counts(workspace_id, difference(before, cells_of_row(row)))


@contextmanager
def ending(claim: Claim) -> Iterator[tuple[Generation, Asset]]:
    """Lend the rows of a copy that has come to its end, whatever end; the lease and the counted start are given back."""
    found = Asset.objects.filter(pk=claim.asset_id).values_list("generation_id", "generation__workspace_id").first()
    if found is None:
        raise LeaseLost
    with changing(*found) as row:
        asset = Asset.objects.select_for_update().filter(pk=claim.asset_id, lease=claim.lease).first()
        if asset is None:
            raise LeaseLost
        asset.lease, asset.attempts = "", 0
        yield row, asset
        asset.save()


def is_main(asset: Asset) -> bool:
    """Whether the custody of the generation is that of this file: the raw one, or the watermarked where there is no raw."""
    if asset.role == AssetRole.WATERMARKED:
        return not Asset.objects.filter(generation_id=asset.generation_id, role=AssetRole.RAW).exists()
    return asset.role == AssetRole.RAW


def begin(asset: Asset) -> None:
    """Show on the card that its file is being copied."""
    with changing(asset.generation_id, asset.generation.workspace_id) as row:
        row.copy_state, row.copied_bytes, row.total_bytes = CopyState.COPYING, 0, None


def show_progress(asset: Asset, *, copied_bytes: int, total_bytes: int | None) -> None:
    """Show on the card how far the copy is."""
    with transaction.atomic():
        seq = raise_seq(asset.generation.workspace_id)
        Generation.objects.filter(pk=asset.generation_id).update(
            copied_bytes=copied_bytes, total_bytes=total_bytes, seq=seq, rev=F("rev") + 1
        )


def archived(claim: Claim, brought: Brought, *, width: int | None, height: int | None, now: datetime) -> None:
    """The file is whole and in our storage: say so, count it against the quota, and ask for pictures of it."""
    with ending(claim) as (row, asset):
        put_in(asset, brought.file, content_type=brought.media_type.content_type, row=row, now=now)
        asset.source = source_of(brought.link)
        asset.width, asset.height = width or asset.width, height or asset.height
        asset.save()  # what is asked below counts this file in
        if asset.role == AssetRole.THUMBNAIL:
            row.has_poster = True
            row.width, row.height = row.width or width, row.height or height
        if is_main(asset):
            row.copy_state, row.copy_error = CopyState.ARCHIVED, ""
            row.copied_bytes = row.total_bytes = brought.file.size
            row.media_kind = brought.media_type.kind
            if row.attention in COPY_TROUBLES:
                row.attention = ""
        _want_pictures(row, now=now)
        _wake_preview(row, now=now)


def failed(claim: Claim, error: CopyError, *, now: datetime) -> None:
    """This try came to nothing; another follows after a pause that grows, and the third failure is shown to people."""
    with ending(claim) as (row, asset):
        is_rare_at_once = isinstance(error, FileTooLarge)
        asset.failure_count = max(asset.failure_count + 1, len(PAUSES) - 1 if is_rare_at_once else 0)
        asset.next_copy_at = now + _pause(asset, error, now)
        _wait(row, asset, str(error))
        if asset.failure_count >= FAILURES_SHOWN:
            _tell_failing(row, asset, now=now)
        asset.save()  # what is asked below takes the failure into account
        _wake_preview(row, now=now)


def lost(claim: Claim, reason: str, *, now: datetime) -> None:
    """No link leads to the file any more, and asking again brought none. A person may still have it tried anew."""
    with ending(claim) as (row, asset):
        asset.copy_state, asset.error_text, asset.next_copy_at = CopyState.LOST, reason[:_LONGEST_SENTENCE], None
        asset.save()
        if is_main(asset):
            row.copy_state, row.copy_error, row.attention = CopyState.LOST, asset.error_text, Attention.LOST
            _tell(row, EventKind.LOST, now=now)
        _want_pictures(row, now=now)
        _wake_preview(row, now=now)


def postponed(claim: Claim, reason: str, *, until: datetime) -> None:
    """Put the copy off through no fault of its own: no try is used up."""
    with ending(claim) as (row, asset):
        asset.next_copy_at = until
        _wait(row, asset, reason)


def park(asset_id: int, *, now: datetime) -> None:
    """Stop trying a copy that was started three times and never came to an end; "fetch again" wakes it."""
    due = Asset.objects.due(now).filter(pk=asset_id)
    found = due.values_list("generation_id", "generation__workspace_id").first()
    if found is None:
        return
    with changing(*found) as row:
        asset = due.select_for_update().first()
        if asset is None:
            return  # another worker has parked it
        asset.lease, asset.next_copy_at = "", None
        _wait(row, asset, _NEVER_ENDED)
        _tell_failing(row, asset, now=now)
        asset.save()
        _wake_preview(row, now=now)


def put_back(claim: Claim, *, now: datetime) -> None:
    """Let a preview sleep until there is a file to make it of, or for good where upstream's own is marked."""
    with ending(claim) as (row, asset):
        has_come = viewing.preview_source(viewing.files_of([row.pk])[row.pk]) is not None
        asset.copy_state, asset.next_copy_at = CopyState.WANTED, now if has_come else None


def hold_back(problem: NoRoom, *, now: datetime) -> None:
    """Put off everything due that shares this want of room, and say why on the cards; a few statements a workspace."""
    due = Asset.objects.due(now)
    if problem.workspace_id is not None:
        due = due.filter(generation__workspace_id=problem.workspace_id)
    for workspace_id in sorted(set(due.values_list("generation__workspace_id", flat=True))):
        with transaction.atomic():
            seq = raise_seq(workspace_id)
            # No join, so that the UPDATE itself asks again whether each row is due, and takes none from another worker.
            here = Asset.objects.due(now).filter(
                generation_id__in=Generation.objects.in_workspace(workspace_id).values("pk")
            )
            Generation.objects.filter(pk__in=here.values("generation_id"), copy_state__in=_UNDER_WAY).exclude(
                copy_error=str(problem)
            ).update(copy_state=CopyState.WANTED, copy_error=str(problem), seq=seq, rev=F("rev") + 1)
            here.update(
                copy_state=CopyState.WANTED,
                lease="",
                next_copy_at=now + timedelta(seconds=problem.seconds),
                error_text=str(problem),
            )


def put_in(asset: Asset, file: StoredFile, *, content_type: str, row: Generation, now: datetime) -> None:
    """Make the asset the owner of a stored file, and count the file unless an equal one is counted.

    Call it under the workspace's lock. Raises `CopyFailed` if the file has just been swept, which ends the transaction.
    """
    if not storage.exists(file.name):
        raise CopyFailed("The copied file was gone before it could be recorded.")
    equal = Asset.objects.filter(
        sha256=file.sha256, copy_state=CopyState.ARCHIVED, generation__workspace_id=row.workspace_id
    )
    if not equal.exists() and not named_beside_assets(row.workspace_id, [file.sha256]):
        Workspace.objects.filter(pk=row.workspace_id).update(stored_bytes=F("stored_bytes") + file.size)
    asset.copy_state, asset.archived_at, asset.next_copy_at = CopyState.ARCHIVED, now, None
    asset.sha256, asset.stored_name, asset.content_type = file.sha256, file.name, content_type
    asset.size = asset.copied_bytes = asset.total_bytes = file.size
    asset.failure_count, asset.error_text = 0, ""


def picture_source(generation_id: int) -> Asset | None:
    """The stored file pictures are made of: the raw one, or the watermarked when no raw one is coming."""
    by_role = {asset.role: asset for asset in Asset.objects.filter(generation_id=generation_id)}
    raw, watermarked = by_role.get(AssetRole.RAW), by_role.get(AssetRole.WATERMARKED)
    if raw is not None and raw.copy_state != CopyState.LOST:
        return raw if raw.copy_state == CopyState.ARCHIVED else None
    return watermarked if watermarked is not None and watermarked.copy_state == CopyState.ARCHIVED else None


def _want_pictures(row: Generation, *, now: datetime) -> None:
    """Leave the making of pictures as a due row, so that a killed worker forgets nothing."""
    if picture_source(row.pk) is not None:
        Asset.objects.get_or_create(generation=row, role=AssetRole.POSTER, defaults={"next_copy_at": now})


def _tell_failing(row: Generation, asset: Asset, *, now: datetime) -> None:
    """Show people that the copy of a generation's file keeps failing, and tell them once."""
    if is_main(asset) and row.attention in COPY_TROUBLES and row.attention != Attention.COPY_FAILED:
        row.attention = Attention.COPY_FAILED
        _tell(row, EventKind.AT_RISK, now=now)


def _tell(row: Generation, kind: EventKind, *, now: datetime) -> None:
    """Have people told, except of the past: what the provider gave up long ago is no news, and may be thousands."""
    if not row.is_of_the_past:
        note([Event(workspace_id=row.workspace_id, kind=kind, generation=row, at=now)])


def _wake_preview(row: Generation, *, now: datetime) -> None:
    """Have the preview made that somebody asked for before there was anything to make it of."""
    asleep = Asset.objects.filter(
        generation=row, role=AssetRole.PREVIEW, copy_state=CopyState.WANTED, next_copy_at=None, attempts=0
    )
    if asleep.exists() and viewing.preview_source(viewing.files_of([row.pk])[row.pk]) is not None:
        asleep.update(next_copy_at=now)


def _wait(row: Generation, asset: Asset, sentence: str) -> None:
    asset.copy_state, asset.error_text = CopyState.WANTED, sentence[:_LONGEST_SENTENCE]
    if is_main(asset):
        row.copy_state, row.copy_error = CopyState.WANTED, asset.error_text


def _pause(asset: Asset, error: CopyError, now: datetime) -> timedelta:
    """Wait longer with each failure, as long as the host wishes, but not past the end of a link that still lives."""
    pause = PAUSES[min(asset.failure_count, len(PAUSES)) - 1]
    if isinstance(error, CopyFailed) and error.retry_after:
        pause = max(pause, timedelta(seconds=error.retry_after))
    if asset.expires_at is not None and asset.expires_at > now:
        pause = min(pause, max(PAUSES[0], (asset.expires_at - now) / 2))
    return pause
