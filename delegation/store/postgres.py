"""The hot path's statements for PostgreSQL: each one prepared CTE fed by JSON lists.

Everything of a task changes under the lock of its row, and every statement takes those locks in id order, so that two
workers never wait for each other in a circle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import InterfaceError, OperationalError, connection

from delegation.store import postgres_sql
from delegation.store.plain import attempt_of
from delegation.store.postgres_claim import claim
from delegation.store.records import (
    LOST,
    NO_LIMIT,
    NOTHING_TAKEN,
    AgentKey,
    ClaimedHop,
    Claims,
    DatabaseAway,
    NewTask,
    Row,
    Settled,
    Settlement,
    TaskFacts,
)
from security.rows import customer_rows, platform_rows
from security.rows.postgres.on_loop import LoopConnection
from security.rows.postgres.prepared import Call, execute


class PostgresStore:
    """See ``records.Store``."""

    def commit(self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]) -> tuple[list[bool], list[Settled]]:
        batch = _Batch(tasks, settlements)
        return batch.outcome(_run(*batch.calls))

    def claim(
        self,
        *,
        owner: UUID,
        limit: int,
        now: datetime,
        agent_limit: int = NO_LIMIT,
        taken: Mapping[AgentKey, int] = NOTHING_TAKEN,
    ) -> Claims:
        (rows,) = _run(_claiming(owner, limit, now, agent_limit, taken))
        return _claims(rows)

    def attempt(self, hop_id: UUID) -> list[Row]:
        (rows,) = _run(_attempting(hop_id))
        return [_attempt(row) for row in rows]


class PostgresLoopStore:
    """See ``records.LoopStore``."""

    def __init__(self) -> None:
        self._committing = LoopConnection()
        self._looking = LoopConnection()

    async def commit(
        self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]
    ) -> tuple[list[bool], list[Settled]]:
        batch = _Batch(tasks, settlements)
        try:
            with customer_rows(*sorted(batch.customers)):
                return batch.outcome(await self._committing.run(*batch.calls))
        except (OperationalError, InterfaceError) as error:
            if self._committing.is_open:
                raise
            raise DatabaseAway(str(error)) from error

    async def claim(
        self, *, owner: UUID, limit: int, now: datetime, agent_limit: int, taken: Mapping[AgentKey, int]
    ) -> Claims:
        with platform_rows():
            (rows,) = await self._looking.run(_claiming(owner, limit, now, agent_limit, taken))
        return _claims(rows)

    async def attempt(self, hop_id: UUID, *, customer_id: str) -> list[Row]:
        with customer_rows(customer_id):
            (rows,) = await self._looking.run(_attempting(hop_id))
        return [_attempt(row) for row in rows]

    async def close(self) -> None:
        self._committing.close()
        self._looking.close()


class _Batch:
    """What is committed together: the calls that do it, and what their answers mean."""

    def __init__(self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]) -> None:
        self._tasks = tasks
        self._settlements = settlements
        self._newest = _newest_claims(settlements)

    @property
    def customers(self) -> set[str]:
        return {new.task["customer_id"] for new in self._tasks} | {
            one.hop.task.customer_id for one in self._settlements
        }

    @property
    def calls(self) -> list[Call]:
        submission = [_submission(self._tasks)] if self._tasks else []
        return submission + ([_settling(list(self._newest.values()))] if self._newest else [])

    def outcome(self, answers: list[list[Row]]) -> tuple[list[bool], list[Settled]]:
        """Return what ``records.Store.commit`` does. ``answers`` are the rows of each call."""
        saved = _saved(self._tasks, answers[0]) if self._tasks else []
        return saved, _outcomes(self._settlements, self._newest, answers[-1]) if self._newest else []


def _submission(tasks: Sequence[NewTask]) -> Call:
    document = {
        "tasks": [new.task for new in tasks],
        "hops": [row for new in tasks for row in new.hops],
        "events": [row for new in tasks for row in new.events],
        "authorizations": [row for new in tasks for row in new.authorizations],
    }
    return _call("submit", postgres_sql.submit(), _as_json(document))


def _saved(tasks: Sequence[NewTask], rows: list[Row]) -> list[bool]:
    saved = {str(row["id"]) for row in rows}
    return [str(new.task["id"]) in saved for new in tasks]


def _settling(settlements: Sequence[Settlement]) -> Call:
    document = _document(settlements)
    lists = {key for key, rows in document.items() if rows}
    if any(one.ends_branch for one in settlements):
        lists.add("branches")
    brought = {key: rows for key, rows in document.items() if rows or key in postgres_sql.ALWAYS_READ}
    return _call("settle", postgres_sql.settle(frozenset(lists)), _as_json(brought))


def _outcomes(settlements: Sequence[Settlement], newest: dict[UUID, Settlement], rows: list[Row]) -> list[Settled]:
    """Return what became of each settlement: one that is not its hop's newest has lost its claim."""
    moved = {row["task"]: row for row in rows if row["hop"] is None}
    outcome = {
        row["hop"]: _settled(row, moved.get(row["task"], row), newest[row["hop"]].hop.task)
        for row in rows
        if row["hop"] is not None
    }
    return [outcome.get(one.hop.id, LOST) if newest[one.hop.id] is one else LOST for one in settlements]


def _newest_claims(settlements: Sequence[Settlement]) -> dict[UUID, Settlement]:
    """Return the settlements by hop; of two of a hop, which a worker may have lost and claimed anew, the newer."""
    newest: dict[UUID, Settlement] = {}
    for one in settlements:
        known = newest.setdefault(one.hop.id, one)
        if known.hop.claim < one.hop.claim:
            newest[one.hop.id] = one
    return newest


def _settled(hop: Row, task: Row, known: TaskFacts) -> Settled:
    return Settled(
        held=True,
        last_seq=task["last_seq"],
        hop_count=task["hop_count"],
        depth_reached=task["depth_reached"],
        joined=hop["joined"],
        resumed=hop["resumed"] and _resumed(hop["resumed"], task, known),
        leaves_branches=hop["leaves_branches"],
        affordable=hop["affordable"],
    )


def _resumed(hop: Row, task: Row, known: TaskFacts) -> ClaimedHop:
    """Return the split's continuation, which the worker owns that settled its last branch."""
    return ClaimedHop(
        id=UUID(hop["resume_id"]),
        task=known._replace(hop_count=task["hop_count"], cost_usd=float(task["cost_usd"])),
        owner=UUID(hop["resume_owner"]),
        claim=1,
        parent_id=hop["parent_id"] and UUID(hop["parent_id"]),
        join_id=hop["join_id"] and UUID(hop["join_id"]),
        branch=hop["branch"],
        resumes_id=UUID(hop["id"]),
        depth=hop["depth"],
        attempt=hop["attempt"] + 1,
        agent_type=hop["agent_type"],
        path=tuple(hop["path"]),
        instruction=hop["instruction"],
        priority=hop["priority"],
        remote_task_id=hop["remote_task_id"],
        polls=0,
        tries=0,
        started_at=datetime.fromisoformat(hop["completed_at"]),
    )


def _document(settlements: Sequence[Settlement]) -> dict[str, list[Row]]:
    """Return the settlements as the lists that the statement reads; ``by`` names the hop whose claim they hang on."""
    return {
        "settlements": [_settlement(one) for one in settlements],
        "children": [_child(one.hop.id, row) for one in settlements for row in one.new_hops],
        "approvals": [{"by": one.hop.id, **row} for one in settlements for row in one.approvals],
        "clarifications": [{"by": one.hop.id, **row} for one in settlements for row in one.clarifications],
        "rulings": [{"by": one.hop.id, **ruling} for one in settlements for ruling in one.rulings],
        "leakages": [{"by": one.hop.id, **row} for one in settlements for row in one.leakages],
        "events": [
            {"by": one.hop.id, "place": place, "type": type_, "data": data}
            for one in settlements
            for place, (type_, data) in enumerate(one.events)
        ],
    }


def _settlement(one: Settlement) -> Row:
    """Return what the settlement says of its hop. What there is not is left out: every word costs its reading."""
    row: Row = {
        **one.changes,
        "hop": one.hop.id,
        "task": one.hop.task.id,
        "customer": one.hop.task.customer_id,
        "held_owner": one.hop.owner,
        "held_claim": one.hop.claim,
        "at": one.at,
        "ve_id": one.ve_id,
        "n_events": len(one.events),
        "depth_reached": one.depth_reached,
    }
    if one.decision is not None:
        row |= {f"log_{name}": value for name, value in one.decision.items()}
    if one.new_hops:
        row["n_hops"] = len(one.new_hops)
    if one.approvals or one.clarifications:
        row["n_questions"] = len(one.approvals) + len(one.clarifications)
    if one.ends_task is not None:
        row["ends_task"] = one.ends_task
    if one.ends_branch is not None:
        row["ends_branch_of"] = one.ends_branch.split_id
        row["resume_id"] = one.ends_branch.resume_id
        row["resume_owner"] = one.ends_branch.owner
        row["branch_succeeded"] = one.ends_branch.succeeded
    return row


def _child(by: UUID, row: Row) -> Row:
    return {"by": by, **{name: row[name] for name in postgres_sql.CHILD_COLUMNS if row[name] is not None}}


def _as_json(document: dict[str, list[Row]]) -> Row:
    """Return each list as a parameter of its own: of one document PostgreSQL would read all again for each part."""
    return {key: orjson.dumps(rows).decode() for key, rows in document.items()}


_TYPES = {UUID: "uuid", datetime: "timestamptz", int: "bigint", str: "json"}


def _call(name: str, sql: str, parameters: Row) -> Call:
    types = [_TYPES[type(value)] for value in parameters.values()]
    return Call(name, _numbered(sql, tuple(parameters)), types, list(parameters.values()))


@cache
def _numbered(sql: str, keys: tuple[str, ...]) -> str:
    return sql % {key: f"${number}" for number, key in enumerate(keys, 1)}


def _run(*calls: Call) -> list[list[Row]]:
    """Run prepared statements and return the rows of each by column name.

    Those of one message are one transaction: BEGIN and COMMIT would be two more round trips, each of them with a wait
    for the interpreter.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        execute(cursor, *calls)
        return [_rows(cursor) for _ in calls]


def _rows(cursor: psycopg.Cursor[Any]) -> list[Row]:
    """Return the rows of the statement at hand, and go on to the next."""
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    cursor.nextset()
    return rows


def _claiming(owner: UUID, limit: int, now: datetime, agent_limit: int, taken: Mapping[AgentKey, int]) -> Call:
    places = [{"customer_id": customer, "agent_type": agent, "n": n} for (customer, agent), n in taken.items()]
    parameters = {"owner": owner, "limit": limit, "now": now, "agent_limit": agent_limit}
    return _call("claim", claim(), parameters | _as_json({"taken": places}))


def _claims(rows: list[Row]) -> Claims:
    claimed = [row for row in rows if row["id"] is not None]
    return Claims(
        hops=tuple(_claimed(row) for row in claimed),
        last_seqs={row["task_id"]: (row["customer_id"], row["last_seq"]) for row in claimed},
        passed_by=rows[0]["passed_by"],
    )


def _attempting(hop_id: UUID) -> Call:
    return Call("attempt", _attempt_sql(), ["uuid"], [hop_id])


@cache
def _attempt_sql() -> str:
    """Return what the ORM writes, whose every parameter is the hop's id."""
    sql, parameters = attempt_of(UUID(int=0)).query.sql_with_params()
    return sql % tuple("$1" for _ in parameters)


def _attempt(row: Row) -> Row:
    # JSON comes as text, for the ORM to read.
    return row | {"result": row["result"] and orjson.loads(row["result"])}


def _claimed(row: Row) -> ClaimedHop:
    task = TaskFacts(
        id=row["task_id"],
        customer_id=row["customer_id"],
        created_by=row["created_by"],
        message=row["message"],
        priority=row["task_priority"],
        trace_id=row["trace_id"],
        created_at=row["task_created_at"],
        deadline_at=row["deadline_at"],
        hop_budget=row["hop_budget"],
        hop_count=row["hop_count"],
        cost_usd=float(row["task_cost_usd"]),
    )
    same = (
        "id owner claim parent_id join_id branch resumes_id depth attempt agent_type instruction priority "
        "remote_task_id polls tries started_at"
    ).split()
    return ClaimedHop(task=task, path=tuple(orjson.loads(row["path"])), **{name: row[name] for name in same})
