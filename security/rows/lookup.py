"""Rows by their columns, in SQL that the ORM writes once and PostgreSQL plans once a connection: to write and
plan it anew for each request costs ten times what the reading does.
"""

from collections.abc import Collection, Sequence
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

from security.rows.postgres.prepared import Call, execute

M = TypeVar("M", bound=models.Model)


class Lookup(Generic[M]):
    """The rows of a model by the values of some columns; ``always`` are filters that hold for every row that is found.

    With ``only`` these fields alone are read, and any other when it is asked for (as by ``QuerySet.only``).
    """

    def __init__(self, model: type[M], *columns: str, only: Sequence[str] = (), **always: object) -> None:
        self._model = model
        self._columns = columns
        self._only = only
        self._always = always

    def first(self, *values: object) -> M | None:
        """Return a row whose columns have these values, in the columns' order; None where there is none."""
        parameters = [
            field.get_db_prep_value(value, connection) for field, value in zip(self._fields, values, strict=True)
        ]
        return next(iter(self._found(self._sql_of_one, parameters)), None)

    def among(self, values: Collection[object]) -> list[M]:
        """Return the rows whose one column has any of the values."""
        (column,), (field,) = self._columns, self._fields
        if connection.vendor != "postgresql":
            return list(self._rows.filter(**{f"{column}__in": values}))
        prepared_values = [field.get_db_prep_value(value, connection) for value in values]
        return self._found(self._sql_of_several, [prepared_values])

    def _found(self, sql: str, parameters: Sequence[Any]) -> list[M]:
        parameters = [*self._written[1], *parameters]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                name, types = str(self._model._meta.model_name), ["unknown"] * len(parameters)
                execute(cursor, Call(name, _numbered(sql), types, parameters))
            else:
                cursor.execute(sql, parameters)
            return [self._read(row) for row in cursor.fetchall()]

    @cached_property
    def _fields(self) -> list[Any]:
        return [self._model._meta.get_field(name) for name in self._columns]

    @cached_property
    def _rows(self) -> "models.QuerySet[M]":
        return self._model._default_manager.filter(**self._always).only(*self._only).order_by()

    @cached_property
    def _written(self) -> tuple[str, tuple[Any, ...]]:
        """Return what the ORM writes, with its parameters, up to where the columns' conditions go."""
        sql, parameters = self._rows.query.get_compiler(connection=connection).as_sql()
        return f"{sql} {'AND' if self._always else 'WHERE'} ", parameters

    @cached_property
    def _names(self) -> list[str]:
        return [connection.ops.quote_name(field.column) for field in self._fields]

    @cached_property
    def _sql_of_one(self) -> str:
        return self._written[0] + " AND ".join(f"{name} = %s" for name in self._names) + " LIMIT 1"

    @cached_property
    def _sql_of_several(self) -> str:
        return f"{self._written[0]}{self._names[0]} = ANY(%s)"

    @cached_property
    def _selected(self) -> tuple[list[str], list[tuple[int, list[Any], Any]]]:
        """Return the names of what is read, and for each place in a row what makes the database's value the model's."""
        compiler = self._rows.query.get_compiler(connection=connection)
        compiler.pre_sql_setup()
        selected: list[Any] = [expression for expression, *_ in compiler.select]
        converters = compiler.get_converters(selected).items()
        return [column.target.attname for column in selected], [(place, *each) for place, each in converters]

    def _read(self, row: tuple[Any, ...]) -> M:
        names, converters = self._selected
        values = list(row)
        for place, steps, column in converters:
            for convert in steps:
                values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, names, values)


@cache
def _numbered(sql: str) -> str:
    return sql % tuple(f"${place}" for place in range(1, sql.count("%s") + 1))
