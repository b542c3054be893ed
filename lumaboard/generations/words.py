"""From words somebody typed to the generations that hold them, by the index of words.

Every word must begin a word of title, prompt or task id. Case does not matter, nor do accents; a single Latin letter or digit
is matched whole, because almost everything holds a word that begins with it. What is neither letter nor digit only parts
words, so that nothing anybody types is an operator.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, ExpressionWrapper, Func, Q, When
from django.db.models.expressions import RawSQL

from lumaboard.generations.models import Generation
from lumaboard.generations.querysets import Arms, visible

MOST_WORDS = 8
COMMON = 1000
"""Words found more often than this are not looked up whole: the gallery is walked, newest first, until its page is full."""

_LONGEST = 200  # the index keeps so much of a word

# The same as in the migration that makes the index, and halves of surrogate pairs, which no database takes.
_PARTING = re.compile(
    r"[\u0000-/:-@\[-`{-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ud800-\udfff"
    r"\ufe00-\ufe6f\uff00-\uff0f\uff1a-\uff20\U0001f000-\U0001faff]+"
)
_ACCENTS = re.compile(r"[\u0300-\u036f]+")


def matching(condition: Q, words: str, *, workspace_id: int, user_id: int, common: int = COMMON) -> Arms:
    """Find what this person may see in the workspace, meets the condition and holds all the words.

    Asks the index at once, with one query. Other workspaces' words are not looked through, however many there are.
    """
    rows = Generation.objects.in_workspace(workspace_id)
    pieces = _pieces(words)
    if not pieces:
        return Arms((rows.none(),))
    index = _SqliteIndex if connection.vendor == "sqlite" else _PostgresIndex
    query = index.query(pieces, workspace_id)
    found = index.look_up(query, common + 1)
    if len(found) > common:
        return rows.filter(condition).filter(index.holds(query, found)).arms_for(user_id)
    scope = Q(workspace=workspace_id) & visible(user_id)
    return Arms((Generation.objects.filter(pk__in=found).filter(index.checked(scope & condition)),))


def _pieces(words: str) -> list[str]:
    """Cut up to eight words where the index would, each piece once."""
    text = " ".join(unicodedata.normalize("NFC", words).split()[:MOST_WORDS])
    pieces = (piece[:_LONGEST] for piece in _PARTING.split(text))
    return list(dict.fromkeys(piece for piece in pieces if any(map(str.isalnum, _folded(piece)))))


def _folded(piece: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", piece))
    return unicodedata.normalize("NFC", bare).lower()


def _is_whole(piece: str) -> bool:
    folded = _folded(piece)
    return len(folded) == 1 and folded.isascii()


def _ids(sql: str, parameters: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [pk for (pk,) in cursor.fetchall()]


class _SqliteIndex:
    """FTS5. A row's id in it is the generation's."""

    @staticmethod
    def query(pieces: list[str], workspace_id: int) -> str:
        terms = " AND ".join(f'"{piece}"' if _is_whole(piece) else _begun(piece) for piece in pieces)
        return f'workspace_id : "{workspace_id}" AND {{title prompt task_id}} : ({terms})'

    @staticmethod
    def look_up(query: str, limit: int) -> list[int]:
        """Give the highest ids, highest first."""
        sql = "SELECT rowid FROM generations_search WHERE generations_search MATCH %s ORDER BY rowid DESC LIMIT %s"
        return _ids(sql, [query, limit])

    @staticmethod
    def holds(query: str, newest: list[int]) -> Case:
        """Test a row while walking. The branch for older rows makes a set of them all, but only when a row comes to it.

        Ids mostly rise with time, so a page rarely does; where they do not, it costs time and changes nothing else.
        """
        older = RawSQL("SELECT rowid FROM generations_search WHERE generations_search MATCH %s", [query])
        return Case(
            When(pk__gte=newest[-1], then=_truth(Q(pk__in=newest))),
            default=_truth(Q(pk__in=older)),
            output_field=BooleanField(),
        )

    @staticmethod
    def checked(condition: Q) -> Func:
        """Hide the condition from the planner, which would rather walk the whole gallery than fetch more than nine ids."""
        return Func(_truth(condition), template="+(%(expressions)s)", output_field=BooleanField())


class _PostgresIndex:
    """A GIN index over lexemes, written as `generations_words` in the migration writes them."""

    @staticmethod
    def query(pieces: list[str], workspace_id: int) -> str:
        terms = [f"'{_folded(piece)}'" + ("" if _is_whole(piece) else ":*") for piece in pieces]
        return " & ".join([f"'w:{workspace_id}'", *terms])

    @staticmethod
    def look_up(query: str, limit: int) -> list[int]:
        """Give any so many ids. The limit stands outside, where it cannot make the planner think that reading all is cheap."""
        sql = """WITH found AS MATERIALIZED (SELECT generation_id FROM generations_search WHERE document @@ %s::tsquery)
            SELECT generation_id FROM found LIMIT %s"""
        return _ids(sql, [query, limit])

    @staticmethod
    def holds(query: str, newest: list[int]) -> Q:
        """Leave it to the planner, which knows how often words occur, whether to test each row or to find them all."""
        found = RawSQL("SELECT generation_id FROM generations_search WHERE document @@ %s::tsquery", [query])
        return Q(pk__in=found)

    @staticmethod
    def checked(condition: Q) -> Q:
        return condition


def _begun(piece: str) -> str:
    """The beginning of a word, as one sign per accented letter and as letter and accent: FTS5 takes some for different words."""
    forms = dict.fromkeys(unicodedata.normalize(form, piece) for form in ("NFC", "NFD"))
    return "(" + " OR ".join(f'"{form}"*' for form in forms) + ")"


def _truth(condition: Q) -> ExpressionWrapper[Q]:
    return ExpressionWrapper(condition, output_field=BooleanField())
