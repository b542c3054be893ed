"""Files of a generation: what there is, the bytes, and short-lived links to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from ninja import Router, Status

from lumaboard.accounts.access import Member
from lumaboard.accounts.api_tokens import member_by_token_id
from lumaboard.api.auth import ApiRequest
from lumaboard.api.generations import visible
from lumaboard.api.responses import reads, sends_bytes, writes
from lumaboard.api.shapes import AssetList, DownloadLinkOut, asset_of
from lumaboard.archive.files import serve_asset
from lumaboard.archive.finding import find_asset
from lumaboard.archive.names import name_of
from lumaboard.archive.operations import note_download
from lumaboard.generations.models import Asset, AssetRole

router = Router(tags=["Files"])
LINK_LIFETIME: Final = timedelta(minutes=5)
_SALT: Final = "lumaboard.api.assets"


@router.get("/generations/{row:pk}/assets", response=reads(AssetList), url_name="assets", summary="List files")
def list_assets(request: ApiRequest, pk: int) -> dict[str, Any]:
    """What there is of a generation, and how far each copy is. Raw files only for those who may have them. Scope: read."""
    member = request.auth
    member.require("see")
    rows = Asset.objects.filter(generation=visible(member, pk))
    if not member.may("download_raw"):
        rows = rows.exclude(role=AssetRole.RAW)
    return {"items": [asset_of(row) for row in rows.order_by("id")]}


@router.api_operation(
    ["HEAD"],
    "/generations/{row:pk}/assets/{slug:role}/file",
    response=sends_bytes(),
    url_name="asset_file",
    include_in_schema=False,
)
@router.get(
    "/generations/{row:pk}/assets/{slug:role}/file",
    response=sends_bytes(),
    url_name="asset_file",
    summary="Download a file",
)
def asset_file(request: ApiRequest, pk: int, role: str) -> HttpResponseBase:
    """The bytes, whole or a range; `main` is the best film this token may have. Scope: read."""
    request.auth.require("see")
    return _send(request, request.auth, pk, role)


@router.post(
    "/generations/{row:pk}/assets/{slug:role}/link",
    response=writes(DownloadLinkOut, ok=201),
    url_name="asset_link",
    summary="Make a download link",
)
def asset_link(request: ApiRequest, pk: int, role: str) -> Status[dict[str, Any]]:
    """An address that works without the token for five minutes, and no longer than the token does. Scope: read."""
    member = request.auth
    member.require("see")
    assert member.token is not None  # nobody comes here without one
    asset = find_asset(member, pk, role)
    key = signing.dumps([member.token.pk, pk, asset.role], salt=_SALT)
    told = {
        "url": f"{settings.PUBLIC_URL}{reverse('api:file')}?key={key}",
        "expires_at": timezone.now() + LINK_LIFETIME,
        "size": asset.size,
        "sha256": asset.sha256,
        "content_type": asset.content_type,
    }
    return Status(201, told)


@router.api_operation(["HEAD"], "/files", auth=None, response=sends_bytes(), url_name="file", include_in_schema=False)
@router.get("/files", auth=None, response=sends_bytes(), url_name="file", summary="Open a download link")
def file(request: HttpRequest, key: str = "") -> HttpResponseBase:
    """Everything is asked again: whether the token still works, and whether its maker may still have the file."""
    try:
        token_id, pk, role = signing.loads(key, salt=_SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature as error:
        raise Http404 from error
    member = member_by_token_id(token_id, now=timezone.now())
    if member is None or not member.may("see"):
        raise Http404
    return _send(request, member, pk, role)


def _send(request: HttpRequest, member: Member, pk: int, role: str) -> HttpResponseBase:
    asset = find_asset(member, pk, role)
    response = serve_asset(request, asset, filename=name_of(asset))
    if request.method == "GET" and response.status_code in (200, 206):
        note_download(asset, actor_id=member.user.pk, now=timezone.now())
    return response
