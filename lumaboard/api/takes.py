"""Have generations made: the one way of the form, for programs, with an outcome for each take."""

from __future__ import annotations

from concurrent.futures import wait
from typing import Annotated, Any, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.http import Http404
from django.utils import timezone
from ninja import Header, Router, Schema, Status
from pydantic import Field, StringConstraints

from lumaboard.accounts.access import Member
from lumaboard.api.auth import ApiRequest
from lumaboard.api.bodies import RowId, Text
from lumaboard.api.errors import ApiError
from lumaboard.api.finding import connection_named
from lumaboard.api.responses import reads, writes
from lumaboard.api.shapes import TakeList, takes_as_they_are
from lumaboard.connections.models import Connection
from lumaboard.generations.models import Generation
from lumaboard.submission.frames import NoFrame, frame_of
from lumaboard.submission.lineage import made_anew
from lumaboard.submission.models import Kinship, Source
from lumaboard.submission.operations import LONGEST_KEY, KeyReused, NamesHidden, NotIntended
from lumaboard.submission.pictures import of_member
from lumaboard.submission.slots import Busy, slot
from lumaboard.submission.takes import Order, order, takes_of
from lumaboard.submission.wishes import (
    LONGEST_ADDRESS,
    LONGEST_PROMPT,
    MOST_CONCEPTS,
    MOST_TAKES,
    BadConcepts,
    BadOthers,
    Frame,
    Wish,
    check_others,
    objections,
    read_concepts,
    request_of,
)

router = Router(tags=["Generations"])

LONGEST_WAIT_S: Final = 20
_KEYS: Final = uuid5(NAMESPACE_URL, "lumaboard:api:takes")
_SIDES: Final = (("start", "last", Kinship.START_FRAME), ("end", "first", Kinship.END_FRAME))


class FrameIn(Schema):
    """A picture at an address, one that you have uploaded, or a frame of a generation: one of the three."""

    url: Text = Field("", max_length=LONGEST_ADDRESS)
    picture: RowId | None = None
    generation: RowId | None = None
    frame: Literal["", "first", "last"] = Field(
        "", description="Left out: its last to start with, its first to end with"
    )


class MakeIn(Schema):
    """What is left out is left to the provider, but for the model."""

    prompt: Text = Field("", max_length=LONGEST_PROMPT)
    model: Literal["", "ray-2", "ray-flash-2", "ray-1-6"] = "ray-2"
    aspect_ratio: Literal["", "16:9", "9:16", "1:1", "21:9", "9:21", "4:3", "3:4"] = ""
    duration: Literal["", "5s", "9s"] = ""
    resolution: Literal["", "540p", "720p", "1080p", "4k"] = ""
    loop: bool = False
    concepts: list[Annotated[Text, StringConstraints(max_length=64)]] = Field([], max_length=MOST_CONCEPTS)
    start: FrameIn | None = None
    end: FrameIn | None = None
    others: dict[Text, Any] = Field({}, description="Whatever else the provider takes; sent as it stands")
    count: int = Field(1, ge=1, le=MOST_TAKES, description="So many takes, alike")
    made_from: RowId | None = Field(None, description="The generation that is made again or varied; its page tells")
    is_private: bool = False
    connection: RowId | None = Field(None, description="Needed only where the workspace has several")
    wait: int = Field(LONGEST_WAIT_S, ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the provider's answers")


Key = Annotated[str, Header(alias="Idempotency-Key", max_length=LONGEST_KEY)]


@router.post(
    "/takes", response={**writes(TakeList, ok=201), 202: TakeList}, url_name="make", summary="Make generations"
)
def make(request: ApiRequest, payload: MakeIn, idempotency_key: Key = "") -> Status[dict[str, Any]]:
    """Written down, sent once, and told take by take. 201: each has its outcome; 202: some are still on their way, so
    look at the order again. Sending the same with the same `Idempotency-Key` makes nothing twice for 24 hours, and tries
    again what was refused for the moment. *Outcome unknown* is looked for and never sent again. Scope: submit.
    """
    member = request.auth
    member.require("submit")
    connection = connection_named(member, payload.connection)
    wish, kin, pictures = _wish(member, connection, payload)
    token = uuid5(_KEYS, idempotency_key) if idempotency_key else uuid4()
    try:
        made = order(
            member,
            connection,
            request_of(wish),
            count=payload.count,
            token=token,
            source=Source.API,
            is_private=payload.is_private,
            made_from=kin,
            pictures=pictures,
            now=timezone.now(),
        )
    except KeyReused as error:
        raise ApiError(422, fields=[("header.Idempotency-Key", str(error))]) from error
    except NamesHidden as error:
        raise ApiError(422, fields=[("body.others", str(error))]) from error
    except NotIntended as error:
        raise ApiError(409, str(error)) from error
    _wait_for(made, seconds=payload.wait)
    told = takes_as_they_are(token, takes_of(member, token))
    return Status(201 if told["is_answered"] else 202, told)


@router.get("/takes/{uuid:token}", response=reads(TakeList), url_name="takes", summary="Get the takes of an order")
def get_takes(request: ApiRequest, token: UUID) -> dict[str, Any]:
    """What became of each, for whoever ordered them, by API or by form. Scope: submit."""
    request.auth.require("submit")
    ordered = takes_of(request.auth, token)
    if not ordered:
        raise Http404
    return takes_as_they_are(token, ordered)


def _wait_for(made: Order, *, seconds: int) -> None:
    """Wait for what this process sends, as long as there is room for one more who waits; else nobody waits."""
    if not made.sendings or not seconds:
        return
    try:
        with slot():
            wait(made.sendings, timeout=seconds)
    except Busy:
        return


def _wish(member: Member, connection: Connection, payload: MakeIn) -> tuple[Wish, list[tuple[int, str]], list[int]]:
    """Put the wish together, what it comes of, and the pictures in it; raises `ApiError` with what the provider would refuse."""
    frames: dict[str, Frame | None] = {}
    kin: list[tuple[int, str]] = []
    for side, usual, kinship in _SIDES:
        frames[side], parent = _frame(member, connection, side, usual, getattr(payload, side))
        if parent is not None:
            kin.append((parent, kinship))
    if (source := _generation(member, payload.made_from, where="body.made_from")) is not None:
        kin.append(made_anew(source, payload.prompt))
    try:
        concepts = read_concepts(payload.concepts)
        check_others(payload.others)
    except (BadConcepts, BadOthers) as error:
        name = "concepts" if isinstance(error, BadConcepts) else "others"
        raise ApiError(422, fields=[(f"body.{name}", str(error))]) from error
    wish = Wish(
        prompt=payload.prompt.replace("\r\n", "\n").strip(),
        model=payload.model,
        aspect_ratio=payload.aspect_ratio,
        duration=payload.duration,
        resolution=payload.resolution,
        loop=payload.loop,
        concepts=concepts,
        start=frames["start"],
        end=frames["end"],
        others=payload.others,
    )
    if found := objections(wish, kind=connection.kind):
        raise ApiError(422, fields=[(f"body.{name}", sentence) for name, sentence in found.items()])
    given = (frame.picture for frame in (payload.start, payload.end) if frame is not None)
    return wish, kin, [pk for pk in given if pk is not None]


def _frame(
    member: Member, connection: Connection, side: str, usual: str, asked: FrameIn | None
) -> tuple[Frame | None, int | None]:
    if asked is None:
        return None, None
    if [bool(asked.url), asked.picture is not None, asked.generation is not None].count(True) != 1:
        raise ApiError(422, fields=[(f"body.{side}", "Give an address, a picture or a generation.")])
    row = _generation(member, asked.generation, where=f"body.{side}.generation")
    picture = of_member(member, asked.picture)
    if asked.picture is not None and picture is None:
        raise ApiError(422, fields=[(f"body.{side}.picture", "There is no such picture of yours.")])
    try:
        return frame_of(
            "url" if asked.url else "upload" if picture is not None else asked.frame or usual,
            side=side,
            url=asked.url,
            picture=picture,
            generation=row,
            connection=connection,
            now=timezone.now(),
        )
    except NoFrame as error:
        raise ApiError(422, fields=[(f"body.{side}", str(error))]) from error


def _generation(member: Member, pk: int | None, *, where: str) -> Generation | None:
    """The one that a body names here, as far as this member may see it; raises `ApiError` where there is none."""
    if pk is None:
        return None
    seen = Generation.objects.in_workspace(member.workspace.pk).visible_to(member.user.pk).present()
    row = seen.select_related("connection").filter(pk=pk).first()
    if row is None:
        raise ApiError(422, fields=[(where, "There is no such generation.")])
    return row
