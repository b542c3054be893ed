"""What members do with links: make, change, take things out, revoke, bring back. Each act writes its audit row with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from lumaboard.accounts.access import Member, lock_people
from lumaboard.archive.operations import want_preview, want_social
from lumaboard.audit.operations import record
from lumaboard.generations.counts import raise_seq
from lumaboard.generations.models import Act, CopyState, Generation, State
from lumaboard.generations.querysets import GenerationQuerySet
from lumaboard.sharing import addresses
from lumaboard.sharing.models import Download, ShareItem, ShareLink
from lumaboard.sharing.policies import PolicyBroken, demands_of, policy_of

MOST_ITEMS: Final = 200
EXTENSION: Final = timedelta(days=30)


class SlugTaken(Exception):
    """Another link of this installation has this address."""


class SlugNeedsPassword(Exception):
    """An address that can be guessed needs a password."""


class NothingToShare(Exception):
    """None of the generations is there for this member to share, or there are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a link allows, and for how long."""

    name: str = ""
    expires_at: datetime | None
    password: str | None = None  # None keeps the one there is, "" takes it away
    view_limit: int | None = None
    download: Download = Download.NOTHING
    shows_details: bool = False
    slug: str | None = None


def terms_of(link: ShareLink) -> Terms:
    """The terms as they are, so that one of them can be changed."""
    return Terms(
        name=link.name,
        expires_at=link.expires_at,
        view_limit=link.view_limit,
        download=Download(link.download),
        shows_details=link.shows_details,
        slug=link.slug,
    )


def make_link(member: Member, generations: Sequence[int], terms: Terms, *, now: datetime) -> ShareLink:
    """Share these generations, in this order. All of it or, with an error, nothing.

    Raises `PermissionDenied`, `NothingToShare`, `PolicyBroken`, `SlugTaken` and `SlugNeedsPassword`.
    """
    member.require("share")
    password = _hashed(terms)
    with transaction.atomic():
        link = ShareLink(workspace=member.workspace, created_by=member.user, created_at=now)
        addresses.give_token(link)
        _save(link, terms, password, now=now)
        shared = _add(member, link, generations, now=now)
        record(
            "link.made",
            workspace_id=link.workspace_id,
            actor_id=member.user.pk,
            target=link,
            generation_count=len(shared),
            **_told(link),
        )
    return link


def change_link(member: Member, link: ShareLink, terms: Terms, *, now: datetime) -> None:
    """Give a link other terms. A new password, or none, sends everybody who was let in back to the door.

    Raises as `make_link` does.
    """
    require_change(member, link)
    password = _hashed(terms)
    with transaction.atomic():
        _change(member, _locked(link), terms, password, now=now)


def add_items(member: Member, link: ShareLink, generations: Sequence[int], *, now: datetime) -> int:
    """Show more generations behind a link that is there already; those it shows stay as they are. Raises as `make_link`."""
    require_change(member, link)
    with transaction.atomic():
        current = _locked(link)
        added = _add(member, current, generations, now=now)
        record(
            "link.changed",
            workspace_id=link.workspace_id,
            actor_id=member.user.pk,
            target=link,
            added_count=len(added),
        )
    return len(added)


def take_out(member: Member, link: ShareLink, number: int) -> None:
    """Show this item no more; its number is not given again."""
    require_change(member, link)
    with transaction.atomic():
        deleted, _rows = ShareItem.objects.filter(link=link, number=number).delete()
        if deleted:
            record(
                "link.changed", workspace_id=link.workspace_id, actor_id=member.user.pk, target=link, removed_count=1
            )


def revoke(member: Member, links: Iterable[ShareLink], *, now: datetime) -> int:
    """End these links at once; returns how many were still open to end. Twice is once."""
    return _set_revoked(member, links, now, "link.revoked")


def bring_back(member: Member, links: Iterable[ShareLink], *, now: datetime) -> int:
    """Undo a revocation: the same address works again, within its other terms. Twice is once.

    All of them or, with `PolicyBroken`, none: the workspace may demand more by now.
    """
    with transaction.atomic():
        lock_people(member.workspace.pk)  # of a policy and a link that breaks it, one comes after the other
        current = [_locked(link) for link in sorted(links, key=lambda link: link.pk)]
        demands = demands_of(policy_of(member.workspace))
        for link in current:
            if not may_bring_back(member, link):
                raise PermissionDenied(_("An admin revoked this link, and only an admin can bring it back."))
            broken = demands.breaches(
                expires_at=link.expires_at, has_password=link.has_password, download=link.download, now=now
            )
            if broken:
                raise PolicyBroken(broken)
        return _set_revoked(member, current, None, "link.brought_back")


def extend(member: Member, link: ShareLink, *, now: datetime) -> None:
    """Let the link live thirty days longer, or as long as the workspace allows; one without an end stays without.

    Raises as `change_link` does, also where it may not live any longer.
    """
    require_change(member, link)
    with transaction.atomic():
        current = _locked(link)  # its other terms stay as they are now, not as they were when the page was read
        if current.expires_at is None:
            return
        later = max(now, current.expires_at) + EXTENSION
        if (most_days := demands_of(policy_of(current.workspace)).most_days) is not None:
            later = min(later, now + timedelta(days=most_days))
        if later <= current.expires_at:
            raise PolicyBroken(["expires_at"])
        _change(member, current, replace(terms_of(current), expires_at=later), None, now=now)


def may_change(member: Member, link: ShareLink) -> bool:
    """Whether this member may change, revoke and bring back the link: its maker, and who manages all links."""
    return member.may("manage_shares") or (link.created_by_id == member.user.pk and member.may("share"))


def may_bring_back(member: Member, link: ShareLink) -> bool:
    """Whether this member may undo a revocation: who manages all links, and makers those of their own."""
    return may_change(member, link) and (member.may("manage_shares") or link.revoked_by_id in (None, member.user.pk))


def require_change(member: Member, link: ShareLink) -> None:
    if not may_change(member, link):
        raise PermissionDenied(_("Only who made this link, or an admin, can change it."))


def _set_revoked(member: Member, links: Iterable[ShareLink], revoked_at: datetime | None, verb: str) -> int:
    changed = 0
    with transaction.atomic():
        for link in links:
            require_change(member, link)
            rows = ShareLink.objects.filter(pk=link.pk, revoked_at__isnull=revoked_at is not None)
            if rows.update(revoked_at=revoked_at, revoked_by=member.user if revoked_at else None):
                record(verb, workspace_id=link.workspace_id, actor_id=member.user.pk, target=link)
                changed += 1
    return changed


def _hashed(terms: Terms) -> str | None:
    """Hash the new password, which is slow on purpose, before any transaction; None keeps the one there is."""
    if terms.password is None:
        return None
    return make_password(terms.password) if terms.password else ""


def _locked(link: ShareLink) -> ShareLink:
    """The link as it is now, until the transaction ends."""
    return ShareLink.objects.select_for_update(no_key=True).get(pk=link.pk)


def _change(member: Member, current: ShareLink, terms: Terms, password: str | None, *, now: datetime) -> None:
    if (password is not None and (password or current.has_password)) or (
        current.view_limit is None and terms.view_limit is not None
    ):
        current.version += 1
    _save(current, terms, password, now=now)
    record("link.changed", workspace_id=current.workspace_id, actor_id=member.user.pk, target=current, **_told(current))


def _save(link: ShareLink, terms: Terms, password: str | None, *, now: datetime) -> None:
    """Write the terms. `password` is hashed already, "" takes it away, None keeps it."""
    lock_people(link.workspace_id)  # of a policy and a link that breaks it, one comes after the other
    if password is not None:
        link.password = password
    if terms.slug and not link.has_password:
        raise SlugNeedsPassword
    demands = demands_of(policy_of(link.workspace))
    broken = demands.breaches(
        expires_at=terms.expires_at, has_password=link.has_password, download=terms.download, now=now
    )
    if broken:
        raise PolicyBroken(broken)
    link.name, link.expires_at, link.view_limit = terms.name, terms.expires_at, terms.view_limit
    link.download, link.shows_details, link.slug = terms.download, terms.shows_details, terms.slug or None
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        if terms.slug and ShareLink.objects.filter(slug=terms.slug).exclude(pk=link.pk).exists():
            raise SlugTaken(terms.slug) from error
        raise


def _add(member: Member, link: ShareLink, pks: Sequence[int], *, now: datetime) -> list[int]:
    """Put those generations behind the link that this member can share, in the order given; returns their ids."""
    wanted, seq = list(dict.fromkeys(pks)), raise_seq(link.workspace_id)
    if len(wanted) > MOST_ITEMS:
        raise NothingToShare
    there = set(shareable(member).filter(pk__in=wanted).values_list("pk", flat=True))
    there -= set(ShareItem.objects.filter(link=link, generation_id__in=there).values_list("generation_id", flat=True))
    new = [pk for pk in wanted if pk in there]
    if not new or ShareItem.objects.filter(link=link).count() + len(new) > MOST_ITEMS:
        raise NothingToShare
    first = link.last_number + 1
    ShareItem.objects.bulk_create(
        ShareItem(link=link, generation_id=pk, number=number) for number, pk in enumerate(new, start=first)
    )
    link.last_number += len(new)
    link.save(update_fields=["last_number"])
    Generation.objects.filter(pk__in=new).update(
        acted_by=member.user, act=Act.LINKED, acted_at=now, seq=seq, rev=F("rev") + 1
    )
    _prepare(new, now=now)
    return new


def _prepare(pks: Sequence[int], *, now: datetime) -> None:
    """Have the files made that guests may see: marked ones also where the raw film may be taken, since terms change."""
    want_preview(pks, now=now)
    want_social(pks, now=now)


def shareable(member: Member) -> GenerationQuerySet:
    """What this member may put behind a link: what may be shown, and has a film or may still get one."""
    return showable(member).exclude(state=State.FAILED).exclude(copy_state=CopyState.LOST)


def showable(member: Member) -> GenerationQuerySet:
    """What members may see behind links: of the workspace, not in the trash, nobody's private work."""
    return Generation.objects.in_workspace(member.workspace.pk).present().filter(is_private=False)


def _told(link: ShareLink) -> dict[str, str | int | bool | None]:
    """What the audit row says of the terms: never the address, the password or the name a client is called by."""
    return {
        "expires_at": link.expires_at.isoformat() if link.expires_at else None,
        "has_password": link.has_password,
        "view_limit": link.view_limit,
        "download": str(link.download),
        "shows_details": link.shows_details,
    }
