"""Does any row cross workspaces, or tell of private work? The ways from a row to its workspace are read off the models.

So a new table needs no line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F

from lumaboard.accounts.models import User, Workspace
from lumaboard.archive.named import rows_naming, tables
from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import owner_alone
from lumaboard.generations.models import Generation

Model = type[models.Model]
_AT_ONCE = 1000


def crossing_rows() -> Iterator[str]:
    """Rows that lead to one workspace by one way, and to another by another: of every table that has two ways."""
    for model in _our_models():
        own, *others = ways_of(model) or [""]
        for way in others:
            rows = model._default_manager.filter(**{f"{way}__isnull": False}).exclude(**{way: F(own)}).order_by("pk")
            thing = _name(model._meta.get_field(way.split("__")[0]).related_model)
            for pk, workspace_id in rows.values_list("pk", own).iterator():
                yield f"{_name(model)} {pk} of workspace {workspace_id} uses a {thing} of another"


def crossing_audit_rows() -> Iterator[str]:
    """Audit rows of one workspace that are about a thing of another."""
    for model in _our_models():
        way = "pk" if model is Workspace else next(iter(ways_of(model)), "")
        if not way:
            continue
        told = AuditEvent.objects.filter(target_kind=model._meta.model_name or "", workspace__isnull=False)
        events = told.order_by("pk").values_list("pk", "workspace_id", "target_id").iterator()
        while batch := list(islice(events, _AT_ONCE)):
            targets = model._default_manager.filter(pk__in={target_id for _pk, _workspace, target_id in batch})
            homes = {str(pk): home for pk, home in targets.values_list("pk", way)}
            for pk, workspace_id, target_id in batch:
                if homes.get(target_id, workspace_id) != workspace_id:
                    yield f"audit row {pk} of workspace {workspace_id} is about a {_name(model)} of another"


def telling_audit_rows() -> Iterator[str]:
    """Audit rows that others than its owner may read although they are about private work."""
    private = Generation.objects.filter(is_private=True).order_by("pk").values_list("pk", "created_by").iterator()
    while batch := list(islice(private, _AT_ONCE)):
        owners = {str(pk): owner_alone(owner_id) for pk, owner_id in batch if owner_id is not None}
        told = AuditEvent.objects.filter(target_kind="generation", target_id__in=owners).order_by("pk")
        for pk, target_id, audience in told.values_list("pk", "target_id", "audience"):
            if audience != owners[target_id]:
                yield f"audit row {pk} tells {audience} of generation {target_id}, which is private"


def crossing_files() -> Iterator[str]:
    """Rows whose stored file lies in the folder of another workspace."""
    for table in tables():
        way = ways_of(table)[0]
        for pk, workspace_id, name in (
            rows_naming(table).order_by("pk").values_list("pk", way, "stored_name").iterator()
        ):
            if not name.startswith(f"{workspace_id}/"):
                yield f"{_name(table)} {pk} of workspace {workspace_id} names {name}"


@cache
def ways_of(model: Model) -> tuple[str, ...]:
    """The ways from a row of this table to a workspace, as lookups, its own column first; people belong to none."""
    if model in (Workspace, User):
        return ()
    ways: list[str] = []
    for field in model._meta.concrete_fields:
        other: Any = field.related_model
        if other is Workspace:
            ways.insert(0, field.name)
        elif other is not None and other is not model and (further := ways_of(other)):
            ways.append(f"{field.name}__{further[0]}")
    return tuple(ways)


def _our_models() -> list[Model]:
    every = apps.get_models(include_auto_created=True)
    return sorted((one for one in every if one.__module__.startswith("lumaboard.")), key=lambda one: one._meta.label)


def _name(model: Any) -> str:
    return str(model._meta.verbose_name)
