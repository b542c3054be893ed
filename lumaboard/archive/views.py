"""Members' media: playing and downloading, permission-checked at every request."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.archive.files import serve_asset
from lumaboard.archive.finding import find_asset
from lumaboard.archive.names import name_of
from lumaboard.archive.operations import note_download
from lumaboard.archive.serve import PLAYBACK_CAP


@member_required
@require_safe
def media(request: MemberRequest, pk: int, role: str) -> HttpResponseBase:
    """Play or show a file. Ranges are answered in pieces, so that a paused player holds no thread."""
    asset = find_asset(request.member, pk, role)
    return serve_asset(request, asset, cap=PLAYBACK_CAP)


@member_required
@require_safe
def download(request: MemberRequest, pk: int, role: str) -> HttpResponseBase:
    """Hand out a file under a name a person knows again; ranges are answered whole, so that cut downloads resume."""
    asset = find_asset(request.member, pk, role)
    response = serve_asset(request, asset, filename=name_of(asset))
    if request.method == "GET" and response.status_code in (200, 206):
        note_download(asset, actor_id=request.member.user.pk, now=timezone.now())
    return response
