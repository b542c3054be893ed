"""Pictures to begin or end a film with: shown to whoever gave them, and to the provider by a link that ends."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from lumaboard.accounts.access import MemberRequest, member_required
from lumaboard.archive.names import extension_of
from lumaboard.archive.serve import serve_file
from lumaboard.archive.storage import open_stored
from lumaboard.submission import pictures
from lumaboard.submission.models import Picture

logger = logging.getLogger(__name__)


@member_required
@require_safe
def picture(request: MemberRequest, pk: int) -> HttpResponseBase:
    """One of one's own; a colleague's is not there."""
    found = pictures.of_member(request.member, pk)
    if found is None:
        raise Http404
    request.member.require("submit")
    return _answer(request, found)


@require_safe
def picture_link(request: HttpRequest, token: str, extension: str) -> HttpResponseBase:
    """What the provider fetches: whoever holds a link of ours that has not ended. Nobody keeps a copy on the way."""
    found = pictures.by_link(token, now=timezone.now())
    if found is None or extension != extension_of(found.stored_name):
        raise Http404
    response = _answer(request, found)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _answer(request: HttpRequest, found: Picture) -> HttpResponseBase:
    try:
        file = open_stored(found.stored_name)
    except OSError as error:
        logger.error("The stored file of picture %s cannot be read.", found.pk, exc_info=error)  # noqa: TRY400
        raise Http404 from error
    return serve_file(request, file, size=found.size, etag=found.sha256, content_type=found.content_type)
