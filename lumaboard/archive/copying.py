"""One copy from claim to custody: which link, what to do when it fails, and what to write down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.utils import timezone

from lumaboard.archive import custody, pictures, renditions, room, storage
from lumaboard.archive.claim import Claim
from lumaboard.archive.download import Brought, bring
from lumaboard.archive.errors import (
    CopyError,
    CopyFailed,
    FileTooLarge,
    LeaseLost,
    LinkDead,
    NoRoom,
    NotMedia,
    Postponed,
)
from lumaboard.archive.fresh import fresh_links
from lumaboard.archive.links import has_ended, links_of
from lumaboard.connections.clients import outbound_session
from lumaboard.generations.models import Asset, AssetRole
from lumaboard.media.errors import MediaError
from lumaboard.media.worker import probe
from lumaboard.upstream.types import Link

logger = logging.getLogger(__name__)

COPY_SECONDS: Final = 1100.0
"""For one file, whichever of its links are tried; with the engine's budget less than what the queue gives the job."""

YOUNG: Final = timedelta(minutes=10)
"""For so long after a success a 404 may mean that the media host has not got the file yet."""

_SHOW_EVERY_SECONDS: Final = 1.0


# Pictures are made together: whichever of them is asked for, the others come with it.
_MAKERS: Final[dict[str, Callable[[Asset, Claim], None]]] = {
    AssetRole.POSTER: pictures.make,
    AssetRole.CARD: pictures.make,
    AssetRole.SPRITE: pictures.make,
    AssetRole.STILL: pictures.make_for_outsiders,
    AssetRole.SOCIAL: pictures.make_for_outsiders,
    AssetRole.PREVIEW: renditions.make,
}


def copy(claim: Claim) -> None:
    """Work on one claimed asset and write down how it ended. Safe to run twice: the lease decides whose end counts."""
    asset = Asset.objects.select_related("generation").filter(pk=claim.asset_id, lease=claim.lease).first()
    if asset is None:
        return
    try:
        _copy_and_note_trouble(asset, claim)
    except LeaseLost:
        logger.info("Another worker has taken over the copy: %s.", asset)


def _copy_and_note_trouble(asset: Asset, claim: Claim) -> None:
    try:
        _copy_or_make(asset, claim)
    except Postponed as problem:
        _postpone(claim, problem, now=timezone.now())
    except OSError as error:  # our own storage's: what goes wrong on the network has other types
        logger.exception("The storage cannot be used.")
        _postpone(claim, room.storage_trouble(error), now=timezone.now())
    except LinkDead as error:
        _give_up_or_wait(asset, claim, error, now=timezone.now())
    except CopyError as error:
        custody.failed(claim, error, now=timezone.now())


def _postpone(claim: Claim, problem: Postponed, *, now: datetime) -> None:
    custody.postponed(claim, str(problem), until=now + timedelta(seconds=problem.seconds))
    if isinstance(problem, NoRoom):
        custody.hold_back(problem, now=now)


class Progress:
    """Keeps the lease and shows the bytes, at most once a second."""

    def __init__(self, asset: Asset, claim: Claim, *, is_main: bool) -> None:
        self._asset = asset
        self._claim = claim
        self._is_main = is_main
        self._shown_at = monotonic()

    def __call__(self, copied_bytes: int, total_bytes: int | None) -> None:
        if monotonic() - self._shown_at < _SHOW_EVERY_SECONDS:
            return
        self._shown_at = monotonic()
        self._claim.renew(now=timezone.now(), copied_bytes=copied_bytes, total_bytes=total_bytes)
        if self._is_main:
            custody.show_progress(self._asset, copied_bytes=copied_bytes, total_bytes=total_bytes)


def _copy_or_make(asset: Asset, claim: Claim) -> None:
    room.check_quota(asset.generation.workspace_id)
    room.check_disk()
    if (make := _MAKERS.get(asset.role)) is not None:
        make(asset, claim)
        return
    is_main = custody.is_main(asset)
    if is_main:
        custody.begin(asset)
    brought = _Attempt(asset, Progress(asset, claim, is_main=is_main)).from_any_link()
    width, height = _shape(asset, brought)
    custody.archived(claim, brought, width=width, height=height, now=timezone.now())


class _Attempt:
    """One try to get a file, within one deadline for all its links."""

    def __init__(self, asset: Asset, progress: Progress) -> None:
        self._asset = asset
        self._progress = progress
        self._ends_at = monotonic() + COPY_SECONDS

    def from_any_link(self) -> Brought:
        """Try the links at hand; where they have died, or lead to error pages, ask for fresh ones once and try those."""
        links = links_of(self._asset)
        try:
            return self._from_first_good(links)
        except (LinkDead, NotMedia):
            fresh = fresh_links(self._asset, tried=links, now=timezone.now())
            if not fresh:
                raise
            return self._from_first_good(fresh)

    def _from_first_good(self, links: Iterable[Link]) -> Brought:
        """Try each link once, the preferred one first; raises the most hopeful of their errors."""
        errors: list[CopyError] = []
        for link in links:
            if has_ended(link, timezone.now()):
                errors.append(LinkDead("The link has ended."))
                continue
            try:
                return bring(
                    link,
                    workspace_id=self._asset.generation.workspace_id,
                    role=self._asset.role,
                    session=outbound_session(),
                    seconds=max(0.0, self._ends_at - monotonic()),
                    progress=self._progress,
                )
            except (CopyFailed, NotMedia, LinkDead) as error:
                errors.append(error)
        raise min(errors, key=_hopelessness, default=LinkDead("No link to this file is known."))


def _hopelessness(error: CopyError) -> int:
    order: tuple[type[CopyError], ...] = (FileTooLarge, CopyFailed, NotMedia, LinkDead)
    return next(place for place, kind in enumerate(order) if isinstance(error, kind))


def _give_up_or_wait(asset: Asset, claim: Claim, error: LinkDead, *, now: datetime) -> None:
    settled_at = asset.generation.settled_at
    if not error.is_final and settled_at is not None and now - settled_at < YOUNG:
        custody.failed(claim, error, now=now)
    elif asset.generation.connection.removed_at is not None:
        custody.lost(claim, f"{error} The connection that could give a fresh one has been removed.", now=now)
    else:
        custody.lost(claim, f"{error} A fresh one was asked for and not to be had.", now=now)


def _shape(asset: Asset, brought: Brought) -> tuple[int | None, int | None]:
    """Width and height of upstream's still, which serves as the poster until ours is made; films are looked at later."""
    if asset.role != AssetRole.THUMBNAIL:
        return None, None
    try:
        facts = probe(storage.path_of(brought.file.name))
    except MediaError as error:
        logger.warning("The size of %s is not known: %s", asset, error.reason)
        return None, None
    return facts.width, facts.height
