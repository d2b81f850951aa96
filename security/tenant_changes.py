"""Which customers changed, numbered in the order of the commits, so that every process can follow them at little cost.

Triggers of the database keep the account: whoever changes a customer, a canary or a registered value, by whatever way,
is heard of. PostgreSQL also notifies those who listen, at the moment of the commit.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from security.tenant_triggers import POSTGRES, POSTGRES_REMOVED, SQLITE, SQLITE_REMOVED, TRIGGERS

CHANNEL = "a2a_tenants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Where the account stands. Another ``epoch`` means that it was begun anew. ``pending``: by this transaction."""

    epoch: str
    number: int
    pending: bool


def read_version() -> Version:
    """Return how far the changes are, as this connection sees them. One short statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT epoch, number, EXISTS (SELECT 1 FROM security_tenant_change WHERE number = 0)"
            " FROM security_tenant_version"
        )
        row = cursor.fetchone()
    epoch, number, pending = row or ("", 0, False)
    return Version(epoch=str(epoch), number=number, pending=bool(pending))


def changed_since(number: int) -> list[str]:
    """Return the ids of the customers that changed after that, those that are gone now too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id FROM security_tenant_change WHERE number > %s OR number = 0 ORDER BY customer_id",
            [number],
        )
        return [customer_id for (customer_id,) in cursor.fetchall()]


def install(db: BaseDatabaseWrapper) -> None:
    """Create what keeps the account, where it is missing: SQLite drops a table's triggers when it is altered."""
    statements = POSTGRES if db.vendor == "postgresql" else SQLITE
    with db.cursor() as cursor:
        catalogue = (
            "SELECT tgname FROM pg_trigger"
            if db.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        cursor.execute(catalogue)
        if {name for (name,) in cursor.fetchall()} >= TRIGGERS[db.vendor]:
            return
        for statement in statements:
            cursor.execute(statement)


def remove(db: BaseDatabaseWrapper) -> None:
    """Undo ``install``."""
    with db.cursor() as cursor:
        for statement in POSTGRES_REMOVED if db.vendor == "postgresql" else SQLITE_REMOVED:
            cursor.execute(statement)
