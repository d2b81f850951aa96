"""Every table has its rule, and the database has exactly these rules."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from security.rows import APP, AUDITOR, PLATFORM
from security.rows.tables import TABLES
from tests.security.rows.conftest import asked

# Made by hand (security/tenant_triggers.py) or by Django beside the models.
BESIDE_MODELS = {"security_tenant_change", "security_tenant_version", "django_migrations"}
ON_POSTGRES = pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")


def test_every_table_has_a_rule() -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}

    assert TABLES.keys() == tables | BESIDE_MODELS


def test_every_table_with_a_customer_is_kept_to_its_customers() -> None:
    named = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if {"customer", "customer_id"} & {field.name for field in model._meta.fields}
    }

    assert {
        name for name in named | {"security_customer", "security_tenant_change"} if TABLES[name].own is None
    } == set()


@ON_POSTGRES
def test_the_database_knows_no_table_that_the_rules_do_not(db: None) -> None:
    there = {name for (name,) in asked("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")}
    with_customer = {
        name
        for (name,) in asked(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND column_name = 'customer_id'"
        )
    }

    assert there == TABLES.keys()
    assert {name for name in with_customer if TABLES[name].own is None} == set()


@ON_POSTGRES
@pytest.mark.parametrize("name", sorted(name for name, table in TABLES.items() if table.own))
def test_row_level_security_is_on_and_forced(name: str, db: None) -> None:
    state = asked("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", name)
    policies = asked(
        "SELECT policyname, roles::text[], permissive FROM pg_policies WHERE tablename = %s ORDER BY 1", name
    )

    assert state == [(True, True)]
    assert policies == [
        ("rows_of_all", [PLATFORM], "PERMISSIVE"),
        ("rows_of_customers", [APP], "PERMISSIVE"),
        ("rows_to_read", [AUDITOR], "PERMISSIVE"),
    ]


@ON_POSTGRES
def test_the_roles_own_nothing_and_are_bound(db: None) -> None:
    roles = asked(
        "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname = ANY (%s) ORDER BY 1",
        [APP, PLATFORM, AUDITOR],
    )
    owned = asked("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = ANY (%s)", [APP, PLATFORM, AUDITOR])

    assert roles == [(name, False, False, False, False, False) for name in sorted((APP, PLATFORM, AUDITOR))]
    assert owned == [(0,)]


@ON_POSTGRES
@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_application_may_do_what_the_rule_says_and_no_more(name: str, db: None) -> None:
    privileges = "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER".split()
    for role, said in ((APP, TABLES[name].app), (PLATFORM, TABLES[name].platform)):
        has = [one for one in privileges if asked("SELECT has_table_privilege(%s, %s, %s)", role, name, one)[0][0]]
        assert has == said.replace(",", "").split()


@ON_POSTGRES
def test_auditors_read_everything_but_secrets(db: None) -> None:
    secrets = (
        "auth_user.password security_apikey.digest delegation_agent.sealed_credential security_canary.token".split()
    )
    for table, column in (name.split(".") for name in secrets):
        assert asked("SELECT has_column_privilege(%s, %s, %s, 'SELECT')", AUDITOR, table, column) == [(False,)]
    for table in ("django_session", "security_signingkey"):
        assert asked("SELECT has_any_column_privilege(%s, %s, 'SELECT')", AUDITOR, table) == [(False,)]
    assert asked("SELECT has_column_privilege(%s, 'agent_delegation_logs', 'decision_reason', 'SELECT')", AUDITOR)[0][0]
    for table in TABLES:
        assert asked("SELECT has_any_column_privilege(%s, %s, 'INSERT, UPDATE')", AUDITOR, table) == [(False,)]


@ON_POSTGRES
def test_migrating_again_finds_nothing_to_do_and_mends_what_was_changed(db: None) -> None:
    asked("DROP POLICY rows_of_customers ON delegation_task")
    asked("DROP POLICY rows_of_all ON security_customer")  # which carries the mark

    call_command("migrate", verbosity=0, interactive=False)
    again = asked("SELECT count(*) FROM pg_policies WHERE tablename IN ('delegation_task', 'security_customer')")

    assert again == [(6,)]
