"""Fill a workspace for a demo or a measurement."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import Membership, Role, User, Workspace
from lumaboard.accounts.operations import create_person_without_password
from lumaboard.audit.operations import record
from lumaboard.connections import operations as connections
from lumaboard.connections.addresses import preset_address
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations.models import Asset
from lumaboard.ops.demo import Cast, seed
from lumaboard.ops.demo_files import Clip, make_clips

_PEOPLE = ("Ada Lindqvist", "Ben Okafor", "Chiara Ricci", "Dmitri Volkov", "Elif Kaya")
_FORMER = "Former account"


class Command(BaseCommand):
    help = "Add generations that look lived in to a workspace, with real films behind them. A million take minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rows", type=int, required=True, metavar="N")
        parser.add_argument("--workspace", metavar="NAME", help="its name or address (default: the oldest)")

    def handle(self, *, rows: int, workspace: str | None, **options: Any) -> None:
        owner = self._owner(workspace)
        self.stdout.write("Rendering a few films …")
        clips = make_clips(owner.workspace.pk)
        cast = self._cast(owner, clips)
        seed(cast, rows, now=timezone.now(), say=lambda done: self.stdout.write(f"{done:,} of {rows:,} rows"))
        self.stdout.write(f"The workspace {owner.workspace.name} has {rows:,} more generations.")

    def _owner(self, name: str | None) -> Member:
        owners = Membership.objects.filter(role=Role.OWNER).select_related("user", "workspace").order_by("id")
        if name:
            owners = owners.filter(workspace__name=name) | owners.filter(workspace__slug=name)
        if (owner := owners.first()) is None:
            raise CommandError("There is no such workspace: make it first, for example with manage.py bootstrap.")
        return Member(user=owner.user, workspace=owner.workspace, role=Role.OWNER)

    @transaction.atomic
    def _cast(self, owner: Member, clips: list[Clip]) -> Cast:
        """Find or make who and what the rows refer to. The former account was removed, so it is never asked anything."""
        workspace = owner.workspace
        known = Connection.objects.filter(workspace=workspace)
        live = known.present().filter(kind=Kind.SIMULATOR).first() or self._connect(owner, Kind.SIMULATOR, "")
        former = known.filter(name=_FORMER).first()
        if former is None:
            former = self._connect(owner, Kind.COMETAPI, _FORMER)
            connections.remove(owner, former, now=timezone.now())
        fresh = [clip for clip in clips if not Asset.objects.filter(sha256=clip.film.sha256).exists()]
        stored = sum(clip.stored_bytes for clip in fresh)
        Workspace.objects.filter(pk=workspace.pk).update(stored_bytes=F("stored_bytes") + stored)
        people = [self._person(name, workspace).pk for name in _PEOPLE]
        return Cast(workspace.pk, [owner.user.pk, *people], live, former, clips)

    def _connect(self, owner: Member, kind: Kind, name: str) -> Connection:
        key, address = secrets.token_hex(4), preset_address(kind)
        return connections.add(owner, name=name, kind=kind, base_url=address, key=key, now=timezone.now())

    def _person(self, name: str, workspace: Workspace) -> User:
        """A colleague nobody can sign in as: there is no password."""
        email = f"{name.split()[0].lower()}@{workspace.slug}.example"
        user = User.objects.filter(email=email).first()
        user = user or create_person_without_password(email, name, timezone.now())
        _membership, is_new = Membership.objects.get_or_create(
            user=user, workspace=workspace, defaults={"role": Role.MEMBER}
        )
        if is_new:
            role = Role.MEMBER.value
            record("member.joined", workspace_id=workspace.pk, actor_id=user.pk, target=user, role=role, is_demo=True)
        return user
