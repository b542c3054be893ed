"""Pictures to begin or end a film with, uploaded by programs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from ninja import File, Router, Status
from ninja.files import UploadedFile

from lumaboard.api.auth import ApiRequest
from lumaboard.api.errors import ApiError
from lumaboard.api.responses import writes
from lumaboard.api.shapes import PictureOut, picture_of
from lumaboard.submission.pictures import NoPicture, keep

router = Router(tags=["Generations"])


@router.post("/pictures", response=writes(PictureOut, ok=201), url_name="pictures", summary="Upload a picture")
def upload(request: ApiRequest, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """JPEG, PNG or WebP up to 8 MB, to name by its id as the start or end of takes; the same one twice is once. One that no
    order names is forgotten after a day. Scope: submit.
    """
    request.auth.require("submit")
    try:
        picture = keep(request.auth, file, now=timezone.now())
    except NoPicture as error:
        raise ApiError(422, fields=[("body.file", str(error))]) from error
    return Status(201, picture_of(picture))
