"""What guests of a link get to see and take: which generations, and of each exactly which files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from lumaboard.archive.viewing import viewing_file
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation, State
from lumaboard.generations.shape import duration_text, ratio_class
from lumaboard.sharing.models import Download, ShareItem, ShareLink

_USUAL_SIZE: Final = (1280, 720)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One generation as guests of this link see it. A file that is not allowed, or not safe yet, is None."""

    number: int
    place: int  # among what is shown now, from 1
    title: str  # what it is called among others
    own_title: str  # what the workspace calls it, where the link says so
    film: Asset | None  # the one file that any address of this link leads to, besides its stills
    poster: Asset | None
    social: Asset | None  # the picture that chats show
    take_away: Asset | None
    width: int  # of the film; the usual ones until somebody has measured it
    height: int
    ratio_class: str
    duration_text: str
    is_picture: bool
    prompt: str = ""
    facts: tuple[tuple[str, str], ...] = field(default=())


def shown_by(link: ShareLink) -> list[Shown]:
    """Return what the link shows now, in its order; two queries, whatever their number.

    What lies in the trash, was made private or has no film is not there, and comes back by itself when that is over.
    """
    items = (
        ShareItem.objects.filter(
            link=link,
            generation__workspace_id=link.workspace_id,
            generation__trashed_at=None,
            generation__is_private=False,
            generation__state=State.SUCCEEDED,
        )
        .exclude(generation__copy_state=CopyState.LOST)
        .select_related("generation")
        .order_by("number")
    )
    rows = list(items)
    files: dict[int, dict[str, Asset]] = {}
    # Those that are not here yet as well: whether a film is marked is known once it can be held against the raw one.
    for asset in Asset.objects.filter(generation_id__in=[item.generation_id for item in rows]):
        files.setdefault(asset.generation_id, {})[asset.role] = asset
    return [
        _shown(link, item, place, len(rows), files.get(item.generation_id, {}))
        for place, item in enumerate(rows, start=1)
    ]


def _shown(link: ShareLink, item: ShareItem, place: int, total: int, files: dict[str, Asset]) -> Shown:
    row = item.generation
    kept = {role: asset for role, asset in files.items() if asset.copy_state == CopyState.ARCHIVED}
    film = (kept.get(AssetRole.RAW) if link.download == Download.RAW else None) or viewing_file(files)
    own_title = row.title if link.shows_details else ""
    width, height = _size(row, film)
    return Shown(
        number=item.number,
        place=place,
        title=own_title or _title(link, place, total),
        own_title=own_title,
        film=film,
        poster=_poster(link, kept),
        social=kept.get(AssetRole.SOCIAL),
        take_away=None if link.download == Download.NOTHING else film,
        width=width,
        height=height,
        ratio_class=ratio_class(row),
        duration_text=duration_text(row.duration_s) if row.media_kind == "video" else "",
        is_picture=row.media_kind == "image",
        prompt=row.prompt if link.shows_details else "",
        facts=_facts(row) if link.shows_details else (),
    )


def _poster(link: ShareLink, kept: dict[str, Asset]) -> Asset | None:
    """What stands there before the film plays: where the film is marked, so is its still."""
    return kept.get(AssetRole.POSTER if link.download == Download.RAW else AssetRole.STILL)


def _size(row: Generation, film: Asset | None) -> tuple[int, int]:
    if film is not None and film.width and film.height:
        return film.width, film.height
    if row.width and row.height:
        return row.width, row.height
    return _USUAL_SIZE


def _title(link: ShareLink, place: int, total: int) -> str:
    return link.name if total == 1 else _("%(place)d of %(total)d") % {"place": place, "total": total}


def _facts(row: Generation) -> tuple[tuple[str, str], ...]:
    size = f"{row.width} × {row.height}" if row.width and row.height else row.resolution
    told = ((_("Model"), row.model), (_("Format"), row.aspect_ratio), (_("Size"), size))
    return tuple((name, value) for name, value in told if value)
