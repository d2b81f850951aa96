"""Brings PostgreSQL's roles, grants and policies in line with ``tables``, after each `migrate` where they differ."""

import hashlib
from collections.abc import Iterator

from django.core.management.base import CommandError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseError, ProgrammingError

from security.rows import APP, AUDITOR, PLATFORM, owner_rows
from security.rows.tables import TABLES, Table

_ROLES = (APP, PLATFORM, AUDITOR)
# Carries the digest of all that was installed.
_MARKED = "rows_of_all", "security_customer"


def install(db: BaseDatabaseWrapper) -> None:
    """Create what is missing, and replace what was defined otherwise.

    Raises:
        CommandError: the roles are missing, and the login may not create them.
    """
    with owner_rows(), transaction.atomic(using=db.alias):
        present = frozenset(db.introspection.table_names()) & TABLES.keys()
        if not TABLES.keys() <= present:
            # A migration of some apps alone, or an earlier state of them.
            return
        statements = list(_statements(db, sorted(present)))
        mark = hashlib.sha256("\n".join(statements).encode()).hexdigest()
        with db.cursor() as cursor:
            cursor.execute(
                "SELECT obj_description(oid, 'pg_policy') FROM pg_policy"
                " WHERE polname = %s AND polrelid = %s::regclass",
                _MARKED,
            )
            if cursor.fetchone() == (mark,):
                return
            _ensure_roles(db)
            for statement in statements:
                cursor.execute(statement)
            _take_set_config(db)
            cursor.execute("COMMENT ON POLICY {} ON {} IS '{}'".format(*_MARKED, mark))


def _ensure_roles(db: BaseDatabaseWrapper) -> None:
    """Create the roles; they are the server's, so another database's migration may do so at the same moment."""
    for role in _ROLES:
        try:
            with transaction.atomic(using=db.alias), db.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE ROLE {role} NOLOGIN")
        except DatabaseError as error:
            with db.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone() is None:
                    raise CommandError(_asked_of_administrators(db)) from error
    try:
        with transaction.atomic(using=db.alias), db.cursor() as cursor:
            for role in (APP, PLATFORM):
                cursor.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [role])
                if not cursor.fetchone()[0]:
                    cursor.execute(f"GRANT {role} TO CURRENT_USER")
    except ProgrammingError as error:
        raise CommandError(_asked_of_administrators(db)) from error


def _take_set_config(db: BaseDatabaseWrapper) -> None:
    """Take the function from whom it is not needed by, where the login may: within its own SELECT a role would change
    whose rows it sees. Elsewhere deploy/logins.sh has done so.
    """
    with db.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tableowner) FROM pg_tables, pg_roles"
            " WHERE tablename = 'security_customer' AND schemaname = current_schema() AND rolname = current_user"
            " AND rolsuper"
        )
        for (owner,) in cursor.fetchall():
            function = "FUNCTION pg_catalog.set_config(text, text, boolean)"
            cursor.execute(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
            cursor.execute(f"GRANT EXECUTE ON {function} TO {owner}")


def _asked_of_administrators(db: BaseDatabaseWrapper) -> str:
    login = db.settings_dict["USER"]
    creating = " ".join(f"CREATE ROLE {role};" for role in _ROLES)
    return (
        f"the database's roles are missing; have an administrator run: {creating} GRANT {APP}, {PLATFORM} TO {login};"
    )


def _statements(db: BaseDatabaseWrapper, tables: list[str]) -> Iterator[str]:
    """Yield what is to be so, in the order of its making."""
    for role in _ROLES:
        yield f"GRANT USAGE ON SCHEMA {_schema(db)} TO {role}"
    for name in tables:
        table = TABLES[name]
        yield from _grants(db, name, table)
        if table.own is not None:
            yield from _policies(name, table)


def _schema(db: BaseDatabaseWrapper) -> str:
    with db.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def _grants(db: BaseDatabaseWrapper, name: str, table: Table) -> Iterator[str]:
    yield f"REVOKE ALL ON {name} FROM PUBLIC, {', '.join(_ROLES)}"
    if table.app:
        yield f"GRANT {table.app} ON {name} TO {APP}"
    yield f"GRANT {table.platform} ON {name} TO {PLATFORM}"
    if table.secret is not None:
        with db.cursor() as cursor:
            columns = [column.name for column in db.introspection.get_table_description(cursor, name)]
        shown = ", ".join(f'"{column}"' for column in columns if column not in table.secret)
        yield f"GRANT SELECT ({shown}) ON {name} TO {AUDITOR}"


def _policies(name: str, table: Table) -> Iterator[str]:
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    # The owner too: what it does outside a migration is bound like everybody else's.
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    check = f"({table.own}) AND ({table.linked})" if table.linked else table.own
    for policy, definition in {
        "rows_of_customers": f"TO {APP} USING ({table.own}) WITH CHECK ({check})",
        "rows_of_all": f"TO {PLATFORM} USING (true) WITH CHECK (true)",
        "rows_to_read": f"FOR SELECT TO {AUDITOR} USING (true)",
    }.items():
        yield f"DROP POLICY IF EXISTS {policy} ON {name}"
        yield f"CREATE POLICY {policy} ON {name} {definition}"
