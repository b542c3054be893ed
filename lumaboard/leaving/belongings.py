"""Remove the private work of people who were erased: nobody but they could see it, so nobody misses it.

A job does it in batches, some time after; it may be killed, run twice and run beside itself.
"""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import Final

from django.db import transaction

from lumaboard.archive.named import give_room_back
from lumaboard.audit.models import AuditEvent
from lumaboard.generations.counts import Cell, add_counts, cells_of_row, raise_seq
from lumaboard.generations.models import Asset, CopyState, Generation
from lumaboard.submission.models import Intent

_AT_ONCE: Final = 500


def purge_private_work(*, seconds: float) -> bool:
    """Remove for about so long; says whether there is more to do now."""
    ends_at = monotonic() + seconds
    while _remove_some() or _forget_requests():
        if monotonic() >= ends_at:
            return True
    return False


def _forget_requests() -> bool:
    """Remove a batch of private requests of which nothing came; the others go with what came of them."""
    private = Intent.objects.filter(is_private=True, created_by__erased_at__isnull=False, generation=None)
    deleted, _by_table = private.filter(pk__in=private.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]).delete()
    return deleted > 0


def _remove_some() -> bool:
    """Remove a batch of one workspace's rows with their counts and their room, and say whether there were any."""
    private = Generation.objects.filter(is_private=True, created_by__erased_at__isnull=False)
    workspace_ids = private.values_list("workspace_id", flat=True)[:1]
    if not workspace_ids:
        return False
    workspace_id = workspace_ids[0]
    with transaction.atomic():
        raise_seq(workspace_id)
        rows = list(private.filter(workspace_id=workspace_id).order_by("pk")[:_AT_ONCE])
        changes: Counter[Cell] = Counter()
        for row in rows:
            changes.subtract(cells_of_row(row))
        add_counts(workspace_id, changes)
        pks = [row.pk for row in rows]
        told = AuditEvent.objects.filter(target_kind="generation", target_id__in=[str(pk) for pk in pks])
        told.filter(verb__in=("rename", "untitle")).update(detail={})  # it held titles
        sizes = dict(
            Asset.objects.filter(generation__in=pks, copy_state=CopyState.ARCHIVED).values_list("sha256", "size")
        )
        Generation.objects.filter(pk__in=pks).delete()
        give_room_back(workspace_id, sizes)
    return True
