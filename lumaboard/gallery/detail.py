"""The page of one generation: player, files, prompt, life and history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lumaboard.accounts.access import Member, MemberRequest, member_required, member_required_with
from lumaboard.archive.viewing import is_asleep
from lumaboard.core.http import whole_number
from lumaboard.gallery.cards import card_of, custody_of
from lumaboard.gallery.context import is_beating, last_beat, shell_of
from lumaboard.gallery.forms import NoteForm
from lumaboard.gallery.life import history_of, life_of
from lumaboard.gallery.lineage import lineage_of, remakes_of
from lumaboard.generations.models import (
    Asset,
    AssetRole,
    CopyState,
    Generation,
    RawAnswer,
    State,
)
from lumaboard.generations.naming import short_id
from lumaboard.generations.paging import Place
from lumaboard.sharing.members.panels import open_links_of
from lumaboard.submission.models import Intent
from lumaboard.submission.pricing import Money

_MOST_PRETTY = 200_000

# The files people come for, in this order; pictures made for our own pages are not listed.
_FILE_ICONS = {
    AssetRole.RAW: "film",
    AssetRole.WATERMARKED: "droplet",
    AssetRole.PREVIEW: "tag",
    AssetRole.THUMBNAIL: "image",
    AssetRole.LAST_FRAME: "image",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One of the files that upstream gave, or that we made for outsiders: how safe it is, and where it can be had."""

    label: str
    icon: str
    asset: Asset
    is_safe: bool
    is_made_here: bool
    url: str | None  # to look at
    download_url: str | None  # None where there is no copy, or this member may not have it
    note: str


@member_required_with(beaten_at=last_beat())
@require_safe
def detail(request: MemberRequest, pk: int) -> HttpResponse:
    """Everything about one generation."""
    generation = _generation(request.member, pk)
    context = _context(request, generation)
    newer, older = _neighbours(request.member, generation)
    context |= {"newer": newer, "older": older}
    return render(request, "gallery/detail.html", context)


@member_required_with(beaten_at=last_beat())
@require_safe
def live(request: MemberRequest, pk: int) -> HttpResponse:
    """What changed about this generation since the page's cursor; 204 without a look at it where nothing did anywhere."""
    member = request.member
    since = whole_number(request.GET.get("since", "")) or 0
    beating = "1" if is_beating(member.extra["beaten_at"]) else "0"
    if since > member.workspace.seq:  # a backup was restored beneath the open page: nothing on it can be trusted
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if since == member.workspace.seq and request.GET.get("beating") == beating:
        return HttpResponse(status=204)
    generation = _generation(member, pk)
    context = _context(request, generation)
    context["is_changed"] = generation.seq > since
    context["toasts"] = shell_of(request, member).toasts_since(since)
    return render(request, "gallery/_detail_live.html", context)


@member_required
@require_safe
def raw_answer(request: MemberRequest, pk: int) -> HttpResponse:
    """The provider's last document, as text: loaded when it is unfolded, and a plain page without script."""
    request.member.require("see_raw_answer")
    generation = _generation(request.member, pk)
    answer = get_object_or_404(RawAnswer, generation=generation)
    context = {
        "generation": generation,
        "answer": answer,
        "pretty": _pretty(answer.body),
        "detail_url": _url("detail", request.member, pk=generation.pk),
    }
    template = "gallery/_raw_answer.html" if getattr(request, "htmx", False) else "gallery/raw_answer.html"
    return render(request, template, context)


def _pretty(body: str) -> str:
    """Indent a JSON document; anything else stays as it came, and so does what indenting could make many times as long."""
    if len(body) > _MOST_PRETTY:
        return body
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def _generation(member: Member, pk: int) -> Generation:
    rows = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk)
    asked = Intent.objects.filter(generation=OuterRef("pk")).order_by("pk")
    estimate = {name: Subquery(asked.values(name)[:1]) for name in ("estimate", "estimate_currency")}
    return get_object_or_404(rows.with_people().with_star_of(member.user.pk).annotate(**estimate), pk=pk)


def _estimate(generation: Generation) -> Money | None:
    """What it was to cost when it was ordered here; `_generation` has read it along."""
    amount: Decimal | None = generation.estimate  # type: ignore[attr-defined]  # annotated
    currency: str = generation.estimate_currency  # type: ignore[attr-defined]  # annotated
    return Money(amount=amount, currency=currency) if amount is not None else None


def _context(request: MemberRequest, generation: Generation) -> dict[str, object]:
    member, now = request.member, timezone.now()
    assets = {AssetRole(asset.role): asset for asset in generation.assets.all()}
    safe = {role for role, asset in assets.items() if asset.copy_state == CopyState.ARCHIVED}
    transitions = list(generation.transitions.order_by("number"))
    main = assets.get(AssetRole.RAW) or assets.get(AssetRole.WATERMARKED)
    playable = _playable(assets, member)
    files = file_rows(generation, assets, member)
    return {
        "generation": generation,
        "card": card_of(generation, workspace_slug=member.workspace.slug, now=now),
        "custody": custody_of(generation, now=now),
        "short_task_id": short_id(generation.task_id),
        "files": files,
        "best_file": next((file for file in files if file.download_url), None),
        "needs_fetching": any(not file.is_safe and file.asset.copy_state != CopyState.COPYING for file in files),
        "download_stem": slugify(generation.title or generation.prompt)[:60] or short_id(generation.task_id),
        "main": main,
        "video_url": _url("media", member, pk=generation.pk, role="main") if playable else None,
        "poster_url": _url("media", member, pk=generation.pk, role="poster") if AssetRole.POSTER in safe else None,
        "sprite_url": _url("media", member, pk=generation.pk, role="sprite") if AssetRole.SPRITE in safe else None,
        "frame_rate": playable.frame_rate if playable and playable.frame_rate else 24,
        "spans": life_of(generation, transitions, main, now=now),
        "events": history_of(generation, transitions, main),
        "estimate": _estimate(generation),
        "request_facts": _request_facts(generation),
        "may_change": member.may_change(generation.created_by_id),
        "notes": generation.notes.filter(deleted_at=None).select_related("author").order_by("created_at", "id"),
        "note_form": NoteForm(),
        "may_note": member.may("note"),
        "may_delete_notes": member.may("note") and member.may("change_all"),
        "may_set_private": member.owns(generation.created_by_id),
        "share": _share(member, generation, now=now),
        "remakes": remakes_of(generation, member),
        "lineage": lineage_of(generation, member),
        "may_see_raw_answer": member.may("see_raw_answer"),
        "has_answer": generation.applied_at is not None,
        "seq": member.workspace.seq,
        "is_beating": is_beating(member.extra["beaten_at"]),
        "shell": shell_of(request, member),
    }


def _share(member: Member, generation: Generation, *, now: datetime) -> dict[str, object] | None:
    """Where it is shared, and by how many open links it is; None where it cannot be, or not by this member."""
    if not member.may("share") or generation.trashed_at is not None or generation.is_private:
        return None
    if generation.state == State.FAILED or generation.copy_state == CopyState.LOST:
        return None
    url = reverse("sharing:new", args=[member.workspace.slug])
    return {"url": f"{url}?g={generation.pk}", "count": open_links_of(member, generation.pk, now=now).count()}


def _playable(assets: dict[AssetRole, Asset], member: Member) -> Asset | None:
    """The archived file this member's player gets: raw for those who may have it, else a marked one."""
    marked = (AssetRole.WATERMARKED, AssetRole.PREVIEW)
    roles = (AssetRole.RAW, *marked) if member.may("download_raw") else marked
    archived = (assets[role] for role in roles if role in assets and assets[role].copy_state == CopyState.ARCHIVED)
    return next(archived, None)


def file_rows(generation: Generation, assets: dict[AssetRole, Asset], member: Member) -> list[FileRow]:
    """The files in a fixed order, each with its download where there is a copy this member may have.

    A preview that sleeps, because it has to wait for a film or upstream's own is marked, is nothing to tell of.
    """
    rows = []
    for role in _FILE_ICONS:
        if (asset := assets.get(role)) is None or is_asleep(asset):
            continue
        is_safe = asset.copy_state == CopyState.ARCHIVED
        may = is_safe and (role != AssetRole.RAW or member.may("download_raw"))
        rows.append(
            FileRow(
                label=str(role.label),
                icon=_FILE_ICONS[role],
                asset=asset,
                is_safe=is_safe,
                is_made_here=role == AssetRole.PREVIEW,
                url=_url("media", member, pk=generation.pk, role=role.value) if may else None,
                download_url=_url("download", member, pk=generation.pk, role=role.value) if may else None,
                note=_file_note(asset, may=may),
            )
        )
    return rows


def _file_note(asset: Asset, *, may: bool) -> str:
    if asset.copy_state == CopyState.ARCHIVED:
        return "" if may else _("Your role may download marked files only.")
    return asset.error_text


def _request_facts(generation: Generation) -> list[tuple[str, str]]:
    """The parameters as the provider echoes them, simple values only; the rest stands in the raw answer."""
    shown = {"prompt", "aspect_ratio", "model", "resolution", "duration", "generation_type"}
    echo = generation.request if isinstance(generation.request, dict) else {}
    return [
        (str(name).replace("_", " "), _("yes") if value is True else str(value)[:200])
        for name, value in echo.items()
        if name not in shown and isinstance(value, (str, int, float)) and value not in ("", False)
    ]


def _neighbours(member: Member, generation: Generation) -> tuple[str, str]:
    """Where the newer and the older generation in the gallery are (empty at the ends); two index look-ups."""
    present = Generation.objects.in_workspace(generation.workspace_id).present()
    rows = present.arms_for(member.user.pk).each(lambda rows: rows.only("created_at"))
    place = Place.of(generation)
    newer = rows.filter(place.newer(at="created_at")).first("created_at", "id", limit=1)
    older = rows.filter(place.older(at="created_at")).newest(1)
    urls = [next((_url("detail", member, pk=row.pk) for row in found), "") for found in (newer, older)]
    return urls[0], urls[1]


def _url(name: str, member: Member, *, pk: int, role: str | None = None) -> str:
    arguments: dict[str, object] = {"workspace": member.workspace.slug, "pk": pk}
    if role is None:
        return reverse(f"gallery:{name}", kwargs=arguments)
    return reverse(f"archive:{name}", kwargs={**arguments, "role": role})
