"""The provider's API, under our address: programs change host and key, and what they have made is on the board."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from lumaboard.accounts.access import Member
from lumaboard.accounts.api_tokens import member_by_token
from lumaboard.proxy import passing, reading
from lumaboard.proxy.answers import ProxyResponse, Refused, later
from lumaboard.proxy.calls import Call, read_call
from lumaboard.submission.slots import Busy


@csrf_exempt  # cookies count for nothing here, so there is nothing to forge
def proxy(request: HttpRequest, path: str) -> ProxyResponse:
    """Answer one call; a method or path that is not passed on is told to those alone whose token works."""
    try:
        member = member_by_token(request.headers.get("Authorization", ""), now=timezone.now())
        if member is None:
            raise Refused(
                401,
                "This token does not work. Make one in Lumaboard under API tokens and send it as Authorization: Bearer lb_…",
                headers={"WWW-Authenticate": "Bearer"},
            )
        call = read_call(request, f"/{path}")
        member.require(call.right)
        return _answer(call, member)
    except Refused as refused:
        return refused.response()
    except PermissionDenied as error:
        return Refused(403, str(error)).response()
    except Busy as busy:
        return later(503, str(busy), seconds=busy.retry_after).response()


def _answer(call: Call, member: Member) -> ProxyResponse:
    if call.is_create:
        return passing.create(call, member, clock=timezone.now)
    if call.is_about_one and call.method == "GET":
        return reading.read_one(call, member, clock=timezone.now)
    if call.is_about_one and call.method == "DELETE":
        return passing.delete(call, member, clock=timezone.now)
    if call.method == "GET":
        return passing.look(call, member, clock=timezone.now)
    return passing.other(call, member, clock=timezone.now)
