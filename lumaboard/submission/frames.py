"""Where a new film may begin or end: a picture that was uploaded or has an address, or a frame of a generation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member
from lumaboard.archive.links import links_of
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Asset, AssetRole, Generation, State
from lumaboard.submission import pictures
from lumaboard.submission.models import Picture
from lumaboard.submission.reach import reaches_us
from lumaboard.submission.wishes import Frame

STILL_GOOD_FOR: Final = timedelta(minutes=10)
"""A provider's link that ends sooner may be dead before the new film is begun."""

_ROLES: Final = {"first": AssetRole.THUMBNAIL, "last": AssetRole.LAST_FRAME}
_BY_ID: Final = {("start", "last"), ("end", "first")}
"""What upstream takes by a task id: a film that goes on where another ends, or ends where another begins."""


class NoFrame(Exception):
    """There is no such frame, or upstream cannot get it. The message is for people."""


def frame_of(
    kind: str,
    *,
    side: str,
    url: str = "",
    picture: Picture | None = None,
    generation: Generation | None = None,
    connection: Connection,
    now: datetime,
) -> tuple[Frame | None, int | None]:
    """Give the frame that was chosen for this side, and the generation it is of, where the request will not name it.

    Raises `NoFrame`.
    """
    if kind == "upload":
        return Frame(url=_link_to(picture, connection, now=now)), None
    if kind == "url":
        if pictures.has_ended(url.strip(), now=now):
            raise NoFrame(_("That link has ended. Upload the picture, or choose another."))
        return Frame(url=url.strip()), None
    if kind not in _ROLES:
        return None, None
    if generation is None:
        raise NoFrame(_("Choose the generation whose frame it is."))
    if generation.state != State.SUCCEEDED:
        raise NoFrame(_("That generation is not finished, so it has no such frame."))
    if generation.connection_id == connection.pk and (side, kind) in _BY_ID and generation.media_kind != "image":
        return Frame(task_id=generation.task_id), None
    asset = Asset.objects.filter(generation=generation, role=_ROLES[kind]).first()
    link = _link(asset, now=now) if asset is not None else None
    if link is None:
        raise NoFrame(
            _(
                "The provider's link to that frame has ended. Upload the picture, or give an address where it can be had."
            )
        )
    return Frame(url=link), generation.pk


def pictured(member: Member, limit: int) -> list[Generation]:
    """The newest finished films that this person sees."""
    rows = Generation.objects.in_workspace(member.workspace.pk).present().filter(state=State.SUCCEEDED)
    return list(rows.arms_for(member.user.pk).newest(limit))


def _link_to(picture: Picture | None, connection: Connection, *, now: datetime) -> str:
    if picture is None:
        raise NoFrame(_("Choose the picture to upload."))
    if not reaches_us(connection):
        raise NoFrame(cannot_fetch(connection.name))
    return pictures.link_to(picture, now=now)


def cannot_fetch(name: str) -> str:
    """Say why nothing can be uploaded for a provider."""
    return _(
        "“%(name)s” cannot fetch a picture from this board, because %(address)s is not an address it can reach. "
        "Give the address of a picture elsewhere."
    ) % {"name": name, "address": settings.PUBLIC_URL}


def _link(asset: Asset, *, now: datetime) -> str | None:
    """The provider's own link to a frame, if it lives long enough."""
    good = (link.url for link in links_of(asset) if link.expires_at is None or link.expires_at > now + STILL_GOOD_FOR)
    return next(good, None)
