"""Invariant 2: once nothing moves any more, our settled states are upstream's. The one check that asks the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import sleep
from typing import Final

from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.generations.models import SETTLED, Generation
from lumaboard.upstream.client import Client
from lumaboard.upstream.errors import UpstreamError

MORE_TRIES: Final = 3
PAUSE_SECONDS: Final = 2.0
"""Before each further try: an upstream that asks for a pause, or has just been started, disagrees with nobody."""


def disagreements(*, pause_seconds: float = PAUSE_SECONDS) -> Iterator[str]:
    """Ask upstream about every settled generation and give a sentence for each that differs or cannot be asked about."""
    for connection in Connection.objects.present().order_by("pk"):
        try:
            client = client_for(connection)
        except KeyUnreadable as error:
            yield str(error)
            continue
        settled = Generation.objects.filter(connection=connection, state__in=SETTLED).order_by("pk")
        unanswered: list[tuple[Generation, UpstreamError]] = []
        yield from _compare(client, settled.iterator(), unanswered)
        for _try in range(MORE_TRIES):
            if unanswered:
                sleep(pause_seconds)
            again, unanswered = [row for row, _error in unanswered], []
            yield from _compare(client, again, unanswered)
        yield from (f"generation {row.pk} cannot be asked about: {error}" for row, error in unanswered)


def _compare(
    client: Client, rows: Iterable[Generation], unanswered: list[tuple[Generation, UpstreamError]]
) -> Iterator[str]:
    """Give a sentence for each of these that upstream contradicts; what it does not answer is added to `unanswered`."""
    for row in rows:
        try:
            said = client.get_generation(row.task_id)
        except UpstreamError as error:
            unanswered.append((row, error))
            continue
        if said.state != row.state:
            yield f"generation {row.pk} is {row.state} here and {said.state} upstream"
