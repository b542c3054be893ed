"""Pictures that people give to begin or end a film with: kept in our storage, and shown to the provider by a link that ends.

A link names the picture and its own end, signed; it ends at a midnight, so that the same wish sent twice is the same request.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.core.files import File
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member
from lumaboard.accounts.models import User, Workspace
from lumaboard.archive import room, storage
from lumaboard.archive.errors import NoRoom
from lumaboard.archive.named import give_room_back, named_beside_assets
from lumaboard.archive.names import extension_of
from lumaboard.generations.models import Asset, CopyState
from lumaboard.media import worker
from lumaboard.media.container import BrokenContainer, verify_container
from lumaboard.media.errors import MediaError
from lumaboard.media.facts import MediaFacts
from lumaboard.media.sniff import HEAD_BYTES, MediaType, sniff
from lumaboard.submission.models import Picture

MOST_BYTES: Final = 8 * 2**20
MOST_PIXELS: Final = 40_000_000
LINK_LIVES: Final = timedelta(days=1)
"""At least; at most twice that."""

UNUSED_FOR: Final = timedelta(days=1)
USED_FOR: Final = timedelta(days=90)
"""So long a picture is kept after the last order with it, to make the same again."""

_SALT: Final = "lumaboard.submission.pictures"
_AT_ONCE: Final = 200


class NoPicture(Exception):
    """The file is not kept. The message is for people."""


def keep(member: Member, upload: File[bytes], *, now: datetime) -> Picture:
    """Bring an uploaded picture into our storage; the same one twice is once. Takes a second. Raises `NoPicture`.

    What it is, its bytes say; they are walked to their end and decoded once, in the media process.
    """
    size = upload.size
    if size > MOST_BYTES:
        raise NoPicture(_("This picture is larger than %(count)d MB.") % {"count": MOST_BYTES // 2**20})
    workspace_id = member.workspace.pk
    try:
        room.check_quota(workspace_id, size)
        room.check_disk(size)
    except NoRoom as error:
        raise NoPicture(_("There is no room for another picture on this server, or in this workspace.")) from error
    with storage.PartFile(workspace_id) as part:
        for chunk in upload.chunks():
            part.write(chunk)
        part.flush()
        media_type, facts = _look_at(part)
        stored = part.keep(extension=media_type.extension)
    return _record(member, stored, media_type, facts, now=now)


def of_member(member: Member, pk: int | None) -> Picture | None:
    """The picture of this number, if this person gave it here."""
    if pk is None:
        return None
    return Picture.objects.filter(workspace=member.workspace, created_by=member.user, pk=pk).first()


def link_to(picture: Picture, *, now: datetime) -> str:
    """The address at which the provider can fetch it, for a day or two."""
    ends_at = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + 2 * LINK_LIVES
    token = _signer().sign_object([picture.pk, int(ends_at.timestamp())])
    path = reverse("submission:picture_link", args=[token, extension_of(picture.stored_name)])
    return f"{settings.PUBLIC_URL}{path}"


def by_link(token: str, *, now: datetime) -> Picture | None:
    """The picture that a link shows at this moment; None for a link that has ended, or is not ours."""
    pk, ends_at = _read(token)
    if pk is None or now >= ends_at:
        return None
    there = Picture.objects.filter(workspace__deleted_at=None, created_by__is_active=True)
    return there.filter(pk=pk).first()


def pk_in(url: str) -> int | None:
    """The number of the picture that a link of ours leads to, whether or not it still does."""
    return _read(_token_in(url))[0]


def has_ended(url: str, *, now: datetime) -> bool:
    """Whether this is a link of ours that leads to nothing any more."""
    return url.startswith(_beginning()) and by_link(_token_in(url), now=now) is None


def forget_old(*, now: datetime) -> None:
    """Let go of what was never ordered with, and of what has not been for long."""
    is_over = Q(used_at=None) | Q(used_at__lte=now - USED_FOR)
    _forget(Picture.objects.filter(is_over, created_at__lte=now - UNUSED_FOR), most=_AT_ONCE)


def forget_of(person: User) -> None:
    """Remove everything that this person gave, in every workspace."""
    _forget(Picture.objects.filter(created_by=person))


def _forget(over: QuerySet[Picture], *, most: int | None = None) -> None:
    """Remove these, a workspace at a time; one that was given or ordered with again meanwhile is no longer among them."""
    by_workspace: dict[int, list[int]] = {}
    for pk, workspace_id in over.order_by("pk").values_list("pk", "workspace_id")[:most]:
        by_workspace.setdefault(workspace_id, []).append(pk)
    for workspace_id, pks in sorted(by_workspace.items()):
        with transaction.atomic():
            Workspace.objects.select_for_update().filter(pk=workspace_id).first()
            gone = list(over.filter(pk__in=pks).select_for_update())
            Picture.objects.filter(pk__in=[picture.pk for picture in gone]).delete()
            give_room_back(workspace_id, {picture.sha256: picture.size for picture in gone})


def _look_at(part: storage.PartFile) -> tuple[MediaType, MediaFacts]:
    with part.path.open("rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    if media_type is None or media_type.kind != "image":
        raise NoPicture(_("This is no picture that can be used: JPEG, PNG and WebP can."))
    try:
        verify_container(part.path, length_known=True)
        facts = worker.probe(part.path)
    except (BrokenContainer, MediaError) as error:
        raise NoPicture(_("This picture cannot be read. It may be damaged.")) from error
    if facts.width * facts.height > MOST_PIXELS:
        raise NoPicture(
            _("This picture has more than %(count)d million pixels. Make it smaller first.")
            % {"count": MOST_PIXELS // 1_000_000}
        )
    return media_type, facts


def _record(
    member: Member, stored: storage.StoredFile, media_type: MediaType, facts: MediaFacts, *, now: datetime
) -> Picture:
    """Write the row under the lock that the sweep asks under, and count the file unless an equal one is counted."""
    workspace_id = member.workspace.pk
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace_id)
        if not storage.exists(stored.name):
            raise NoPicture(_("The picture could not be kept. Choose it again."))
        equal = Asset.objects.filter(
            sha256=stored.sha256, copy_state=CopyState.ARCHIVED, generation__workspace_id=workspace_id
        )
        if not named_beside_assets(workspace_id, [stored.sha256]) and not equal.exists():
            Workspace.objects.filter(pk=workspace_id).update(stored_bytes=F("stored_bytes") + stored.size)
        picture, _is_new = Picture.objects.update_or_create(
            workspace=member.workspace,
            created_by=member.user,
            sha256=stored.sha256,
            defaults={
                "stored_name": stored.name,
                "content_type": media_type.content_type,
                "size": stored.size,
                "width": facts.width,
                "height": facts.height,
                "created_at": now,
            },
        )
    return picture


def _beginning() -> str:
    return f"{settings.PUBLIC_URL}/frames/"


def _token_in(url: str) -> str:
    return url.removeprefix(_beginning()).partition("/")[0] if url.startswith(_beginning()) else ""


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT)


def _read(token: str) -> tuple[int | None, datetime]:
    """What a token says, if it is ours: which picture, and until when."""
    try:
        pk, ends_at = _signer().unsign_object(token)
        return int(pk), datetime.fromtimestamp(ends_at, UTC)
    except (signing.BadSignature, ValueError, TypeError):
        return None, datetime.min.replace(tzinfo=UTC)
