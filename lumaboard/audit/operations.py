"""Write audit rows."""

from __future__ import annotations

from django.db import models

from lumaboard.audit.models import AuditEvent
from lumaboard.audit.verbs import AUDIENCES, VERBS, Kind, owner_alone


def record(
    verb: str,
    *,
    workspace_id: int | None,
    actor_id: int | None,
    target: models.Model | None = None,
    **detail: str | int | bool | None,
) -> AuditEvent:
    """Note an act; call it inside the transaction of the act. `detail` holds plain words, never keys or tokens.

    What is done to somebody's private work, which says so by its `private_to`, is for that person to read.

    Without an actor the act was nobody's: the engine's, or that of whoever runs the installation. An unknown verb is a
    mistake in the program and raises `KeyError`.
    """
    kind = VERBS[verb].kind
    return AuditEvent.objects.create(
        verb=verb,
        kind=kind,
        audience=_audience(kind, target),
        workspace_id=workspace_id,
        actor_id=actor_id,
        is_automatic=actor_id is None,
        target_kind=target._meta.model_name or "" if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        detail=detail,
    )


def keep_to(event: AuditEvent, user_id: int) -> None:
    """Let only this person read a row that was just written, whatever its target."""
    event.audience = owner_alone(user_id)
    event.save(update_fields=["audience"])


def change_readers(target: models.Model) -> None:
    """Let those read what was ever done to this who may now: its owner alone, or whom such acts are for."""
    told = AuditEvent.objects.filter(target_kind=target._meta.model_name or "", target_id=str(target.pk))
    for kind in told.values_list("kind", flat=True).distinct():
        told.filter(kind=kind).update(audience=_audience(Kind(kind), target))


def _audience(kind: Kind, target: models.Model | None) -> str:
    private_to: int | None = getattr(target, "private_to", None)
    return AUDIENCES[kind] if private_to is None else owner_alone(private_to)
