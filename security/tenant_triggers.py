"""The statements that keep account of changed customers (see tenant_changes)."""

# Table, the column with the customer's id, and the columns whose change counts (none: every change does).
_WATCHED = (
    ("customer", "security_customer", "id", ("name", "aliases", "domains", "identifiers")),
    ("canary", "security_canary", "customer_id", ()),
    ("value", "security_registeredvalue", "customer_id", ()),
)

_TABLES = [
    """CREATE TABLE IF NOT EXISTS security_tenant_version (
        id integer PRIMARY KEY, epoch varchar(36) NOT NULL, number bigint NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS security_tenant_change (
        customer_id varchar(64) PRIMARY KEY, number bigint NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS tenant_change_number ON security_tenant_change (number)",
]

# The functions are the owner's: whoever may change a customer's row need not be able to change the account of it.
#
# PostgreSQL numbers changes when they are committed, so that nobody holds the one row of the version for longer, and
# a number is never seen before a smaller one. Until then they stand there as 0.
_NUMBERED = """
CREATE OR REPLACE FUNCTION security_tenant_numbered() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE own bigint := nullif(current_setting('a2a.tenant_number', true), '')::bigint;
BEGIN
    IF own IS NULL THEN
        INSERT INTO security_tenant_version AS version (id, epoch, number) VALUES (1, gen_random_uuid()::text, 1)
            ON CONFLICT (id) DO UPDATE SET number = version.number + 1 RETURNING number INTO own;
        PERFORM set_config('a2a.tenant_number', own::text, true);
        PERFORM pg_notify('a2a_tenants', '');
        UPDATE security_tenant_change SET number = own WHERE number = 0;
    ELSE
        UPDATE security_tenant_change SET number = own WHERE customer_id = NEW.customer_id AND number = 0;
    END IF;
    RETURN NULL;
END $$"""
_EMPTIED = """
CREATE OR REPLACE FUNCTION security_tenant_emptied() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO security_tenant_version AS version (id, epoch, number) VALUES (1, gen_random_uuid()::text, 1)
        ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, number = version.number + 1;
    PERFORM pg_notify('a2a_tenants', '');
    RETURN NULL;
END $$"""


def _noted(table: str, key: str, columns: tuple[str, ...]) -> str:
    """Return the function that notes the customers of the rows that a statement touched."""
    differs = (
        f"(SELECT now.{key} FROM touched_new now LEFT JOIN touched_old was USING ({key}) WHERE"
        f" ({', '.join(f'now.{name}' for name in columns)}) IS DISTINCT FROM"
        f" ({', '.join(f'was.{name}' for name in columns)}))"
    )
    both = f"(SELECT {key} FROM touched_new UNION SELECT {key} FROM touched_old)"
    note = (
        "INSERT INTO security_tenant_change (customer_id, number) SELECT DISTINCT {key}, 0 FROM {rows} rows"
        " ON CONFLICT (customer_id) DO UPDATE SET number = 0;"
    )
    return f"""
CREATE OR REPLACE FUNCTION {table}_noted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {note.format(key=key, rows="touched_new")}
    ELSIF TG_OP = 'DELETE' THEN {note.format(key=key, rows="touched_old")}
    ELSE {note.format(key=key, rows=differs if columns else both)}
    END IF;
    RETURN NULL;
END $$"""


def _postgres_triggers(name: str, table: str) -> list[str]:
    rows = {
        "INSERT": "NEW TABLE AS touched_new",
        "DELETE": "OLD TABLE AS touched_old",
        "UPDATE": "OLD TABLE AS touched_old NEW TABLE AS touched_new",
    }
    return [
        *(
            f"""CREATE OR REPLACE TRIGGER tenant_{name}_{event.lower()} AFTER {event} ON {table} REFERENCING {given}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_noted()"""
            for event, given in rows.items()
        ),
        f"""CREATE OR REPLACE TRIGGER tenant_{name}_truncate AFTER TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION security_tenant_emptied()""",
    ]


def _sqlite_triggers(name: str, table: str, key: str, columns: tuple[str, ...]) -> list[str]:
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
    update = f"AFTER UPDATE ON {table}" + (f" WHEN {changed}" if changed else "")
    events = {
        "insert": (f"AFTER INSERT ON {table}", ["NEW"]),
        "update": (update, ["OLD", "NEW"]),
        "delete": (f"AFTER DELETE ON {table}", ["OLD"]),
    }
    number = """INSERT INTO security_tenant_version (id, epoch, number) VALUES (1, lower(hex(randomblob(16))), 1)
        ON CONFLICT (id) DO UPDATE SET number = number + 1;"""
    note = """INSERT INTO security_tenant_change (customer_id, number)
        SELECT {row}.{key}, number FROM security_tenant_version WHERE true
        ON CONFLICT (customer_id) DO UPDATE SET number = excluded.number;"""
    return [
        f"CREATE TRIGGER IF NOT EXISTS tenant_{name}_{event} {when} BEGIN {number}"
        f" {' '.join(note.format(row=row, key=key) for row in rows)} END"
        for event, (when, rows) in events.items()
    ]


_NUMBERING = """CREATE CONSTRAINT TRIGGER tenant_change_numbered AFTER INSERT OR UPDATE ON security_tenant_change
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.number = 0) EXECUTE FUNCTION security_tenant_numbered()"""
_EVENTS = ("insert", "update", "delete")
_GONE = ["DROP TABLE IF EXISTS security_tenant_change", "DROP TABLE IF EXISTS security_tenant_version"]

POSTGRES = [
    *_TABLES,
    _NUMBERED,
    _EMPTIED,
    *(_noted(table, key, columns) for _, table, key, columns in _WATCHED),
    *(statement for name, table, _, _ in _WATCHED for statement in _postgres_triggers(name, table)),
    "DROP TRIGGER IF EXISTS tenant_change_numbered ON security_tenant_change",
    _NUMBERING,
]
# With a function go the triggers that call it.
POSTGRES_REMOVED = [
    *(f"DROP FUNCTION IF EXISTS {table}_noted() CASCADE" for _, table, _, _ in _WATCHED),
    "DROP FUNCTION IF EXISTS security_tenant_numbered() CASCADE",
    "DROP FUNCTION IF EXISTS security_tenant_emptied() CASCADE",
    *_GONE,
]
SQLITE = [*_TABLES, *(statement for each in _WATCHED for statement in _sqlite_triggers(*each))]
SQLITE_REMOVED = [
    *(f"DROP TRIGGER IF EXISTS tenant_{name}_{event}" for name, *_ in _WATCHED for event in _EVENTS),
    *_GONE,
]

TRIGGERS = {
    "postgresql": {f"tenant_{name}_{event}" for name, *_ in _WATCHED for event in (*_EVENTS, "truncate")}
    | {"tenant_change_numbered"},
    "sqlite": {f"tenant_{name}_{event}" for name, *_ in _WATCHED for event in _EVENTS},
}
