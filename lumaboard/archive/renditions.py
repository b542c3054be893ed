"""Make the preview that outsiders may watch: smaller, with the workspace's name in every picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.utils import timezone

from lumaboard.accounts.models import Workspace
from lumaboard.archive import custody, pictures, room, viewing
from lumaboard.archive.claim import Claim
from lumaboard.archive.storage import keep_made, path_of, workbench
from lumaboard.generations.models import Asset
from lumaboard.media.errors import MediaError
from lumaboard.media.limits import RENDITION_BYTES
from lumaboard.media.worker import make_preview

SECONDS: Final = 480.0
"""For one film. Films of the usual length take less time than they play."""


def make(preview: Asset, claim: Claim) -> None:
    """Make this preview, or put it back where there is nothing to make it of."""
    source = viewing.preview_source(viewing.files_of([preview.generation_id])[preview.generation_id])
    if source is None:
        custody.put_back(claim, now=timezone.now())
        return
    workspace = Workspace.objects.only("name").get(pk=preview.generation.workspace_id)
    _require_room(
        workspace.pk, min(source.size or 0, RENDITION_BYTES)
    )  # a preview is hardly ever larger than its source
    try:
        with workbench(workspace.pk) as folder:
            made = make_preview(
                path_of(source.stored_name),
                out_dir=folder,
                mark=workspace.name,
                timeout=SECONDS,
                while_waiting=_renewing(claim),
            )
            (file,) = made.files
            _require_room(workspace.pk, file.size_bytes)
            stored = keep_made(file.path, workspace_id=workspace.pk, extension=pictures.EXTENSIONS[file.content_type])
    except MediaError as error:
        pictures.again_or_give_up(preview, claim, error, "No preview could be made")
        return
    with custody.ending(claim) as (row, asset):
        custody.put_in(asset, stored, content_type=file.content_type, row=row, now=timezone.now())
        asset.width, asset.height = made.facts.width, made.facts.height
        asset.duration_s, asset.frame_rate = made.facts.duration_s, made.facts.frame_rate


def _require_room(workspace_id: int, wanted_bytes: int) -> None:
    room.check_quota(workspace_id, wanted_bytes)
    room.check_disk(wanted_bytes)


def _renewing(claim: Claim) -> Callable[[], None]:
    """Keep the lease while the media process works; raises `LeaseLost`, which ends that process, where it is gone."""

    def renew() -> None:
        claim.renew(now=timezone.now(), copied_bytes=0, total_bytes=None)

    return renew
