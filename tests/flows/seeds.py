"""What tests put into a running installation, and read from it; `Inside.call` runs these there."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from io import BytesIO
from itertools import product
from typing import Any

import av
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from lumaboard.accounts import invitations
from lumaboard.accounts.models import Invitation, Membership, Role, Session, User, Workspace
from lumaboard.connections.models import Connection, Kind
from lumaboard.generations import notes, operations
from lumaboard.generations.models import (
    Attention,
    CopyState,
    FailureKind,
    Generation,
    State,
)
from lumaboard.generations.operations import Wanted
from lumaboard.news.batches import gather
from lumaboard.news.hooks import callbacks
from lumaboard.news.hooks.models import DeliveryState
from lumaboard.news.models import EventKind, Notice
from lumaboard.news.outbox import note
from lumaboard.news.preferences import unsubscribe_token
from lumaboard.news.spreading import spread
from lumaboard.past.models import Walk, WalkState
from lumaboard.sharing import operations as sharing
from lumaboard.sharing.addresses import address_of
from lumaboard.sharing.guests.embeds import clean_site
from lumaboard.sharing.members.looks import change_sites
from lumaboard.sharing.models import ShareLink
from lumaboard.sharing.operations import Terms
from lumaboard.submission.models import IntentState
from tests.access.passkeys import registered
from tests.factories import (
    acting,
    make_asset,
    make_connection,
    make_delivery,
    make_event,
    make_generation,
    make_intent,
    make_kept_asset,
    make_member,
    make_price,
    make_token,
    make_webhook,
    make_workspace,
)

FAR = timedelta(minutes=90)
"""Rows of a picture are not asked about while the picture is looked at."""


def new_team(simulator_url: str, key: str = "sk-flows-1234") -> dict[str, Any]:
    """A workspace of its own with Alice, who owns it, and Bob, who is a member; both are signed in somewhere."""
    slug = f"team-{uuid.uuid4().hex[:10]}"
    workspace = make_workspace("Northlight", slug=slug)
    alice = make_member("Alice Adams", role=Role.OWNER, workspace=workspace, email=f"alice@{slug}.example")
    bob = make_member("Bob Brown", role=Role.MEMBER, workspace=workspace, email=f"bob@{slug}.example")
    connection = make_connection(workspace, base_url=simulator_url, key=key)
    return {
        "slug": slug,
        "workspace_id": workspace.pk,
        "connection_id": connection.pk,
        "alice": _person(alice),
        "bob": _person(bob),
    }


def _person(membership: Membership) -> dict[str, str | int]:
    user = membership.user
    return {"pk": user.pk, "membership": membership.pk, "email": user.email, "session": new_session(user.pk)}


def new_session(user_id: int) -> str:
    """A session whose person has just entered the password again, so that no page asks for it."""
    client, request = Client(), HttpRequest()
    client.force_login(User.objects.get(pk=user_id))
    request.session = client.session
    record_authentication(request, User.objects.get(pk=user_id), "password", reauthenticated=True)
    request.session.save()
    return client.cookies["session"].value


def make_token_of(membership_id: int) -> int:
    membership = Membership.objects.select_related("user", "workspace").get(pk=membership_id)
    return make_token(membership, name="A script with a rather long name that nobody abbreviated").row.pk


def set_price(workspace_id: int) -> int:
    return make_price(
        Workspace.objects.get(pk=workspace_id), model="a-model-with-a-rather-long-name", resolution="1080p"
    ).pk


def write_note(pk: int, user_id: int) -> int:
    text = "The horizon tilts a little, and the gull comes in too early; see https://northlight-studio.example/notes/1."
    return notes.write(Generation.objects.get(pk=pk), text, author_id=user_id, now=timezone.now()).pk


def protect(membership_id: int) -> dict[str, Any]:
    """Give this person an authenticator app, recovery codes and a passkey."""
    membership = Membership.objects.select_related("user").get(pk=membership_id)
    TOTP.activate(membership.user, generate_totp_secret())
    RecoveryCodes.activate(membership.user)
    kept = {"name": "A key with a rather long name", "credential": registered(membership.user.email)}
    passkey = Authenticator.objects.create(user=membership.user, type=Authenticator.Type.WEBAUTHN, data=kept)
    return {"person": _person(membership), "passkey": passkey.pk}


def invite(workspace_id: int, user_id: int, email: str) -> str:
    """Invite this address as the page does, without a mail; the answer is the link's path."""
    inviter = Membership.objects.select_related("user", "workspace").get(workspace_id=workspace_id, user_id=user_id)
    sent = invitations.invite(acting(inviter), email=email, role=Role.MEMBER, now=timezone.now())
    return f"/invitation/{sent.token}/"


def open_invitation(workspace_id: int) -> int:
    return Invitation.objects.filter(workspace_id=workspace_id).latest("pk").pk


def unsubscribe_path(membership_id: int) -> str:
    membership = Membership.objects.get(pk=membership_id)
    return reverse("news:unsubscribe", args=[unsubscribe_token(membership)])


def is_told(pk: int) -> bool:
    """Whether anybody was told of this generation."""
    return Notice.objects.filter(event__generation=pk).exists()


@transaction.atomic
def tell_of_everything(connection_id: int, user_id: int) -> None:
    """News of every kind for this person, of work of their own."""
    connection, now = Connection.objects.get(pk=connection_id), timezone.now()
    made = [
        make_generation(connection, state=state, created_by_id=user_id, prompt="A lighthouse at dusk")
        for state in (State.SUCCEEDED, State.FAILED)
    ]
    for generation, kind in product(made, (EventKind.AT_RISK, EventKind.LOST)):
        note([make_event(generation, kind, at=now)])
    for generation in made:
        note([make_event(generation, generation.state, at=now)])
    gather(connection.workspace_id, [row.pk for row in made], created_by_id=user_id, now=now)
    spread(now=now)


def end_sessions(user_id: int) -> None:
    """Sign this person out everywhere, as a session that has run out does."""
    Session.objects.filter(user=user_id).delete()


def prefer(user_id: int, theme: str) -> None:
    User.objects.filter(pk=user_id).update(theme=theme)


def track(connection_id: int, user_id: int, task_ids: list[str]) -> list[int]:
    """Track as the page does; the answer is the rows' numbers, in the order of the ids."""
    connection = Connection.objects.get(pk=connection_id)
    operations.track(connection, map(Wanted, task_ids), created_by_id=user_id, now=timezone.now())
    rows = dict(Generation.objects.filter(connection=connection).values_list("task_id", "pk"))
    return [rows[task_id] for task_id in task_ids]


def states(pks: list[int]) -> list[list[str]]:
    rows = {row.pk: [row.state, row.copy_state, row.attention] for row in Generation.objects.filter(pk__in=pks)}
    return [rows[pk] for pk in pks]


def are_files_safe(pk: int) -> bool:
    """Whether every file of a generation has its copy, our own pictures among them."""
    generation = Generation.objects.get(pk=pk)
    assets = list(generation.assets.all())
    return generation.has_poster and len(assets) > 2 and all(asset.copy_state == CopyState.ARCHIVED for asset in assets)


@transaction.atomic
def settled_many(connection_id: int, user_id: int, count: int, state: str = State.FAILED) -> None:
    """So many settled generations without files, a minute apart: "Take 1" is the newest, and every tenth is at night."""
    connection, now = Connection.objects.get(pk=connection_id), timezone.now()
    for number in range(1, count + 1):
        make_generation(
            connection,
            state=state,
            failure_kind=FailureKind.MODERATION if state == State.FAILED else "",
            created_by_id=user_id,
            task_id=str(uuid.uuid4()),
            prompt=f"Take {number} of a lighthouse" + (" at night" if number % 10 == 5 else ""),
            created_at=now - timedelta(minutes=number),
        )


@transaction.atomic
def one_of_each(connection_id: int, user_id: int) -> dict[str, int]:
    """A card in every state that has no file of its own; each is named by its prompt."""
    connection, now = Connection.objects.get(pk=connection_id), timezone.now()
    succeeded: dict[str, Any] = {"state": State.SUCCEEDED, "copy_state": CopyState.WANTED}
    pending: dict[str, Any] = {"state": State.RUNNING, "next_refresh_at": now + FAR}
    usual = {"usual_low_s": 40, "usual_high_s": 110, "usual_p90_s": 130}
    looks: dict[str, dict[str, Any]] = {
        "queued": {"state": State.QUEUED, "next_refresh_at": now + FAR},
        "running": pending | usual,
        "running, range unknown": pending,
        "finalising": pending | {"finalising_since": now},
        "saving": succeeded | {"copied_bytes": 4_000_000, "total_bytes": 9_000_000},
        "saving, urgent": succeeded
        | {"link_expires_at": now + timedelta(minutes=6), "copy_error": "The link is slow."},
        "saving, soon": succeeded | {"link_expires_at": now + timedelta(minutes=20)},
        "saving, later": succeeded | {"link_expires_at": now + timedelta(hours=5)},
        "copy failed": succeeded | {"attention": Attention.COPY_FAILED, "copy_error": "The file was cut."},
        "lost": succeeded
        | {"copy_state": CopyState.LOST, "attention": Attention.LOST, "copy_error": "The link had ended."},
        "moderation": {"state": State.FAILED, "failure_kind": FailureKind.MODERATION},
        "input": {"state": State.FAILED, "failure_kind": FailureKind.INPUT, "failure_reason": "Failed to read a frame"},
        "failed silently": {"state": State.FAILED},
        "no link": pending | {"attention": Attention.NO_LINK},
        "missing": pending | {"attention": Attention.MISSING},
        "parked": {"state": State.RUNNING, "next_refresh_at": None, "attention": Attention.PARKED},
        "key refused": pending | {"attention": Attention.KEY_REFUSED},
        "not an api": pending | {"attention": Attention.NOT_AN_API},
        "unknown id": {"state": State.QUEUED, "next_refresh_at": now + FAR, "attention": Attention.UNKNOWN_ID},
    }
    made: dict[str, int] = {}
    for number, (look, fields) in enumerate(looks.items(), start=1):
        prompt = f"{look.capitalize()}: a paper lighthouse above a calm sea"
        fields = {
            "task_id": str(uuid.uuid4()),
            "prompt": prompt,
            "created_at": now - timedelta(minutes=number),
        } | fields
        row = make_generation(connection, created_by_id=user_id, model="ray-2", aspect_ratio="16:9", **fields)
        if row.state == State.SUCCEEDED:
            is_lost = row.copy_state == CopyState.LOST
            make_asset(
                row,
                copy_state=CopyState.LOST if is_lost else CopyState.WANTED,
                next_copy_at=None if is_lost else now + FAR,
                error_text=row.copy_error,
            )
        made[look] = row.pk
    unnamed = make_generation(connection, task_id=str(uuid.uuid4()), prompt="", **pending)
    return made | {"without a prompt": unnamed.pk}


def rename(pk: int, title: str, user_id: int) -> None:
    operations.rename(Generation.objects.get(pk=pk), title, actor_id=user_id, now=timezone.now())


def trash_one(pk: int, user_id: int) -> None:
    operations.trash([Generation.objects.get(pk=pk)], actor_id=user_id, now=timezone.now())


def connect_another(
    workspace_id: int, base_url: str, name: str, kind: str = Kind.COMETAPI, key: str = "sk-1234"
) -> int:
    return make_connection(Workspace.objects.get(pk=workspace_id), kind=kind, base_url=base_url, name=name, key=key).pk


def share(workspace_id: int, user_id: int, pks: list[int], days: int | None = None, **terms: Any) -> dict[str, Any]:
    """Share these generations as the dialog does; the answer names the link and its path."""
    maker = Membership.objects.select_related("user", "workspace").get(workspace_id=workspace_id, user_id=user_id)
    now = timezone.now()
    ends = {"expires_at": now + timedelta(days=days) if days else None}
    link = sharing.make_link(acting(maker), pks, Terms(**ends | terms), now=now)
    address = address_of(link)
    assert address is not None
    return {"pk": link.pk, "path": reverse("sharing:page", args=[address])}


def lose_requests(connection_id: int, user_id: int) -> list[int]:
    """Requests of which nobody knows what came of them, one of each kind."""
    connection, owner, now = Connection.objects.get(pk=connection_id), User.objects.get(pk=user_id), timezone.now()
    candidates = [{"task_id": str(uuid.uuid4()), "created_at": now.isoformat()} for _ in range(2)]
    why = "The answer of api.example.com broke off or cannot be decoded."
    request = '{"prompt": "An empty ferry terminal in winter, long shadows, a single gull crossing the frame"}'
    lost = {"connection": connection, "owner": owner, "request": request, "error_text": why}
    return [
        make_intent(**lost).pk,
        make_intent(**lost, created_at=now, looked_at=now).pk,
        make_intent(**lost, created_at=now, candidates=candidates).pk,
        make_intent(connection, owner, state=IntentState.INTENDED).pk,
    ]


def listen(connection_id: int, user_id: int) -> list[int]:
    """Webhooks, one in each condition, with what they were told; the first has the longest log."""
    connection, now = Connection.objects.get(pk=connection_id), timezone.now()
    workspace = connection.workspace
    works = make_webhook(workspace, name="Render farm of Northlight, with a rather long name", delivered_at=now)
    fails = make_webhook(
        workspace, "https://hooks.example/services/T01/B02/planted", name="Studio bot", failing_since=now
    )
    paused = make_webhook(workspace, name="Client portal", pause_reason="failing", paused_at=now, format="slack")
    made = {"state": State.SUCCEEDED, "created_by_id": user_id, "task_id": str(uuid.uuid4())}
    row = make_generation(connection, prompt="A quiet harbour at dawn, one gull crossing the frame", **made)
    over = {"next_try_at": None, "attempts": 1}
    make_delivery(works, row, state=DeliveryState.DELIVERED, answer_status=200, **over)
    make_delivery(
        works, row, kind=EventKind.LOST, error_text="hooks.example answered 503.", answer_status=503, attempts=4
    )
    make_delivery(works, row, kind=EventKind.AT_RISK, state=DeliveryState.GIVEN_UP, **over)
    callback = callbacks.begin(
        workspace.pk, "https://scripts.northlight-studio.example/done", created_by_id=user_id, now=now
    )
    callbacks.join(callback.pk, row.pk)
    callbacks.note_changes({row.pk: 2}, now=now)
    return [works.pk, fails.pk, paused.pk]


def has_looked(connection_id: int, user_id: int) -> None:
    """A look through the list of this connection that is over and found something."""
    connection, now = Connection.objects.get(pk=connection_id), timezone.now()
    prompt = "An empty ferry terminal in winter, long shadows, a single gull crossing the frame"
    Walk.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        started_by_id=user_id,
        is_dry=True,
        state=WalkState.DONE,
        ended_at=now,
        total=4_812,
        new_count=4_760,
        known_count=51,
        unreadable_count=1,
        oldest_at=now - timedelta(days=200),
        newest_at=now - timedelta(hours=3),
        sample=[{"prompt": prompt, "made_at": now.isoformat()}, {"prompt": "", "made_at": ""}],
    )


def allow_sites(workspace_id: int, user_id: int, sites: list[str]) -> None:
    """Let these sites show the workspace's films in a frame, as its settings do."""
    member = Membership.objects.select_related("user", "workspace").get(workspace_id=workspace_id, user_id=user_id)
    change_sites(acting(member), [clean_site(site) for site in sites])


def revoke(workspace_id: int, user_id: int, pk: int) -> None:
    maker = Membership.objects.select_related("user", "workspace").get(workspace_id=workspace_id, user_id=user_id)
    sharing.revoke(acting(maker), [ShareLink.objects.get(pk=pk)], now=timezone.now())


def used_up_views(pk: int) -> int:
    return ShareLink.objects.get(pk=pk).view_count


def hash_of(pk: int, role: str) -> str:
    """The sha256 of a file that is kept."""
    return Generation.objects.get(pk=pk).assets.get(role=role).sha256


def long_film(connection_id: int, user_id: int) -> int:
    """A generation whose film has some ten megabytes, so that no player has all of it at once."""
    connection = Connection.objects.get(pk=connection_id)
    fields = {"media_kind": "video", "width": 320, "height": 180, "copy_state": CopyState.ARCHIVED}
    row = make_generation(connection, state=State.SUCCEEDED, created_by_id=user_id, task_id=str(uuid.uuid4()), **fields)
    make_kept_asset(row, noise(seconds=8))
    return row.pk


def noise(*, seconds: int) -> bytes:
    """A film that cannot be pressed together."""
    chance, buffer = random.Random(1), BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        pictures = [Image.frombytes("RGB", (320, 180), chance.randbytes(320 * 180 * 3)) for _ in range(6)]
        for number in range(seconds * 24):
            film.mux(stream.encode(av.VideoFrame.from_image(pictures[number % len(pictures)])))
        film.mux(stream.encode())
    return buffer.getvalue()
