"""Statements that each connection plans once: to plan a small one takes longer than to run it."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg import Connection

# A plan is kept for long. One made while the table was small would read the whole of it when it is not.
_BY_KEY = "SET LOCAL enable_seqscan = off; "
# What each connection has prepared, as the calls of it.
_calls: WeakKeyDictionary[Connection[Any], dict[str, str]] = WeakKeyDictionary()


def execute_prepared(cursor: Any, sql: str, parameters: Sequence[object], *, name: str) -> None:
    """Execute the statement, which the cursor's connection prepares when it meets it first; its rows are the cursor's.

    ``name`` is how an administrator sees it in pg_stat_activity. Raises DatabaseError.
    """
    cursor.execute(_BY_KEY + _call_of(sql, name), parameters)
    cursor.nextset()


def _call_of(sql: str, name: str) -> str:
    """Return the call in SQL's own words, so that it goes in one message with what sets its rows."""
    raw: Any = connection.connection
    calls = _calls.setdefault(raw, {})
    if sql not in calls:
        unique, places = f"{name}_{len(calls)}", range(1, sql.count("%s") + 1)
        with connection.wrap_database_errors:
            raw.execute(f"PREPARE {unique} AS {sql % tuple(f'${place}' for place in places)}")
        calls[sql] = f"EXECUTE {unique} ({', '.join(['%s'] * len(places))})"
    return calls[sql]
