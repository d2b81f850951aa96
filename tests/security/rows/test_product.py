"""The whole product under the policies, as in production: one login owns the tables, another one works."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings

from security.rows import APP, AUDITOR, PLATFORM
from tests.a2a_project.test_up import SERVING, address_in, answer
from tests.agents import AgentServer, handle
from tests.processes import MANAGE, eventually, read_until, run, running

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.EMBEDDED, reason="row-level security is PostgreSQL's"),
]


@dataclass(frozen=True, slots=True)
class Logins:
    """An installation's database with its two logins. Neither is a superuser; ``web`` owns nothing."""

    owner: dict[str, str]
    web: dict[str, str]
    server: psycopg.Connection


@pytest.fixture
def logins(tmp_path: Path) -> Iterator[Logins]:
    """Make a database as docs/settings.md tells an administrator to."""
    name = f"a2a_rows_{secrets.token_hex(4)}"
    owner, web = f"{name}_owner", f"{name}_web"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        for role in (APP, PLATFORM, AUDITOR):
            if not server.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                server.execute(f"CREATE ROLE {role} NOLOGIN")
        server.execute(f"CREATE ROLE {owner} LOGIN PASSWORD '{name}'")
        server.execute(f"CREATE ROLE {web} LOGIN NOINHERIT PASSWORD '{name}'")
        server.execute(f"GRANT {APP}, {PLATFORM} TO {owner}, {web}")
        server.execute(f"CREATE DATABASE {name} OWNER {owner}")
        yield Logins(owner=_environ(tmp_path, name, owner), web=_environ(tmp_path, name, web), server=server)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.execute(f"DROP ROLE {owner}")
        server.execute(f"DROP ROLE {web}")


def _environ(tmp_path: Path, database: str, login: str) -> dict[str, str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    address = f"{login}:{database}@{parts.hostname}:{parts.port or 5432}"
    return os.environ | {
        "DATABASE_URL": urlunsplit(parts._replace(netloc=address, path=f"/{database}")),
        "A2A_VAR_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "PYTHONUNBUFFERED": "1",
    }


def customer(slug: str, environ: dict[str, str]) -> str:
    command = ("create_customer", slug, "--name", slug.title(), "--owner", f"{slug}-owner", "--password", "a-long-word")
    made = run(MANAGE, *command, environ=environ)
    assert made.returncode == 0, made.stderr[-2000:]
    key: str = json.loads(made.stdout)["api_key"]
    return key


@pytest.mark.slow
def test_tasks_of_two_customers_travel_through_web_and_worker(logins: Logins) -> None:
    migrated = run(MANAGE, "migrate", "-v0", environ=logins.owner)
    assert migrated.returncode == 0, migrated.stderr[-2000:]
    keys = {slug: customer(slug, logins.web) for slug in ("techcorp", "acmecorp")}
    with (
        AgentServer() as agents,
        running(MANAGE, "web", "--port", "0", environ=logins.web) as web,
        running(MANAGE, "rundramatiq", "--processes", "1", environ=logins.web),
        running(MANAGE, "sweep", environ=logins.web),
    ):
        address = address_in(read_until(web, SERVING))
        tasks = {slug: _work(address, agents, slug, key) for slug, key in keys.items()}
        for slug, key in keys.items():
            own = f"{address}/api/v1/tasks/{tasks[slug]}"
            assert eventually(lambda own=own, key=key: answer(own, key=key)["status"] == "completed")  # type: ignore[misc]
            assert [one["task_id"] for one in answer(f"{address}/api/v1/tasks", key=key)["results"]] == [tasks[slug]]
            assert len(answer(f"{own}/events", key=key)["results"]) >= 4
        with pytest.raises(HTTPError) as refused:
            answer(f"{address}/api/v1/tasks/{tasks['acmecorp']}", key=keys["techcorp"])
        with refused.value as response:
            assert response.code == 404
        token = answer(f"{address}/api/v1/auth/token", body={"username": "techcorp-owner", "password": "a-long-word"})
        assert token["customer_id"] == "techcorp"
    assert run(MANAGE, "clearsessions", environ=logins.web).returncode == 0


def _work(address: str, agents: AgentServer, slug: str, key: str) -> str:
    agents.script("copywriter", [handle("A slogan.")])
    agent = {"agent_type": "copywriter", "name": "Wren", "endpoint_url": agents.url("copywriter"), "skills": []}
    answer(f"{address}/api/v1/agents", key=key, body=agent | {"seniority": "senior"})
    task_id: str = answer(f"{address}/api/v1/tasks", key=key, body={"message": f"A slogan for {slug}."})["task_id"]
    return task_id


def test_the_working_login_is_nobody_by_itself_and_auditors_only_read(logins: Logins) -> None:
    assert run(MANAGE, "migrate", "-v0", environ=logins.owner).returncode == 0
    customer("techcorp", logins.web)

    with psycopg.connect(logins.web["DATABASE_URL"], autocommit=True) as web:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SELECT 1 FROM security_customer")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SET ROLE a2a_auditor")
    with psycopg.connect(logins.owner["DATABASE_URL"], autocommit=True) as owner:
        # Forced: it is as one of the platform's that the owner sees rows at all.
        assert owner.execute("SELECT count(*) FROM security_customer").fetchone() == (1,)
    with psycopg.connect(_as_server(logins), autocommit=True) as auditor:
        auditor.execute(f"SET ROLE {AUDITOR}")
        assert auditor.execute("SELECT id FROM security_customer").fetchall() == [("techcorp",)]
        for forbidden in ("DELETE FROM security_customer", "SELECT digest FROM security_apikey"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auditor.execute(forbidden)


def _as_server(logins: Logins) -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=urlsplit(logins.web["DATABASE_URL"]).path))


def test_a_migration_that_may_not_make_the_roles_says_what_to_run(logins: Logins) -> None:
    owner = urlsplit(logins.owner["DATABASE_URL"]).username
    logins.server.execute(f"REVOKE {APP}, {PLATFORM} FROM {owner}")

    migrated = run(MANAGE, "migrate", "-v0", environ=logins.owner)

    assert migrated.returncode == 1
    assert f"have an administrator run: CREATE ROLE {APP};" in migrated.stderr
    assert migrated.stderr.strip().endswith(f"GRANT {APP}, {PLATFORM} TO {owner};")
