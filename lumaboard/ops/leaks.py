"""Look for upstream keys where none may be: in every text of every table, and inside queued jobs."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django_q.models import OrmQ, Task

from lumaboard.connections.keys import KeyUnreadable, unseal
from lumaboard.connections.models import Connection

_SHORTEST = 12
"""Shorter keys, such as the simulator's, are ordinary words."""
_TEXT_FIELDS = (models.CharField, models.TextField, models.JSONField)


def leaked_keys() -> Iterator[str]:
    """Give a sentence for every place that holds a key in clear; names the connection, never the key. Reads every table."""
    keys = _keys()
    if not keys:
        return
    for model in apps.get_models():
        yield from _in_columns(model, keys)
    yield from _in_jobs(keys)


def _keys() -> dict[int, str]:
    keys = {}
    for connection in Connection.objects.present().order_by("pk"):
        try:
            keys[connection.pk] = unseal(connection)
        except KeyUnreadable:
            continue  # what we cannot read, nobody has written down from here
    return {pk: key for pk, key in keys.items() if len(key) >= _SHORTEST}


def _in_columns(model: type[models.Model], keys: dict[int, str]) -> Iterator[str]:
    names = [field.name for field in model._meta.concrete_fields if isinstance(field, _TEXT_FIELDS)]
    if not names:
        return
    texts = {f"text_of_{name}": Cast(name, models.TextField()) for name in names}
    for connection_id, key in keys.items():
        anywhere = Q()
        for text in texts:
            anywhere |= Q(**{f"{text}__contains": key})
        rows = model._default_manager.alias(**texts).filter(anywhere)
        for pk in rows.values_list("pk", flat=True).order_by("pk")[:10]:
            yield f"{model._meta.label} {pk} holds the key of connection {connection_id}"


def _in_jobs(keys: dict[int, str]) -> Iterator[str]:
    """Jobs are packed, so a search of the column would not see into them."""
    packed = [("waiting job", job.pk, repr(job.task)) for job in OrmQ.objects.order_by("pk")]
    packed += [
        ("finished job", job.pk, repr((job.args, job.kwargs, job.result))) for job in Task.objects.order_by("pk")
    ]
    for what, pk, text in packed:
        for connection_id, key in keys.items():
            if key in text:
                yield f"{what} {pk} holds the key of connection {connection_id}"
