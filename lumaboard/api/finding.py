"""Things that a body names, found among those that are there for this member."""

from __future__ import annotations

from lumaboard.accounts.access import Member
from lumaboard.api.errors import ApiError
from lumaboard.connections.models import Connection


def connection_named(member: Member, pk: int | None) -> Connection:
    """The one that is named, else that of the token, else the only one there is."""
    if pk is None and member.token is not None:
        pk = member.token.connection_id
    present = list(Connection.objects.filter(workspace=member.workspace).present().order_by("id"))
    found = [one for one in present if one.pk == pk] if pk is not None else present
    if len(found) == 1:
        return found[0]
    named = ", ".join(f"{one.pk} is {one.name}" for one in present)
    said = f"The workspace has several, so name one: {named}." if len(found) > 1 else "There is no such connection."
    raise ApiError(422, fields=[("body.connection", said)])
