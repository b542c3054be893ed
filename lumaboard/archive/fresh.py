"""Ask the generation again for links, when those at hand have died: once, before anything is called lost."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from lumaboard.archive import custody
from lumaboard.archive.errors import CopyFailed, Postponed
from lumaboard.archive.links import as_stored, links_of
from lumaboard.connections.budget import askable, take_call
from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Asset, CopyState, Generation
from lumaboard.upstream.errors import GenerationNotFound, RateLimited, UpstreamError
from lumaboard.upstream.types import Link, RemoteFile

ASKED_LATELY: Final = timedelta(minutes=10)
"""An answer this young still holds: the files of one generation die together, and one asking is enough for all."""

_NOT_ASKABLE_SECONDS: Final = 60.0
_NO_CALLS_SECONDS: Final = 5.0

# The files of one generation are copied side by side and find their links dead in the same second.
_one_at_a_time: Final = tuple(threading.Lock() for _ in range(16))


def fresh_links(asset: Asset, *, tried: Sequence[Link], now: datetime) -> list[Link]:
    """Give links that were not `tried` yet, asking upstream where that was not done lately; none is a definite answer.

    Raises `Postponed` or `CopyFailed` where nobody could be asked, or gave no answer: then there is still hope.
    """
    with _one_at_a_time[asset.generation_id % len(_one_at_a_time)]:
        known = _untried(asset.pk, tried)
        generation = Generation.objects.select_related("connection").get(pk=asset.generation_id)
        if known or _was_asked_lately(generation, now):
            return known
        files = _ask(generation, now=now)
        _store(generation, files, now=now)
        return _untried(asset.pk, tried)


def _untried(asset_id: int, tried: Sequence[Link]) -> list[Link]:
    urls = {link.url for link in tried}
    return [link for link in links_of(Asset.objects.get(pk=asset_id)) if link.url not in urls]


def _was_asked_lately(generation: Generation, now: datetime) -> bool:
    asked_at = generation.asked_for_fresh_link_at
    return asked_at is not None and now - ASKED_LATELY < asked_at <= now


def _ask(generation: Generation, *, now: datetime) -> tuple[RemoteFile, ...]:
    """Ask upstream within the key's own budget; an unknown generation and a removed connection have no files to offer."""
    connection = generation.connection
    if connection.removed_at is not None:
        return ()
    _take_call(connection, now=now)
    try:
        return client_for(connection).get_generation(generation.task_id).files
    except GenerationNotFound:
        return ()
    except UpstreamError as error:
        wish = error.retry_after if isinstance(error, RateLimited) else None
        raise CopyFailed(f"The link has ended, and no fresh one could be had: {error}", retry_after=wish) from error
    except KeyUnreadable as error:
        raise CopyFailed("The link has ended, and the key to ask for a fresh one cannot be read.") from error


def _take_call(connection: Connection, *, now: datetime) -> None:
    if not askable(Connection.objects.filter(pk=connection.pk), now).exists():
        sentence = "The link has ended. A fresh one is asked for as soon as the connection is in use again."
        raise Postponed(sentence, seconds=_NOT_ASKABLE_SECONDS)
    if not take_call(connection, now=now):
        raise Postponed("The link has ended. A fresh one is asked for in a moment.", seconds=_NO_CALLS_SECONDS)


def _store(generation: Generation, files: Iterable[RemoteFile], *, now: datetime) -> None:
    """Keep what the answer offers for every file that is not safe yet, and note that it was asked."""
    with custody.changing(generation.pk, generation.workspace_id) as row:
        row.asked_for_fresh_link_at = now
        for file in files:
            _offer(row, file, now=now)


def _offer(row: Generation, file: RemoteFile, *, now: datetime) -> None:
    """Give one file the links of a fresh answer. What was lost is wanted again if any of them is new."""
    links, expires_at = as_stored(file.links), file.links[0].expires_at
    asset, is_wanted = Asset.objects.get_or_create(
        generation=row, role=file.role, defaults={"links": links, "expires_at": expires_at, "next_copy_at": now}
    )
    known = {link.url for link in links_of(asset)}
    open_rows = Asset.objects.filter(pk=asset.pk).exclude(copy_state=CopyState.ARCHIVED)
    open_rows.update(links=links, expires_at=expires_at)
    if any(link.url not in known for link in file.links):
        # A conditional update, because copies are claimed without the lock we hold here.
        is_wanted |= bool(
            open_rows.filter(copy_state=CopyState.LOST).update(copy_state=CopyState.WANTED, next_copy_at=now)
        )
    if custody.is_main(asset):
        row.link_expires_at = expires_at
        if is_wanted:
            row.copy_state = CopyState.WANTED
            row.attention = "" if row.attention in custody.COPY_TROUBLES else row.attention
