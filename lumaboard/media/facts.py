"""What is known about a media file once it was looked at. Frozen, and carried between processes as JSON."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

Kind = Literal["video", "image"]
Role = Literal["poster", "card", "sprite", "still", "social", "preview", "logo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """Width and height are as shown: after rotation, with square pixels."""

    kind: Kind
    content_type: str
    width: int
    height: int
    codec: str
    duration_s: float | None = None
    frame_rate: float | None = None
    has_audio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A still or rendition we made. A sprite's width is that of the whole strip of `stills.SPRITE_FRAMES` frames."""

    role: Role
    path: Path
    width: int
    height: int
    size_bytes: int
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The facts about a file and what was made of it."""

    facts: MediaFacts
    files: tuple[MadeFile, ...] = ()

    def file(self, role: Role) -> MadeFile | None:
        return next((file for file in self.files if file.role == role), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "facts": asdict(self.facts),
            "files": [{**asdict(file), "path": str(file.path)} for file in self.files],
        }

    @classmethod
    def from_json(cls, document: object) -> "Inspection":
        """Read what `as_json` wrote. It comes from a process that decoded foreign bytes, so every field is checked.

        Raises KeyError, TypeError or ValueError for anything else.
        """
        fields = _mapping(document)
        return cls(facts=_facts(fields["facts"]), files=tuple(_made_file(item) for item in _sequence(fields["files"])))


def _facts(document: object) -> MediaFacts:
    fields = _mapping(document)
    return MediaFacts(
        kind=cast(Kind, _one_of(fields["kind"], get_args(Kind))),
        content_type=_text(fields["content_type"]),
        width=_count(fields["width"]),
        height=_count(fields["height"]),
        codec=_text(fields["codec"]),
        duration_s=_number_or_none(fields["duration_s"]),
        frame_rate=_number_or_none(fields["frame_rate"]),
        has_audio=fields["has_audio"] is True,
    )


def _made_file(document: object) -> MadeFile:
    fields = _mapping(document)
    return MadeFile(
        role=cast(Role, _one_of(fields["role"], get_args(Role))),
        path=Path(_text(fields["path"])),
        width=_count(fields["width"]),
        height=_count(fields["height"]),
        size_bytes=_count(fields["size_bytes"]),
        content_type=_text(fields["content_type"]),
    )


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _sequence(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _one_of(value: object, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError("not one of the known words")
    return str(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
        raise TypeError("not a positive number")
    return value


def _number_or_none(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise TypeError("not a number")
    return float(value)
