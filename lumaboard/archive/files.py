"""Answers requests with the file of an asset; who may have it was asked before."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from lumaboard.archive.serve import DOWNLOAD_SLOTS, DownloadSlots, serve_file
from lumaboard.archive.storage import open_stored
from lumaboard.generations.models import Asset

logger = logging.getLogger(__name__)


def serve_asset(
    request: HttpRequest,
    asset: Asset,
    *,
    filename: str | None = None,
    cap: int | None = None,
    slots: DownloadSlots = DOWNLOAD_SLOTS,
) -> HttpResponseBase:
    """Answer with an archived asset, as a download if it is given a name; raises `Http404` if its file cannot be read."""
    try:
        file = open_stored(asset.stored_name)
    except OSError as error:
        logger.error("The stored file of %s cannot be read.", asset, exc_info=error)  # noqa: TRY400
        raise Http404 from error
    return serve_file(
        request,
        file,
        size=asset.size or 0,
        etag=asset.sha256,
        content_type=asset.content_type,
        filename=filename,
        as_attachment=filename is not None,
        cap=cap,
        slots=slots,
    )
