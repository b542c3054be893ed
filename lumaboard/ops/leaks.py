"""Look for secrets where none may be, upstream keys and those of webhooks: in every text of every table, and in queued jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django_q.models import OrmQ, Task

from lumaboard.connections.keys import KeyUnreadable, unseal
from lumaboard.connections.models import Connection
from lumaboard.news.hooks import sealed
from lumaboard.news.hooks.models import Callback, CallbackSecret, Webhook

_SHORTEST = 12
"""Shorter keys, such as the simulator's, are ordinary words."""
_MOST_TOKENS = 100
"""The newest: each secret is one more reading of every table."""
_TEXT_FIELDS = (models.CharField, models.TextField, models.JSONField)


def leaked_keys() -> Iterator[str]:
    """Give a sentence for every place that holds a secret in clear; names whose it is, never the secret. Reads every table."""
    keys = _keys() | _hooks_secrets()
    if not keys:
        return
    for model in apps.get_models():
        yield from _in_columns(model, keys)
    yield from _in_jobs(keys)


def _keys() -> dict[str, str]:
    keys = {}
    for connection in Connection.objects.present().order_by("pk"):
        try:
            keys[f"the key of connection {connection.pk}"] = unseal(connection)
        except KeyUnreadable:
            continue  # what we cannot read, nobody has written down from here
    return {whose: key for whose, key in keys.items() if len(key) >= _SHORTEST}


def _hooks_secrets() -> dict[str, str]:
    """Addresses and signing secrets of webhooks, and the tokens that upstream has. A program's own address is in its request."""
    webhooks, secrets = Webhook.objects.present().order_by("pk"), CallbackSecret.objects.order_by("pk")
    newest = Callback.objects.order_by("-pk")[:_MOST_TOKENS]
    ways: list[tuple[str, Callable[[], str]]] = [
        *((f"the address of webhook {webhook.pk}", partial(sealed.url_of, webhook)) for webhook in webhooks),
        *((f"the secret of webhook {webhook.pk}", partial(sealed.secret_of, webhook)) for webhook in webhooks),
        *((f"the callback secret of workspace {row.pk}", partial(sealed.callback_secret_of, row)) for row in secrets),
        *((f"the token of callback {callback.pk}", partial(sealed.token_of, callback)) for callback in newest),
    ]
    found = {}
    for whose, read in ways:
        with suppress(sealed.Unreadable):
            found[whose] = read()
    return {whose: secret for whose, secret in found.items() if len(secret) >= _SHORTEST}


def _in_columns(model: type[models.Model], keys: dict[str, str]) -> Iterator[str]:
    names = [field.name for field in model._meta.concrete_fields if isinstance(field, _TEXT_FIELDS)]
    if not names:
        return
    texts = {f"text_of_{name}": Cast(name, models.TextField()) for name in names}
    for whose, key in keys.items():
        anywhere = Q()
        for text in texts:
            anywhere |= Q(**{f"{text}__contains": key})
        rows = model._default_manager.alias(**texts).filter(anywhere)
        for pk in rows.values_list("pk", flat=True).order_by("pk")[:10]:
            yield f"{model._meta.label} {pk} holds {whose}"


def _in_jobs(keys: dict[str, str]) -> Iterator[str]:
    """Jobs are packed, so a search of the column would not see into them."""
    packed = [("waiting job", job.pk, repr(job.task)) for job in OrmQ.objects.order_by("pk")]
    packed += [
        ("finished job", job.pk, repr((job.args, job.kwargs, job.result))) for job in Task.objects.order_by("pk")
    ]
    for what, pk, text in packed:
        for whose, key in keys.items():
            if key in text:
                yield f"{what} {pk} holds {whose}"
