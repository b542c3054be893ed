"""Plain functions that make rows for tests. Alice owns, Bob only looks, Charlie is a stranger."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone

from lumaboard.accounts import api_tokens
from lumaboard.accounts.access import Member
from lumaboard.accounts.api_tokens import Made
from lumaboard.accounts.models import Invitation, Membership, Role, Scope, User, Workspace
from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.archive.storage import keep_made
from lumaboard.audit.operations import record
from lumaboard.connections.keys import seal
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.counts import add_counts, cells_of_row
from lumaboard.generations.models import SETTLED, Asset, AssetRole, Cause, CopyState, Generation, State, Transition
from lumaboard.news.hooks import sealed
from lumaboard.news.hooks.models import Delivery, Webhook
from lumaboard.news.models import Event, EventKind
from lumaboard.news.outbox import note
from lumaboard.news.spreading import spread
from lumaboard.submission.models import Intent, IntentState, Picture, Price, Source

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
_numbers = itertools.count(1)


def make_user(name: str = "Alice", **fields: Any) -> User:
    fields.setdefault("email", f"{name.split()[0].lower()}.{next(_numbers)}@example.com")
    return User.objects.create_user(password=PASSWORD, name=name, **fields)


def make_workspace(name: str = "Northlight", **fields: Any) -> Workspace:
    fields.setdefault("slug", f"northlight-{next(_numbers)}")
    return Workspace.objects.create(name=name, **fields)


def make_member(
    name: str = "Alice", *, role: Role = Role.OWNER, workspace: Workspace | None = None, **fields: Any
) -> Membership:
    """A person in a workspace; `membership.user` and `membership.workspace` give both."""
    return Membership.objects.create(user=make_user(name, **fields), workspace=workspace or make_workspace(), role=role)


def make_token(membership: Membership, *scopes: str, now: datetime | None = None, **fields: Any) -> Made:
    """A token of this person, for reading unless scopes are named; `made.token` is what a program sends."""
    fields = {"name": "A script", "expires_at": None} | fields
    return api_tokens.make(acting(membership), scopes=scopes or (Scope.READ,), now=now or timezone.now(), **fields)


def acting(membership: Membership) -> Member:
    """This person as a view would have read them for a request."""
    return Member(user=membership.user, workspace=membership.workspace, role=Role(membership.role))


def record_how_they_came(*memberships: Membership) -> None:
    """The audit rows that people and workspaces have where they were not made by a factory."""
    for membership in memberships:
        user, workspace = membership.user, membership.workspace
        record("person.created", workspace_id=None, actor_id=user.pk, target=user)
        if membership.role == Role.OWNER:
            record("workspace.created", workspace_id=workspace.pk, actor_id=user.pk, target=workspace)
        else:
            record("member.joined", workspace_id=workspace.pk, actor_id=user.pk, target=user, role=membership.role)


def make_invitation(
    inviter: Membership, *, email: str = "dana@example.com", token: str = "", role: Role = Role.MEMBER, **fields: Any
) -> Invitation:
    """An open invitation as `invite` would leave it; its link is /invitation/<token>/."""
    fields.setdefault("expires_at", timezone.now() + timedelta(days=7))
    return Invitation.objects.create(
        workspace=inviter.workspace,
        invited_by=inviter.user,
        email=email,
        role=role,
        token_hash=hash_token(token or new_token()),
        **fields,
    )


def make_connection(
    workspace: Workspace | None = None, *, kind: str = Kind.SIMULATOR, key: str = "sk-test-1234", **fields: Any
) -> Connection:
    workspace = workspace or make_workspace()
    fields.setdefault("base_url", "http://127.0.0.1:1")
    fields.setdefault("name", "Simulator" if kind == Kind.SIMULATOR else "CometAPI main")
    return Connection.objects.create(
        workspace=workspace,
        kind=kind,
        key_box=seal(key, workspace_id=workspace.pk, base_url=fields["base_url"]),
        key_last4=key[-4:],
        **fields,
    )


def make_generation(connection: Connection | None = None, *, state: str = State.QUEUED, **fields: Any) -> Generation:
    """A generation with its first transitions and its place in the counts, as `track` and `apply` would leave it."""
    connection = connection or make_connection()
    number = next(_numbers)
    fields.setdefault("task_id", str(UUID(int=number, version=4)))
    fields.setdefault("prompt", f"Golden hour over open water, take {number}")
    fields.setdefault("created_at", NOW)
    if state in SETTLED:
        fields.setdefault("settled_at", NOW)
    else:
        fields.setdefault("next_refresh_at", NOW)
    if state == State.SUCCEEDED:
        fields.setdefault("copy_state", CopyState.WANTED)
    generation = Generation.objects.create(
        workspace_id=connection.workspace_id, connection=connection, state=state, **fields
    )
    Transition.objects.create(generation=generation, number=1, to_state=State.QUEUED, cause=Cause.TRACKED, at=NOW)
    if state != State.QUEUED:
        Transition.objects.create(
            generation=generation, number=2, from_state=State.QUEUED, to_state=state, cause=Cause.REFRESH, at=NOW
        )
    add_counts(connection.workspace_id, dict.fromkeys(cells_of_row(generation), 1))
    return generation


def make_event(generation: Generation, kind: str, *, at: datetime = NOW, **fields: Any) -> Event:
    """News of this generation, not yet in the outbox."""
    return Event(workspace_id=generation.workspace_id, kind=kind, generation=generation, at=at, **fields)


def tell_of(*generations: Generation, kind: str = EventKind.SUCCEEDED, now: datetime | None = None) -> None:
    """Have whom it concerns told of these generations."""
    note(make_event(generation, kind, at=now or timezone.now()) for generation in generations)
    spread(now=now or timezone.now())


def make_intent(connection: Connection, owner: User, *, state: str = IntentState.UNKNOWN, **fields: Any) -> Intent:
    """A request as it is written down before it leaves, or as its fate has left it."""
    fields.setdefault("request", '{"prompt": "A quiet harbour"}')
    fields.setdefault("created_at", NOW)
    is_sent = state != IntentState.INTENDED
    return Intent.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        created_by=owner,
        source=fields.pop("source", Source.PROXY),
        route="/generations",
        state=state,
        is_sendable=not is_sent,
        sent_at=NOW if is_sent else None,
        **fields,
    )


def make_webhook(workspace: Workspace, url: str = "http://127.0.0.1:1/a-planted-path", **fields: Any) -> Webhook:
    """A webhook that hears of everything, as JSON; without the audit row of whoever added it."""
    host, secret = urlsplit(url).netloc, sealed.new_secret()
    fields = {"name": "Studio bot", "kinds": EventKind.values} | fields
    return Webhook.objects.create(
        workspace=workspace,
        url_host=host,
        url_tail=url[-4:],
        url_box=sealed.seal_url(url, workspace_id=workspace.pk),
        secret_box=sealed.seal_secret(secret, workspace_id=workspace.pk, host=host),
        **fields,
    )


def make_delivery(
    webhook: Webhook, generation: Generation, *, kind: str = EventKind.SUCCEEDED, **fields: Any
) -> Delivery:
    """What a webhook is told of a generation, waiting unless the fields say otherwise."""
    event = Event.objects.create(
        workspace=webhook.workspace, kind=kind, generation=generation, number=next(_numbers), at=NOW, spread_at=NOW
    )
    return Delivery.objects.create(
        workspace=webhook.workspace,
        webhook=webhook,
        event=event,
        kind=kind,
        uid=event.uid,
        host=webhook.url_host,
        **fields,
    )


def make_asset(generation: Generation, *, role: str = AssetRole.RAW, **fields: Any) -> Asset:
    """An asset that waits for its copy, unless the fields say otherwise."""
    fields.setdefault("next_copy_at", NOW)
    return Asset.objects.create(generation=generation, role=role, **fields)


def make_kept_asset(
    generation: Generation, body: bytes = b"some film", *, role: str = AssetRole.RAW, extension: str = "mp4"
) -> Asset:
    """An asset whose file lies in our storage."""
    with TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        made.write_bytes(body)
        file = keep_made(made, workspace_id=generation.workspace_id, extension=extension)
    return make_asset(
        generation,
        role=role,
        copy_state=CopyState.ARCHIVED,
        sha256=file.sha256,
        stored_name=file.name,
        size=file.size,
        content_type={"mp4": "video/mp4", "jpg": "image/jpeg"}[extension],
        archived_at=NOW,
        next_copy_at=None,
    )


def make_picture(membership: Membership, body: bytes = b"a picture", **fields: Any) -> Picture:
    """A picture that this person gave to begin a film with, in our storage."""
    with TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        made.write_bytes(body)
        file = keep_made(made, workspace_id=membership.workspace_id, extension="jpg")
    fields = {"content_type": "image/jpeg", "width": 640, "height": 360} | fields
    return Picture.objects.create(
        workspace=membership.workspace,
        created_by=membership.user,
        sha256=file.sha256,
        stored_name=file.name,
        size=file.size,
        **fields,
    )


def make_price(workspace: Workspace, amount: str = "0.10", **fields: Any) -> Price:
    """A price for everything, for each second, unless the fields say otherwise."""
    return Price.objects.create(workspace=workspace, amount=Decimal(amount), **{"currency": "USD"} | fields)
