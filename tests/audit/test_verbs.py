"""Every act has its line in the one table of verbs, and every line is an act that somebody records."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lumaboard
from lumaboard.audit.operations import record
from lumaboard.audit.verbs import AUDIENCES, VERBS, Kind

SOURCES = sorted(Path(lumaboard.__file__).parent.rglob("*.py"))


def texts(path: Path) -> Iterator[str]:
    """Every text in a module; some pass their verb on before it is recorded."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def recorded_verbs(path: Path) -> Iterator[str]:
    """The verbs that a module gives to `record` by their name."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="record"), args=[ast.Constant(value=verb), *_]):
                yield str(verb)


def test_every_verb_in_the_source_is_in_the_table() -> None:
    found = {verb for path in SOURCES for verb in recorded_verbs(path)}
    assert found
    assert found - VERBS.keys() == set()


def test_every_line_of_the_table_is_an_act_that_is_recorded_somewhere() -> None:
    said = {text for path in SOURCES if path.name != "verbs.py" for text in texts(path)}
    assert VERBS.keys() - said == set()


def test_every_kind_has_an_audience_and_every_sentence_begins_with_who() -> None:
    assert set(AUDIENCES) == set(Kind)
    assert [name for name, verb in VERBS.items() if not str(verb.sentence).startswith("{who} ")] == []


def test_an_act_that_is_not_in_the_table_cannot_be_recorded(db: None) -> None:
    with pytest.raises(KeyError):
        record("misspelt", workspace_id=None, actor_id=None)
