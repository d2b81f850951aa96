"""Statements that each connection plans once: to plan one takes longer than to run it."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg import Connection

# A plan is kept for long. One made while the table was small would read the whole of it when it is not.
_BY_KEY = "SET LOCAL enable_seqscan = off; "
# Else the first five calls of each statement are planned anew; it is about the connection's prepared statements alone.
_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan; "
# What each connection has prepared, as the calls of it.
_calls: WeakKeyDictionary[Connection[Any], dict[str, str]] = WeakKeyDictionary()


def prepared(name: str, sql: str, types: Sequence[str]) -> str:
    """Return the call of the statement, which the current connection prepares when it meets it first.

    ``sql`` has $1, $2, ... for its parameters, which are of these types ("unknown" where PostgreSQL finds out by
    itself), the call a %s for each. ``name`` is how an administrator sees it in pg_stat_activity. Raises DatabaseError.
    """
    connection.ensure_connection()
    raw: Any = connection.connection
    calls = _calls.setdefault(raw, {})
    if sql not in calls:
        unique = f"{name}_{len(calls)}"
        with connection.wrap_database_errors:
            raw.execute(f"{_PLAN_ONCE}PREPARE {unique} ({', '.join(types)}) AS {sql}")
        calls[sql] = f"EXECUTE {unique} ({', '.join(['%s'] * len(types))})"
    return calls[sql]


def execute_together(cursor: Any, calls: Sequence[str], parameters: Sequence[object]) -> None:
    """Execute calls of prepared statements in one message; the rows of the first are the cursor's, then by ``nextset``.

    In SQL's own words, not the protocol's, so that they go in one message with what sets their rows (security.rows):
    that took 18 µs where the driver's pipeline took 58. Outside a transaction the message is one of its own.
    """
    cursor.execute(_BY_KEY + "; ".join(calls), parameters)
    cursor.nextset()
