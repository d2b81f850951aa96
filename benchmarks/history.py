"""A long history for an installation: a task that really ran, with all its rows, copied under new ids into the past.

Which tables and columns there are is asked of the database, so that a migration cannot leave this behind.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

# Parents first. A table that names its task in another way than ``task_id`` would have to be added here.
TABLES = (
    ("delegation_task", "id"),
    ("delegation_hop", "task_id"),
    ("delegation_taskevent", "task_id"),
    ("agent_delegation_logs", "task_id"),
    ("agent_authorization_logs", "task_id"),
    ("leakage_detection_logs", "task_id"),
)
_PART = 50_000
# A task every eight seconds: a million of them are about three months.
_APART = "interval '8 seconds'"
# Time-ordered ids stay so: the time of the first 48 bits goes back with the row, the number of the copy is the end.
_COPIED_ID = """
    (lpad(to_hex(('x' || substr(translate({column}::text, '-', ''), 1, 12))::bit(48)::bigint - n * 8000), 12, '0')
     || substr(translate({column}::text, '-', ''), 13, 12) || lpad(to_hex(n), 8, '0'))::uuid"""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str


def copy_tasks(database_url: str, *, tasks: int) -> int:
    """Copy the newest completed chain of each customer until there are so many more tasks; return rows written.

    Oldest first, as a real history grows.
    """
    with psycopg.connect(database_url) as connection:
        originals = [
            task
            for (task,) in connection.execute(
                "SELECT DISTINCT ON (customer_id) id FROM delegation_task WHERE status = 'completed' "
                "ORDER BY customer_id, id DESC"
            )
        ]
    with ThreadPoolExecutor() as copying:
        each = tasks // len(originals)
        return sum(copying.map(lambda original: _copy(database_url, original, copies=each), originals))


def _copy(database_url: str, original: UUID, *, copies: int) -> int:
    written = 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Foreign keys hold by construction; checking each of them takes longer than all else.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        for newest in range(copies, 0, -_PART):
            part = {"task": original, "most": newest, "least": max(newest - _PART + 1, 1)}
            for table, key in TABLES:
                written += connection.execute(_copying(connection, table=table, key=key), part).rowcount
    return written


def settle_down(database_url: str) -> None:
    """Leave the tables as they are in a running installation: vacuumed, analysed, and on disk."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _copying(connection: psycopg.Connection, *, table: str, key: str) -> sql.Composed:
    columns = _columns(connection, table)
    return sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {values} FROM {table} CROSS JOIN "
        "generate_series(%(most)s::bigint, %(least)s::bigint, -1) n WHERE {key} = %(task)s ORDER BY n DESC"
    ).format(
        table=sql.Identifier(table),
        key=sql.Identifier(key),
        names=sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        values=sql.SQL(", ").join(map(_copied, columns)),
    )


def _columns(connection: psycopg.Connection, table: str) -> list[Column]:
    """Return the table's columns but for those that the database numbers itself."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name = %s AND is_identity = 'NO' AND is_generated = 'NEVER' "
        "AND coalesce(column_default, '') NOT LIKE 'nextval%%' ORDER BY ordinal_position",
        [table],
    )
    return [Column(name, kind) for name, kind in rows]


def _copied(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.kind == "uuid":
        return sql.SQL(_COPIED_ID).format(column=name)
    if column.kind == "timestamp with time zone":
        return sql.SQL("{} - n * " + _APART).format(name)
    return name
