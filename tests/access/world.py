"""A workspace with one of everything, the people who come to it, and words that give away who saw what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from lumaboard.accounts.models import Invitation, Membership, Role, Workspace
from lumaboard.accounts.tokens import hash_token, new_token
from lumaboard.connections.models import Connection
from lumaboard.generations.counters import Beat
from lumaboard.generations.models import AssetRole, CopyState, Generation, RawAnswer, State
from lumaboard.generations.remarks import Note
from lumaboard.news.hooks import callbacks
from lumaboard.news.hooks.models import Delivery, DeliveryState
from lumaboard.news.hooks.sealed import token_of as token_of_callback
from lumaboard.sharing.addresses import address_of
from lumaboard.sharing.models import Download, Logo, ShareLink, SharePolicy
from lumaboard.sharing.operations import Terms, make_link
from lumaboard.submission.models import IntentState, Source
from lumaboard.submission.pictures import link_to
from tests.access.passkeys import registered
from tests.access.people import ACTORS, ELSEWHERE, GUEST, MEMBERS, PROGRAMS, Actor, token_of
from tests.accounts.pages import prove
from tests.conftest import client_of
from tests.factories import (
    NOW,
    acting,
    make_connection,
    make_delivery,
    make_generation,
    make_intent,
    make_invitation,
    make_kept_asset,
    make_member,
    make_picture,
    make_price,
    make_token,
    make_webhook,
    make_workspace,
)

MISSING = {"pk": 999_999_999, "handle": "0" * 64, "address": "A" * 43, "token": UUID(int=0)}
FROM_OUR_PAGE = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form that a page of ours holds."""
NO_WORKSPACE = "no-such-workspace"
OWNER = ACTORS[0]
LINK_PASSWORD = "open sesame 0123"
_PICTURES = {AssetRole.THUMBNAIL, AssetRole.LAST_FRAME, AssetRole.POSTER, AssetRole.SPRITE, AssetRole.CARD}


class Of(StrEnum):
    """What kind of thing a path names, by its `pk` or otherwise."""

    NOTHING = ""
    GENERATION = "generation"
    CONNECTION = "connection"
    PERSON = "person"
    INTENT = "request whose outcome is not known"
    TAKES = "takes of one form"
    PRICE = "price"
    PICTURE = "picture to begin a film with"
    INVITATION = "invitation"
    SIGN_IN = "sign-in"
    PASSKEY = "passkey"
    TOKEN = "API token"
    WEBHOOK = "webhook"
    DELIVERY = "delivery to a webhook"
    NOTE = "note"
    DELETED_NOTE = "note that was deleted"
    SHARE = "share link, as members see it"
    LINK = "share link, as guests see it"


class Which(StrEnum):
    """Which of those things it is, seen from who asks."""

    THE_WORKSPACES = ""
    OWN = "own"
    OTHERS = "a colleague's"
    PRIVATE = "a colleague's, private"
    ABROAD = "ours, through their own workspace"
    OPEN = "open, to take away"
    SHOWN = "open, only shown"
    LOCKED = "locked"
    REVOKED = "revoked"
    EXPIRED = "expired"
    USED_UP = "used up"


LINKS = (Which.OPEN, Which.SHOWN, Which.LOCKED, Which.REVOKED, Which.EXPIRED, Which.USED_UP)
DEAD_LINKS = (Which.REVOKED, Which.EXPIRED, Which.USED_UP)


class Planted:
    """Words that stand nowhere but in this workspace, by what it takes to read them."""

    OF_THE_WORKSPACE = (
        "planted-workspace-name",
        "planted-prompt",
        "planted-title",
        "planted-task-id",
        "planted-model",
        "planted-connection-name",
        "planted-note",
        "Planted Colleague",
        "planted.colleague@example.com",
        "Planted Founder",
        "planted.founder@example.com",
    )
    BY_RIGHT = {  # noqa: RUF012  (a table)
        "download_raw": ("planted-raw-film",),
        "see_raw_answer": ("planted-raw-answer",),
        "manage_connections": ("PL4N",),  # the last characters of the key
        "manage_members": ("planted.guest@example.com",),
        "manage_webhooks": ("planted-webhook-name",),
    }
    NOBODYS = (
        "planted-upstream-key",
        "planted-webhook-path",
        "hidden-prompt",
        "hidden-title",
        "hidden-task-id",
        "hidden-note",
        "hidden-raw-",
        "hidden-poster-",
    )

    OF_LINKS = ("planted-link-name",)
    FILMS = ("planted-watermarked-film", "planted-poster-film", "planted-preview-film", "planted-social-film")

    @classmethod
    def hidden_from(cls, actor: Actor) -> tuple[str, ...]:
        """What no answer of the workspace's own pages to this person may hold."""
        of_rights = [words for right, words in cls.BY_RIGHT.items() if not actor.may(right)]
        of_members = () if actor.role else (*cls.OF_THE_WORKSPACE, *cls.OF_LINKS)
        return (*cls.NOBODYS, *of_members, *chain.from_iterable(of_rights))

    @classmethod
    def hidden_by_links(cls, *, lets_in: bool) -> tuple[str, ...]:
        """The same of what a link answers, whoever asks."""
        behind = (*cls.NOBODYS, *cls.OF_THE_WORKSPACE[1:], *chain.from_iterable(cls.BY_RIGHT.values()))
        return behind if lets_in else (*behind, cls.OF_THE_WORKSPACE[0], *cls.OF_LINKS, *cls.FILMS)


@dataclass(slots=True, kw_only=True)
class World:
    """Two workspaces, and who is in them. Walks ask for what is in `workspace`."""

    workspace: Workspace
    abroad: Workspace
    connection: Connection
    colleague: Membership
    invitation: Invitation
    secrets: dict[str, dict[str, str]]
    """By address, the values of its path that are secrets."""
    colleagues: Generation
    private: Generation
    """The colleague's as well, and seen by nobody else."""
    delivery: Delivery
    """To the one webhook there is."""
    takes: dict[str, UUID] = field(default_factory=dict)
    """By actor's name, the form of theirs that ordered some."""
    price: int = 0
    pictures: dict[str, int] = field(default_factory=dict)
    """By actor's name, one that they gave."""
    intents: dict[str, int] = field(default_factory=dict)
    """By actor's name, a request of theirs whose outcome is not known; the colleague has a private one too."""
    generations: dict[str, Generation] = field(default_factory=dict)
    """By actor's name, one that is theirs."""
    members: dict[str, Membership] = field(default_factory=dict)
    """By actor's name."""
    sign_ins: dict[str, str] = field(default_factory=dict)
    """By actor's name, what a sign-in of theirs in another browser is called."""
    passkeys: dict[str, int] = field(default_factory=dict)
    """By actor's name, one that is theirs."""
    tokens: dict[str, int] = field(default_factory=dict)
    """By actor's name, one that is theirs."""
    links: dict[Which, str] = field(default_factory=dict)
    """Their addresses; all of them show the colleague's generation."""
    shares: dict[str, int] = field(default_factory=dict)
    """By actor's name, a link that they made."""
    other_locked_link: str = ""
    """Locked as well, with other things behind it."""
    notes: dict[tuple[str, bool], int] = field(default_factory=dict)
    """By its writer's name, and whether it was deleted, a note on the colleague's generation."""
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    """By actor's name, what their browser holds."""

    def values(self, of: Of, which: Which, actor: Actor) -> dict[str, object]:
        """The values of a path that leads to this thing; `MISSING` holds those that lead to nothing."""
        own = OWNER.name if actor in PROGRAMS else actor.name  # programs act for the owner
        match of:
            case Of.GENERATION:
                others = self.private if which == Which.PRIVATE else self.colleagues
                return {"pk": (self.generations[own] if which == Which.OWN else others).pk}
            case Of.TAKES:
                return {"token": self.takes[own if which == Which.OWN else "colleague"]}
            case Of.PRICE:
                return {"pk": self.price}
            case Of.PICTURE:
                return {"pk": self.pictures[own if which == Which.OWN else "colleague"]}
            case Of.INTENT:
                others = "private" if which == Which.PRIVATE else "colleague"
                return {"pk": self.intents[actor.name if which == Which.OWN else others]}
            case Of.NOTE | Of.DELETED_NOTE:
                on = self.private if which == Which.PRIVATE else self.colleagues
                writer = {Which.OWN: actor.name, Which.PRIVATE: "private"}.get(which, "colleague")
                return {"pk": on.pk, "note": self.notes[writer, of == Of.DELETED_NOTE]}
            case Of.CONNECTION:
                return {"pk": self.connection.pk}
            case Of.WEBHOOK:
                return {"pk": self.delivery.webhook_id}
            case Of.DELIVERY:
                return {"pk": self.delivery.pk}
            case Of.PERSON:
                return {"pk": self.colleague.pk}
            case Of.INVITATION:
                return {"pk": self.invitation.pk}
            case Of.SIGN_IN:
                return {"handle": self.sign_ins[actor.name if which == Which.OWN else "colleague"]}
            case Of.PASSKEY:
                return {"pk": self.passkeys[actor.name if which == Which.OWN else "colleague"]}
            case Of.SHARE:
                return {"pk": self.shares[own if which == Which.OWN else "colleague"]}
            case Of.TOKEN:
                return {"pk": self.tokens[actor.name if which == Which.OWN else "colleague"]}
            case Of.LINK:
                return {"address": self.links[which], "number": 1}
            case Of.NOTHING:
                return {}

    def hand_over(self, browser: Client, actor: Actor) -> None:
        """Give this browser to somebody: it holds what theirs holds, and nothing of who had it before."""
        browser.cookies.clear()
        for name, value in self.cookies.get(actor.name, {}).items():
            browser.cookies[name] = value


def email_of(actor: Actor) -> str:
    return f"{actor.name}@example.com"


def make_world() -> World:
    workspace = make_workspace("planted-workspace-name", slug="northlight")
    abroad = make_workspace("Southlight", slug="southlight")
    connection = make_connection(
        workspace,
        kind="cometapi",
        key="sk-planted-upstream-key-PL4N",
        name="planted-connection-name",
        base_url="http://127.0.0.1:1",
    )
    colleague = make_member(
        "Planted Colleague", role=Role.MEMBER, workspace=workspace, email="planted.colleague@example.com"
    )
    founder = make_member("Planted Founder", workspace=workspace, email="planted.founder@example.com")
    token = new_token()
    colleagues = _one_with_everything(connection, colleague)
    world = World(
        workspace=workspace,
        abroad=abroad,
        connection=connection,
        colleague=colleague,
        invitation=make_invitation(founder, email="planted.guest@example.com", token=token, role=Role.VIEWER),
        secrets={
            "invitation": {"token": token},
            "account_reset_password_from_key": {
                "uidb36": user_pk_to_url_str(colleague.user),
                "key": default_token_generator.make_token(colleague.user),
            },
            "hook": {"token": _called_back(colleagues)},
        },
        colleagues=colleagues,
        delivery=_told(colleagues),
        private=_one_with_everything(connection, colleague, planted="hidden", is_private=True),
    )
    beaten_at = timezone.now() + timedelta(hours=1)  # a sign of life that is young for as long as a walk takes
    Beat.objects.create(name="tick", due_at=beaten_at, beaten_at=beaten_at)
    for actor in ACTORS:
        if actor.has_session:
            _arrive(world, actor)
    _protect(world, "colleague", colleague)
    world.intents["colleague"] = _one_unknown(connection, colleague)
    world.price = make_price(workspace, model="planted-model").pk
    given = make_picture(colleague)
    world.pictures["colleague"] = given.pk
    world.secrets["submission:picture_link"] = {"token": link_to(given, now=timezone.now()).split("/")[-2]}
    world.takes["colleague"] = _ordered(connection, colleague)
    world.intents["private"] = _one_unknown(connection, colleague, planted="hidden", is_private=True)
    _give_tokens(world)
    _share(world)
    _note(world)
    workspace.refresh_from_db()
    return world


def _told(generation: Generation) -> Delivery:
    """What a webhook whose path nobody may see again was told."""
    webhook = make_webhook(generation.workspace, "http://127.0.0.1:1/planted-webhook-path", name="planted-webhook-name")
    return make_delivery(webhook, generation, state=DeliveryState.DELIVERED, next_try_at=None, answer_status=200)


def _called_back(generation: Generation) -> str:
    """The token with which upstream calls us about this one."""
    callback = callbacks.begin(generation.workspace_id, "http://127.0.0.1:1/theirs", created_by_id=None, now=NOW)
    callbacks.join(callback.pk, generation.pk)
    return token_of_callback(callback)


def _arrive(world: World, actor: Actor) -> None:
    """Give somebody an account and a session; who was removed or deactivated was signed in before that."""
    workspace = world.abroad if actor == ELSEWHERE else world.workspace
    membership = make_member(
        f"{actor.name} somebody", role=actor.role or Role.OWNER, workspace=workspace, email=email_of(actor)
    )
    browser = Client()
    browser.force_login(membership.user)
    prove(browser)  # what asks for a fresh proof is then judged by who asks alone
    world.cookies[actor.name] = {name: morsel.value for name, morsel in browser.cookies.items()}
    _protect(world, actor.name, membership)
    if actor in MEMBERS:
        world.members[actor.name] = membership
        world.generations[actor.name] = _one_with_everything(world.connection, membership)
        world.pictures[actor.name] = make_picture(membership).pk
        world.takes[actor.name] = _ordered(world.connection, membership)
        world.intents[actor.name] = _one_unknown(world.connection, membership)
    elif actor == ELSEWHERE:
        world.generations[actor.name] = _one_with_everything(make_connection(workspace), membership, planted="own")
    elif actor.name == "removed":
        membership.delete()
    elif actor.name == "deactivated":
        membership.user.is_active = False
        membership.user.save()


def _protect(world: World, name: str, membership: Membership) -> None:
    """Give somebody every second factor, and a sign-in in another browser."""
    user, browser = membership.user, client_of(membership)
    world.sign_ins[name] = hash_token(browser.session.session_key or "")
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    kept = {"name": "A key", "credential": registered(name)}
    passkey = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=kept)
    world.passkeys[name] = passkey.pk
    world.tokens[name] = make_token(membership, name="planted-token-name").row.pk


def _give_tokens(world: World) -> None:
    """Give each program its token; that it is used was just noted, so that nothing is written when it is."""
    stranger = Membership.objects.get(workspace=world.abroad)
    for actor in PROGRAMS:
        maker = world.members[OWNER.name] if actor.role else stranger
        row = make_token(maker, *(actor.scopes or ())).row
        row.token_hash, row.last_used_at = hash_token(token_of(actor.name)), timezone.now() + timedelta(hours=1)
        row.save()


def _share(world: World) -> None:
    """Share the colleague's generation by a link of each kind, and let the guest into the locked one."""
    now = timezone.now()
    SharePolicy.objects.create(workspace=world.workspace, accent="#7c5cff")
    Logo.objects.create(workspace=world.workspace, png=b"a logo", sha256="0" * 64, width=24, height=24)
    terms: dict[Which, dict[str, Any]] = {
        Which.OPEN: {"download": Download.WATERMARKED},
        Which.LOCKED: {"download": Download.WATERMARKED, "password": LINK_PASSWORD},
        Which.USED_UP: {"view_limit": 1},
    }
    ended: dict[Which, dict[str, Any]] = {
        Which.REVOKED: {"revoked_at": now},
        Which.EXPIRED: {"expires_at": now - timedelta(days=1)},
        Which.USED_UP: {"view_count": 1},
    }
    for which in LINKS:
        wanted = Terms(name="planted-link-name", expires_at=now + timedelta(days=7), **terms.get(which, {}))
        link = make_link(acting(world.colleague), [world.colleagues.pk], wanted, now=now)
        ShareLink.objects.filter(pk=link.pk).update(**ended.get(which, {"expires_at": link.expires_at}))
        world.links[which] = address_of(link) or ""
        world.shares["colleague"] = world.shares.get("colleague", link.pk)
    for actor in MEMBERS:  # whatever they may do now, once they shared something
        maker = replace(acting(world.members[actor.name]), role=Role.OWNER)
        wanted = Terms(name="planted-link-name", expires_at=now + timedelta(days=7))
        world.shares[actor.name] = make_link(maker, [world.colleagues.pk], wanted, now=now).pk
    other = Terms(name="Another name", expires_at=None, password=new_token())
    generations = [
        generation.pk for generation in world.generations.values() if generation.workspace == world.workspace
    ]
    link = make_link(acting(world.colleague), generations, other, now=now)
    world.other_locked_link = address_of(link) or ""
    browser = Client()
    browser.post(f"/s/{world.links[Which.LOCKED]}/", {"password": LINK_PASSWORD}, headers=FROM_OUR_PAGE)
    world.cookies[GUEST.name] = {name: morsel.value for name, morsel in browser.cookies.items()}


def _ordered(connection: Connection, owner: Membership) -> UUID:
    """A form that was sent, and the token it had."""
    token = uuid4()
    make_intent(
        connection,
        owner.user,
        state=IntentState.REFUSED,
        source=Source.FORM,
        idempotency_key=f"form {token} 1",
        error_text="planted-refusal",
    )
    return token


def _one_unknown(
    connection: Connection, owner: Membership, *, planted: str = "planted", is_private: bool = False
) -> int:
    """A request whose answer got lost, and what it could have become."""
    return make_intent(
        connection,
        owner.user,
        request=f'{{"prompt": "{planted}-prompt"}}',
        state=IntentState.UNKNOWN,
        candidates=[{"task_id": "planted-candidate", "created_at": NOW.isoformat()}],
        is_private=is_private,
    ).pk


def _note(world: World) -> None:
    """Let everybody have written a note on the colleague's generation, whatever they may do now, and one that they deleted."""
    writers = {name: (world.colleagues, membership) for name, membership in world.members.items()}
    writers |= {"colleague": (world.colleagues, world.colleague), "private": (world.private, world.colleague)}
    for name, (generation, writer) in writers.items():
        text = "hidden-note" if name == "private" else "planted-note"
        for is_deleted in (False, True):
            how = {"deleted_at": timezone.now(), "deleted_by": writer.user} if is_deleted else {}
            note = Note.objects.create(generation=generation, author=writer.user, text=text, created_at=NOW, **how)
            world.notes[name, is_deleted] = note.pk


def _one_with_everything(
    connection: Connection, owner: Membership, *, planted: str = "planted", is_private: bool = False
) -> Generation:
    """A generation with a copied file of every role, its raw answer, and a word in each of its texts."""
    generation = make_generation(
        connection,
        state=State.SUCCEEDED,
        copy_state=CopyState.ARCHIVED,
        created_by=owner.user,
        task_id=f"{planted}-task-id-{owner.user.pk}",
        prompt=f"{planted}-prompt",
        title=f"{planted}-title",
        model=f"{planted}-model",
        applied_at=NOW,
        is_private=is_private,
    )
    RawAnswer.objects.create(generation=generation, body=f'{{"said": "{planted}-raw-answer"}}', received_at=NOW)
    for role in AssetRole:
        extension = "jpg" if role in _PICTURES else "mp4"
        make_kept_asset(generation, f"{planted}-{role}-film".encode(), role=role, extension=extension)
    return generation
