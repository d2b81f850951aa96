"""What every peer shares: the table of its audit rows, and the reading of an agent's decision."""

import os

import psycopg

DATABASE_URL = os.environ["DATABASE_URL"]
REDIS_URL = os.environ["REDIS_URL"]
AGENTS_URL = os.environ["AGENTS_URL"]
TABLES = """
CREATE TABLE IF NOT EXISTS bench_task (id text PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS bench_audit (
    id bigserial PRIMARY KEY, task_id text NOT NULL, agent text NOT NULL, decision jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())
"""
INSERT_TASK = "INSERT INTO bench_task (id) VALUES (%s)"
INSERT_AUDIT = "INSERT INTO bench_audit (task_id, agent, decision) VALUES (%s, %s, %s::jsonb)"


def create_tables(*others: str) -> None:
    """Make the tables that every peer writes, and others by their statements."""
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        for statement in (TABLES, *others):
            connection.execute(statement)


def agent_url(delay_ms: int, agent: str) -> str:
    return f"{AGENTS_URL}/{delay_ms}/{agent}"
