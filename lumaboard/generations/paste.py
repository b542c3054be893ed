"""Find task ids in anything people paste: ids, links, curl lines, JSON answers, CSV and log text.

Nothing here stores or sends anything. Keys found in the text are masked before it is shown again.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

MOST_IDS = 10_000
MOST_CHARACTERS = 4_000_000
LONGEST_ID = 191

Kind = Literal["id", "link", "curl", "JSON", "CSV", "log"]

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_RELAY_ID = r"task_[0-9A-Za-z]{16,64}"  # what relays built on new-api call a task
_ID = re.compile(rf"(?<![0-9A-Za-z-])(?:{_UUID}|{_RELAY_ID})(?![0-9A-Za-z-])")
_URL = re.compile(r"https?://[^\s\"'<>\\,;)\]}]+")
_GENERATION_PATH = re.compile(r"/generations?/(?:video/|image/)?([A-Za-z0-9_.~%-]{1,250})")
_NOT_AN_ID = {"video", "image", "concepts", "camera_motion", "list"}
_NAMED_ID = re.compile(
    rf"(?<![\w-])(?:task[_-]?id|generation[_-]?id|id)[\"']?\s*[=:]\s*[\"']?({_UUID}|{_RELAY_ID}|[\w.~-]{{6,{LONGEST_ID}}})"
)
_OTHER_ID = re.compile(
    rf"(?:request|trace|user|batch|span|session|account)[_-]?id[\"']?\s*[=:]\s*[\"']?(?:{_UUID}|[\w-]+)"
)
_BARE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.~-]{{5,{LONGEST_ID - 1}}}")
_KEY = re.compile(
    r"(?i)(bearer\s+)([^\s\"'\\]{4,})|\b((?:sk|luma|lb|pk)[-_][A-Za-z0-9_-]{8,})|([?&](?:key|token|api_key)=)([^\s&\"']+)"
)
_ID_KEYS = ("task_id", "generation_id", "id")
_MASK = "••••"


@dataclass(frozen=True, slots=True)
class Found:
    """One id, where it stood, and what the text said about it."""

    task_id: str
    kind: Kind
    line: int
    host: str = ""
    prompt: str = ""


@dataclass(slots=True)
class Reading:
    """What a pasted text holds: each id once, in its order, and the lines nothing was found in."""

    found: list[Found] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    repeated_count: int = 0
    left_out_count: int = 0  # beyond the 10,000th id


def mask_keys(text: str) -> tuple[str, int]:
    """Replace upstream keys in the text; returns the masked text and how many there were."""

    def mask(match: re.Match[str]) -> str:
        return (match.group(1) or match.group(4) or "") + _MASK

    already = text.count(_MASK)
    masked = _KEY.sub(mask, text)
    return masked, masked.count(_MASK) - already


def read(text: str) -> Reading:
    """Read a pasted text; never raises. Cost: linear in the text, about 0.2 s for 10,000 lines."""
    reading = Reading()
    seen: set[str] = set()
    for item in _find(text[:MOST_CHARACTERS].replace("\x00", ""), reading):
        if item.task_id in seen:
            reading.repeated_count += 1
        elif len(reading.found) >= MOST_IDS:
            reading.left_out_count += 1
        else:
            seen.add(item.task_id)
            reading.found.append(item)
    return reading


def _find(text: str, reading: Reading) -> Iterator[Found]:
    document = _json(text)
    if document is not None:
        items = list(_in_json(document, 1))
        if items:
            yield from items
            return
    if (rows := _in_csv(text)) is not None:
        yield from rows
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        items = list(_in_line(line.strip(), number))
        if items:
            yield from items
        else:
            reading.unreadable.append((number, line.strip()[:120]))


def _in_line(line: str, number: int) -> Iterator[Found]:
    is_curl = line.startswith(("curl ", "$ curl "))
    asked = [(url, match) for url in _URL.findall(line) if (match := _generation_in(url))]
    if asked:
        for url, task_id in asked:
            yield Found(task_id, "curl" if is_curl else "link", number, host=urlsplit(url).netloc.rpartition("@")[2])
        return
    if line[0] in "{[" and (document := _json(line.rstrip(","))) is not None:
        yield from _in_json(document, number)
        return
    bare = line.strip("\"',;` ")
    if _ID.fullmatch(bare):
        yield Found(_tidy(bare), "id", number)
        return
    in_files: list[str] = []

    def take(url: re.Match[str]) -> str:  # a link to a file: the first id in its path is the generation's
        if in_path := _ID.search(url.group().split("?", 1)[0]):
            in_files.append(in_path.group())
            return " "
        return url.group()

    line = _URL.sub(take, line)
    for task_id in in_files:
        yield Found(_tidy(task_id), "link", number)
    named = [match.group(1) for match in _NAMED_ID.finditer(line)]
    if named:
        for task_id in named:
            yield Found(_tidy(task_id), "log", number)
        return
    plain = _ID.findall(_OTHER_ID.sub(" ", line))
    for task_id in plain:
        yield Found(_tidy(task_id), "log" if " " in bare else "id", number)
    if not plain and _BARE.fullmatch(bare) and any(character.isdigit() for character in bare):
        yield Found(bare, "id", number)


def _generation_in(url: str) -> str | None:
    try:
        match = _GENERATION_PATH.search(urlsplit(url).path)
    except ValueError:  # such as an unclosed bracket where the host stands
        return None
    if match is None:
        return None
    task_id = unquote(match.group(1))
    return None if task_id in _NOT_AN_ID or len(task_id) > LONGEST_ID else _tidy(task_id)


def _in_json(document: Any, line: int) -> Iterator[Found]:
    """Take the id of each generation in a document: the outermost object with an id counts, not what is nested in it."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield from _in_line(item, line) if item.strip() else ()
        elif isinstance(item, list):
            waiting.extend(reversed(item[: MOST_IDS * 2]))
        elif isinstance(item, dict):
            task_id = next(
                (item[key] for key in _ID_KEYS if isinstance(item.get(key), str) and item[key].strip()), None
            )
            if task_id is None or len(task_id) > LONGEST_ID:
                waiting.extend(value for value in reversed(item.values()) if isinstance(value, (dict, list)))
            else:
                yield Found(_tidy(task_id), "JSON", line, prompt=_prompt_of(item))


def _prompt_of(item: dict[str, Any]) -> str:
    request = item.get("request")
    for holder in (item, request if isinstance(request, dict) else {}):
        if isinstance(prompt := holder.get("prompt"), str) and prompt:
            return clean(prompt)
    return ""


def _in_csv(text: str) -> list[Found] | None:
    """Read a table with a head that names an id column; None where the text is no such table."""
    head = text.lstrip("\ufeff\n ").split("\n", 1)[0]
    delimiter = next((mark for mark in (",", ";", "\t") if mark in head), None)
    if delimiter is None:
        return None
    names = [name.strip().strip('"').lower() for name in head.split(delimiter)]
    column = next((key for key in _ID_KEYS if key in names), None)
    if column is None:
        return None
    try:
        rows = list(csv.reader(text.lstrip("\ufeff\n ").splitlines(), delimiter=delimiter))
    except csv.Error:
        return None
    at, prompt_at = names.index(column), names.index("prompt") if "prompt" in names else None
    return [
        Found(
            _tidy(row[at]),
            "CSV",
            number,
            prompt=clean(row[prompt_at]) if prompt_at is not None and prompt_at < len(row) else "",
        )
        for number, row in enumerate(rows[1:], 2)
        if at < len(row) and 0 < len(row[at].strip()) <= LONGEST_ID
    ]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None


def _tidy(task_id: str) -> str:
    """UUIDs in one spelling; other ids as they stand, since relays may tell upper from lower case."""
    task_id = clean(task_id).strip()
    return task_id.lower() if re.fullmatch(_UUID, task_id) else task_id


def clean(text: str) -> str:
    """Take out what no database stores: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
