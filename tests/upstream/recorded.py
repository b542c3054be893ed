"""The recorded answers in `vectors/`, as the session would hand them over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lumaboard.outbound import Answer

FOLDER = Path(__file__).parent / "vectors"
NOW = datetime(2025, 3, 1, 10, 16, tzinfo=UTC)
"""A minute after the recorded generations were created: their signed links are still good."""


@dataclass(frozen=True)
class Vector:
    name: str
    family: str
    shape: str
    answer: Answer
    expected: dict[str, Any]


def answering(
    body: bytes | str, *, status: int = 200, content_type: str = "application/json", **headers: str
) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    text = body.encode() if isinstance(body, str) else body
    return Answer(status, {"Content-Type": content_type, **named}, text, 0.1)


def saying(document: Any, *, status: int = 200) -> Answer:
    return answering(json.dumps(document), status=status)


def read_vector(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def all_vectors(*families: str) -> list[Vector]:
    index = json.loads((FOLDER / "index.json").read_text())["examples"]
    return [_vector(entry) for entry in index if not families or entry["family"] in families]


def _vector(entry: dict[str, Any]) -> Vector:
    body: bytes = (FOLDER / entry["file"]).read_bytes()
    headers = {"Content-Type": entry["content_type"]}
    status = entry["http_status"]
    if entry.get("wrapped_http"):
        http = json.loads(body)["http"]
        status, headers, body = http["status"], http["headers"], http["body"].encode()
    return Vector(entry["file"], entry["family"], entry["shape"], Answer(status, headers, body, 0.1), entry["expect"])
