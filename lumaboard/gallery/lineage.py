"""What a generation's page tells of where it comes from and what came of it, and the ways from it to new ones."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lumaboard.accounts.access import Member
from lumaboard.generations.models import Generation, State
from lumaboard.generations.naming import name_of
from lumaboard.submission.lineage import Piece, difference, offspring_of, origins_of
from lumaboard.submission.models import Kinship


@dataclass(frozen=True, slots=True, kw_only=True)
class Remake:
    """A way to the form, filled from this generation."""

    label: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A generation this one came of, or that came of it."""

    word: str
    title: str
    url: str
    is_origin: bool
    difference: list[Piece]


_BECAME = {
    Kinship.AGAIN: gettext_lazy("Made again as"),
    Kinship.VARY: gettext_lazy("Varied as"),
    Kinship.EXTEND: gettext_lazy("Continued by"),
    Kinship.REVERSE: gettext_lazy("Led into by"),
    Kinship.START_FRAME: gettext_lazy("Gave its frame to the start of"),
    Kinship.END_FRAME: gettext_lazy("Gave its frame to the end of"),
}


def remakes_of(generation: Generation, member: Member) -> list[Remake]:
    """What can be made of it: the same, a variation, and what goes on from it, where there is a film."""
    if not member.may("submit"):
        return []
    ways = [
        ("again", _("Make again"), "repeat", True),
        ("vary", _("Vary"), "sliders-horizontal", True),
        ("extend", _("Extend"), "arrow-right", False),
        ("reverse", _("Lead into it"), "arrow-left", False),
        ("first-frame", _("Use first frame"), "image", False),
    ]
    url = reverse("gallery:new", args=[member.workspace.slug])
    is_film = generation.state == State.SUCCEEDED and generation.media_kind != "image"
    return [
        Remake(label=label, icon=icon, url=f"{url}?from={generation.pk}&how={how}")
        for how, label, icon, is_always in ways
        if is_always or is_film
    ]


def lineage_of(generation: Generation, member: Member) -> list[Kin]:
    """What it came of, and what came of it, each with the words that differ; two queries."""
    slug = member.workspace.slug
    kin = []
    for relatives, is_origin in (
        (origins_of(generation, seen_by=member.user.pk), True),
        (offspring_of(generation, seen_by=member.user.pk), False),
    ):
        for relative in relatives:
            other = relative.generation
            before, after = (other, generation) if is_origin else (generation, other)
            kin.append(
                Kin(
                    word=str(relative.kind.label if is_origin else _BECAME[relative.kind]),
                    title=name_of(other),
                    url=reverse("gallery:detail", args=[slug, other.pk]),
                    is_origin=is_origin,
                    difference=difference(before.prompt, after.prompt) if before.prompt and after.prompt else [],
                )
            )
    return kin
