"""Queries that every call of a program begins with, whose SQL is put together once and not each time.

Of what such a query costs Django, nine tenths go into putting together the names of all the columns; the database needs less
time than that to answer. This reaches below the documented parts of Django (the compiler of a query set and what it knows
about its columns), so it is for the few hottest queries, and a test holds it against what the query set itself gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet, Value
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a value goes that is known only when the query is asked."""

    name: str


def given(name: str) -> Value:
    """Stand for a value in a filter of a prepared query: a text or a number, as the column holds it."""
    return Value(_Slot(name))


class Prepared(Generic[M]):
    """A query set that is put together once: `Prepared(lambda: Film.objects.filter(pk=given("pk")))(pk=7)`.

    It gives the rows as a list, joined ones included (`select_related`). Annotations, and rows fetched beside
    (`prefetch_related`), are not for it.
    """

    def __init__(self, make: Callable[[], QuerySet[M]]) -> None:
        self._make = make

    def __call__(self, **values: str | int) -> list[M]:
        form = self._form
        params = [values[param.name] if isinstance(param, _Slot) else param for param in form.params]
        with connection.cursor() as cursor:
            cursor.execute(form.sql, params)
            return [form.read(list(row)) for row in cursor.fetchall()]

    @cached_property
    def _form(self) -> _Form[M]:
        return _Form(self._make())


class _Form(Generic[M]):
    """The SQL of a query set, and how a row of it becomes an object."""

    def __init__(self, rows: QuerySet[M]) -> None:
        compiler = rows.query.get_compiler(using=connection.alias)
        self.sql, self.params = compiler.as_sql()
        about = compiler.klass_info
        assert about is not None
        assert not compiler.annotation_col_map
        columns = [column for column, _sql, _alias in compiler.select]
        first, last = about["select_fields"][0], about["select_fields"][-1]
        self._model: type[M] = rows.model
        self._own = slice(first, last + 1)
        self._names = [column.target.attname for column in columns[self._own]]
        self._converters = list(compiler.get_converters(columns).items())
        self._joined = get_related_populators(about, compiler.select, connection.alias)  # type: ignore[call-arg]  # the stubs are of a later Django

    def read(self, row: list[Any]) -> M:
        for place, (converters, column) in self._converters:
            for convert in converters:
                row[place] = convert(row[place], column, connection)
        made = self._model.from_db(connection.alias, self._names, row[self._own])
        for populator in self._joined:
            populator.populate(row, made)
        return made
