"""Django's backend for PostgreSQL, whose every statement runs as ``security.rows`` says (docs/adr/0009).

Role and customers are set for the transaction alone, in the same message as the statement: outside a transaction the
two are one of their own, which costs no round trip and leaves nothing behind on the connection for who has it next.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from django.db import NotSupportedError
from django.db.backends.postgresql import base, operations
from psycopg import ClientCursor, Connection, sql
from psycopg.pq import TransactionStatus

from security.rows import Rows, current_rows, owner_rows

_IDLE, _IN_TRANSACTION = TransactionStatus.IDLE, TransactionStatus.INTRANS
# These neither read nor write rows, and must stand alone in a transaction that has failed.
_OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE", "ROLLBACK")
# What the transaction at hand has become, for connections that are in one.
_became: WeakKeyDictionary[Connection[Any], Rows] = WeakKeyDictionary()


class RowsCursor(ClientCursor[Any]):
    """Sets the rows before a statement wherever the transaction is not about them yet."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        raw, rows = self.connection, current_rows()
        status = raw.info.transaction_status
        if isinstance(query, str) and query.startswith(_OF_TRANSACTIONS):
            if query.startswith("ROLLBACK"):
                # It undoes what was set since.
                _became.pop(raw, None)
            return super().execute(query, params, **options)
        if status == _IN_TRANSACTION and _became.get(raw) is rows:
            return super().execute(query, params, **options)
        _became.pop(raw, None)
        if rows.role is None and status == _IDLE:
            super().execute(query, params, **options)
        else:
            super().execute(_together(rows.assumed, query), params, **options)
            for _ in range(rows.assumed.count(";")):
                self.nextset()
        if raw.info.transaction_status == _IN_TRANSACTION:
            _became[raw] = rows
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        raw = self.connection
        # In autocommit the driver would give each row a transaction of its own.
        own = raw.autocommit and raw.info.transaction_status == _IDLE
        with raw.transaction() if own else nullcontext():
            self.execute("SELECT 1")
            super().executemany(query, params_seq, **options)

    def copy(self, *_: Any, **__: Any) -> Any:
        raise NotSupportedError("COPY knows no rows of customers")

    stream = copy


def _together(assumed: str, query: Any) -> Any:
    if isinstance(query, str):
        return assumed + query
    return sql.SQL(assumed) + query if isinstance(query, sql.Composable) else assumed.encode() + query


class Operations(operations.DatabaseOperations):
    def set_time_zone_sql(self) -> str:
        # Django's calls set_config, which logins need not have (see ``installing``).
        return "SET TIME ZONE %s"


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = Operations

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        return parameters | {"cursor_factory": RowsCursor}

    @owner_rows()
    def is_usable(self) -> bool:
        return bool(super().is_usable())

    @owner_rows()
    def _configure_connection(self, connection: Any) -> Any:
        return super()._configure_connection(connection)  # type: ignore[misc]  # unknown to the stubs

    def chunked_cursor(self) -> Any:
        # A cursor on the server lives on in its transaction; without one it would outlive what its rows are.
        if self.get_autocommit():
            return self.cursor()
        with self.cursor() as cursor:
            cursor.execute("SELECT 1")
        return super().chunked_cursor()
