"""Make the pictures of a stored film and keep them beside it: for members poster, card picture and scrub strip, for
outsiders a marked still and the picture that chats show.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from django.utils import timezone

from lumaboard.accounts.models import Workspace
from lumaboard.archive import custody
from lumaboard.archive.claim import Claim
from lumaboard.archive.errors import CopyFailed
from lumaboard.archive.storage import StoredFile, keep_made, path_of, workbench
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation
from lumaboard.media.errors import MediaCrashed, MediaError, MediaTimeout
from lumaboard.media.facts import Inspection, MadeFile, MediaFacts
from lumaboard.media.sniff import MEDIA_TYPES
from lumaboard.media.worker import inspect, make_social

logger = logging.getLogger(__name__)

SECONDS: Final = 60.0
"""For one film; shorter than the lease."""

_MOST_TRIES: Final = 3
EXTENSIONS: Final = {media_type.content_type: media_type.extension for media_type in MEDIA_TYPES}

Kept = Sequence[tuple[MadeFile, StoredFile]]


def make(poster: Asset, claim: Claim) -> None:
    """Make the pictures of this poster's generation. That none can be made is noted, and harms nothing else."""
    source = custody.picture_source(poster.generation_id)
    if source is None:
        _give_up(claim, "There is no file to make a picture of.")
        return
    workspace = Workspace.objects.only("name").get(pk=poster.generation.workspace_id)
    try:
        with workbench(workspace.pk) as folder:
            inspection = inspect(path_of(source.stored_name), out_dir=folder, mark=workspace.name, timeout=SECONDS)
            kept = _keep(inspection, workspace.pk)
    except MediaError as error:
        logger.warning("No pictures of %s: %s %s", source, error.reason, error.detail)
        again_or_give_up(poster, claim, error, "No pictures could be made")
        return
    with custody.ending(claim) as (row, asset):
        _put_in(kept, asset, row)
        _note_facts(row, source, inspection.facts)
        row.has_poster = True


def make_for_outsiders(social: Asset, claim: Claim) -> None:
    """Make the pictures that outsiders may see of a poster that was made without them."""
    poster = Asset.objects.filter(
        generation_id=social.generation_id, role=AssetRole.POSTER, copy_state=CopyState.ARCHIVED
    ).first()
    if poster is None:
        _give_up(claim, "There is no poster to make a picture of.")
        return
    workspace = Workspace.objects.only("name").get(pk=social.generation.workspace_id)
    is_film = social.generation.media_kind != "image"
    try:
        with workbench(workspace.pk) as folder:
            made = make_social(path_of(poster.stored_name), out_dir=folder, mark=workspace.name, is_film=is_film)
            kept = _keep(made, workspace.pk)
    except MediaError as error:
        again_or_give_up(social, claim, error, "No picture for chats could be made")
        return
    with custody.ending(claim) as (row, asset):
        _put_in(kept, asset, row)


def _keep(inspection: Inspection, workspace_id: int) -> Kept:
    return [
        (made, keep_made(made.path, workspace_id=workspace_id, extension=EXTENSIONS[made.content_type]))
        for made in inspection.files
    ]


def _put_in(kept: Kept, claimed: Asset, row: Generation) -> None:
    """The claimed asset stands for all that is made with it."""
    now = timezone.now()
    for made, file in kept:
        is_claimed = made.role == claimed.role
        asset = claimed if is_claimed else Asset.objects.get_or_create(generation=row, role=made.role)[0]
        custody.put_in(asset, file, content_type=made.content_type, row=row, now=now)
        asset.width, asset.height = made.width, made.height
        asset.save()


def _note_facts(row: Generation, source: Asset, facts: MediaFacts) -> None:
    Asset.objects.filter(pk=source.pk).update(
        width=facts.width, height=facts.height, duration_s=facts.duration_s, frame_rate=facts.frame_rate
    )
    row.width, row.height, row.duration_s = facts.width, facts.height, facts.duration_s
    row.media_kind = facts.kind


def again_or_give_up(asset: Asset, claim: Claim, error: MediaError, sentence: str) -> None:
    """Try again what may pass by itself, a few times; note the rest as final, with this sentence and the reason."""
    may_pass = isinstance(error, MediaTimeout | MediaCrashed)
    if may_pass and asset.failure_count + 1 < _MOST_TRIES:
        custody.failed(claim, CopyFailed(f"{sentence}: {error.reason}."), now=timezone.now())
    else:
        _give_up(claim, f"{sentence}: {error.reason}.")


def _give_up(claim: Claim, reason: str) -> None:
    custody.lost(claim, reason, now=timezone.now())
