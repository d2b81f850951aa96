"""The three statements of the hot path (submit, claim, settle), each all or nothing.

PostgreSQL has them by hand, one round trip each; every other database has the plain version. Both keep the same
promise: a settlement whose claim is lost writes nothing at all.
"""

from django.db import connection

from delegation.store.plain import PlainStore
from delegation.store.postgres import PostgresLoopStore, PostgresStore
from delegation.store.records import (
    ClaimedHop,
    Claims,
    DatabaseAway,
    LoopStore,
    NewTask,
    Settled,
    Settlement,
    Store,
    TaskFacts,
)
from delegation.store.threaded import ThreadedStore


def store_for_database() -> Store:
    """Return the store that fits the default database."""
    return PostgresStore() if connection.vendor == "postgresql" else PlainStore()


def loop_store_for_database() -> LoopStore:
    """Return what an event loop commits by to the default database."""
    return PostgresLoopStore() if connection.vendor == "postgresql" else ThreadedStore(PlainStore())


__all__ = [
    "ClaimedHop",
    "Claims",
    "DatabaseAway",
    "LoopStore",
    "NewTask",
    "Settled",
    "Settlement",
    "Store",
    "TaskFacts",
    "loop_store_for_database",
    "store_for_database",
]
