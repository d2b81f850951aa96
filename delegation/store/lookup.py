"""Single rows by their columns, in SQL that the ORM writes once: to write it anew for each request costs six times
what the reading does.
"""

from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Lookup(Generic[M]):
    """The rows of a model by the values of some columns; ``always`` holds for every row that is found."""

    def __init__(self, model: type[M], *columns: str, **always: bool) -> None:
        self._model = model
        self._columns = columns
        self._always = always

    def first(self, *values: object) -> M | None:
        """Return a row whose columns have these values, in the columns' order; None where there is none."""
        parameters = [
            field.get_db_prep_value(value, connection) for field, value in zip(self._fields, values, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            row = cursor.fetchone()
        return None if row is None else self._model.from_db(connection.alias, self._names, self._read(row))

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._model._meta.concrete_fields]

    @cached_property
    def _fields(self) -> list[Any]:
        return [self._model._meta.get_field(name) for name in self._columns]

    @cached_property
    def _sql(self) -> str:
        rows = self._model._default_manager.filter(**self._always).order_by()
        selected, _ = rows.query.get_compiler(connection=connection).as_sql()
        narrowed = " AND ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in self._fields)
        return f"{selected} {'AND' if self._always else 'WHERE'} {narrowed} LIMIT 1"

    @cached_property
    def _converters(self) -> list[tuple[int, list[Any], Any]]:
        """Return for each place in a row what makes the database's value the model's."""
        compiler = self._model._default_manager.all().query.get_compiler(connection=connection)
        compiler.pre_sql_setup()
        selected = [expression for expression, *_ in compiler.select]
        return [(place, steps, column) for place, (steps, column) in compiler.get_converters(selected).items()]

    def _read(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, steps, column in self._converters:
            for convert in steps:
                values[place] = convert(values[place], column, connection)
        return values
