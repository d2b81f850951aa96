"""Statements that each connection plans once: to plan one takes longer than to run it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import connection
from psycopg import Connection

# A plan is kept for long. One made while the table was small would read the whole of it when it is not.
BY_KEY = "SET LOCAL enable_seqscan = off; "
# Else the first five calls of each statement are planned anew; it is about the connection's prepared statements alone.
PLAN_ONCE = "SET plan_cache_mode = force_generic_plan; "
# What each connection has prepared, as the names by the statements.
_names: WeakKeyDictionary[Connection[Any], dict[str, str]] = WeakKeyDictionary()


class Call(NamedTuple):
    """A statement with its parameters.

    ``sql`` has $1, $2, ... for the values, which are of these types ("unknown" where PostgreSQL finds out by itself).
    ``name`` is how an administrator sees it in pg_stat_activity.
    """

    name: str
    sql: str
    types: Sequence[str]
    values: Sequence[object]

    def preparation(self, name: str) -> str:
        """Return what makes the statement known under this name."""
        return f"PREPARE {name}{_listed(self.types)} AS {self.sql}"

    def execution(self, name: str, literals: Sequence[str]) -> str:
        """Return what calls it under this name. ``literals`` are the values in SQL, or what stands for them."""
        return f"EXECUTE {name}{_listed(literals)}"


def _listed(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def execute(cursor: Any, *calls: Call) -> None:
    """Execute calls in one message; the rows of the first are the cursor's, then by ``nextset``.

    In SQL's own words, not the protocol's, so that they go in one message with what sets their rows (security.rows):
    that took 18 µs where the driver's pipeline took 58. Outside a transaction the message is one of its own. Raises
    DatabaseError.
    """
    message = "; ".join(call.execution(_prepared(call), ["%s"] * len(call.values)) for call in calls)
    cursor.execute(BY_KEY + message, [value for call in calls for value in call.values])
    cursor.nextset()


def _prepared(call: Call) -> str:
    connection.ensure_connection()
    raw: Any = connection.connection
    names = _names.setdefault(raw, {})
    if call.sql not in names:
        name = f"{call.name}_{len(names)}"
        with connection.wrap_database_errors:
            raw.execute(PLAN_ONCE + call.preparation(name))
        names[call.sql] = name
    return names[call.sql]
