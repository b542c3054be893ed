"""Which stored file answers for a role, among those that a member may have."""

from __future__ import annotations

from typing import Final

from django.http import Http404

from lumaboard.accounts.access import Member
from lumaboard.generations.models import Asset, AssetRole, CopyState, Generation

MAIN: Final = "main"
"""The best film this member may see."""

# What answers for a role, the best first. Until our own pictures are made, upstream's first frame stands in for them.
_STAND_INS: Final[dict[str, tuple[str, ...]]] = {
    MAIN: (AssetRole.RAW, AssetRole.WATERMARKED, AssetRole.PREVIEW),
    AssetRole.POSTER: (AssetRole.POSTER, AssetRole.THUMBNAIL),
    AssetRole.CARD: (AssetRole.CARD, AssetRole.POSTER, AssetRole.THUMBNAIL),
}


def find_asset(member: Member, pk: int, role: str) -> Asset:
    """Find the stored file behind a role; whatever is not there, or elsewhere, is the same 404. One query."""
    if role == AssetRole.RAW:
        member.require("download_raw")
    roles = _STAND_INS.get(role, (role,))
    if not member.may("download_raw"):
        roles = tuple(one for one in roles if one != AssetRole.RAW)
    seen = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk).filter(pk=pk)
    assets = Asset.objects.select_related("generation").filter(
        generation__in=seen, role__in=roles, copy_state=CopyState.ARCHIVED
    )
    by_role = {asset.role: asset for asset in assets}
    best = next((by_role[one] for one in roles if one in by_role), None)
    if best is None:
        raise Http404
    return best
