"""Invariant 2: once nothing moves any more, our settled states are upstream's. The one check that asks the network."""

from __future__ import annotations

from collections.abc import Iterator

from lumaboard.connections.clients import client_for
from lumaboard.connections.keys import KeyUnreadable
from lumaboard.connections.models import Connection
from lumaboard.generations.models import SETTLED, Generation
from lumaboard.upstream.errors import UpstreamError


def disagreements() -> Iterator[str]:
    """Ask upstream about every settled generation and give a sentence for each that differs or cannot be asked about."""
    for connection in Connection.objects.present().order_by("pk"):
        try:
            client = client_for(connection)
        except KeyUnreadable as error:
            yield str(error)
            continue
        for row in Generation.objects.filter(connection=connection, state__in=SETTLED).order_by("pk").iterator():
            try:
                said = client.get_generation(row.task_id)
            except UpstreamError as error:
                yield f"generation {row.pk} cannot be asked about: {error}"
                continue
            if said.state != row.state:
                yield f"generation {row.pk} is {row.state} here and {said.state} upstream"
