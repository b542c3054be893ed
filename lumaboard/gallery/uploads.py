"""Files that come with the form, received before anything else of it is judged."""

from __future__ import annotations

from datetime import datetime

from django.http import QueryDict
from django.utils.translation import gettext as _

from lumaboard.accounts.access import MemberRequest
from lumaboard.gallery.making_forms import UPLOAD
from lumaboard.submission import pictures
from lumaboard.submission.pictures import NoPicture


def received(request: MemberRequest, *, now: datetime) -> tuple[QueryDict, dict[str, str]]:
    """Keep the pictures that were chosen, and give the form with their numbers in it; and by side why one was not kept.

    Whatever else is wrong with the form, nobody has to choose their file again.
    """
    data, refused = request.POST.copy(), {}
    for side in ("start", "end"):
        file = request.FILES.get(f"{side}_file")
        if file is None or data.get(f"{side}_kind") != UPLOAD:
            continue
        try:
            data[f"{side}_upload"] = str(pictures.keep(request.member, file, now=now).pk)
        except NoPicture as error:
            refused[side] = str(error)
        except OSError:
            refused[side] = _("The picture could not be kept: the server cannot write to its storage.")
    return data, refused
