"""Create what an installation lacks, for the command of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from lumaboard.accounts import api_tokens
from lumaboard.accounts.access import Member, scopes_for
from lumaboard.accounts.models import Membership, Role, Scope, User, Workspace
from lumaboard.accounts.operations import create_person, create_workspace, newcomer
from lumaboard.connections import operations as connections
from lumaboard.connections.addresses import clean_address, preset_address
from lumaboard.connections.models import Connection


@dataclass(frozen=True, slots=True)
class WantedConnection:
    """A way upstream; without a base URL, to the provider's own address."""

    kind: str
    base_url: str
    key: str

    @property
    def address(self) -> str:
        return clean_address(self.base_url) if self.base_url else preset_address(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was created, in sentences, and the token that was asked for."""

    sentences: list[str]
    token: str = ""


def bootstrap(
    *,
    email: str,
    name: str,
    password: str,
    workspace_name: str,
    connection: WantedConnection | None,
    wants_token: bool = False,
) -> Done:
    """Create the person, workspace and connection that are missing, and say in sentences what was created; twice is once.

    Only a token that is asked for is a new one each time: what it is can be read from nowhere later.

    What exists is left alone: no password, role, name or key is changed. All of it happens or, with an error, nothing.
    Raises `ValidationError` for an address or password that will not do.
    """
    now = timezone.now()
    done = []
    here = User.objects.filter(email=email.strip().lower())
    person = None if here.exists() else newcomer(email, name, password)
    with transaction.atomic():
        user = here.first()
        if user is None:
            user = create_person(person or newcomer(email, name, password), now, is_vouched_for=True)
            done.append(f"Created {user.email}.")
        membership = _membership(user, workspace_name)
        if membership is None:
            membership = create_workspace(workspace_name, user, now)
            done.append(f"Created the workspace {workspace_name}.")
        if connection and not _has_connection(membership.workspace, connection):
            row = connections.add(
                _acting(membership),
                name="",
                kind=connection.kind,
                base_url=connection.address,
                key=connection.key,
                now=now,
            )
            done.append(f"Added the connection {row.name} to {row.base_url}.")
        token = _make_token(membership, now) if wants_token else ""
    return Done(sentences=done, token=token)


def _make_token(membership: Membership, now: datetime) -> str:
    wanted = {Scope.READ, Scope.TRACK, Scope.SUBMIT, Scope.SHARE} & set(scopes_for(membership.role))
    made = api_tokens.make(_acting(membership), name="bootstrap", scopes=wanted, expires_at=None, now=now)
    return made.token


def _acting(membership: Membership) -> Member:
    return Member(user=membership.user, workspace=membership.workspace, role=Role(membership.role))


def _membership(user: User, workspace_name: str) -> Membership | None:
    rows = Membership.objects.filter(user=user, workspace__name=workspace_name.strip())
    return rows.select_related("user", "workspace").order_by("id").first()


def _has_connection(workspace: Workspace, wanted: WantedConnection) -> bool:
    same = Connection.objects.present().filter(workspace=workspace, kind=wanted.kind, base_url=wanted.address)
    return same.exists()
