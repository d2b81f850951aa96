"""The text of the statements. Column lists come from the models, so that a migration cannot leave them behind."""

from dataclasses import dataclass
from functools import cache

from django.db import connection, models

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.models import Approval, Clarification, Hop, Task, TaskEvent
from delegation.states import TASK_ENDED
from delegation.store.records import HOP_CHANGES, REASON_LENGTH, TARGET_LENGTH
from delegation.store.rows import CONTINUED, HOP_COLUMNS

# Said so that the index of tasks alive cannot serve it: for a list of keys the planner may think that shorter to read.
ALIVE = "status NOT IN ({})".format(", ".join(f"'{status}'" for status in sorted(TASK_ENDED)))

# A split's continuation: the same agent with the same work, one attempt on; the worker that ended the last branch runs
# it, unless other branches are to be cancelled first. See rows.continuation for the ORM's.
_CONTINUED = {
    **{name: name for name in CONTINUED},
    "id": "resume_id",
    "resumes_id": "id",
    "attempt": "attempt + 1",
    "status": "CASE WHEN pending_branches > 0 THEN 'waiting' WHEN runs_on THEN 'running' ELSE 'pending' END",
    "owner": "CASE WHEN runs_on THEN resume_owner END",
    "claim": "runs_on::integer",
    "created_at": "completed_at",
    "started_at": "CASE WHEN runs_on THEN completed_at END",
}


# What a child does not take over from the hop that delegated, whose settlement (``done``) it hangs on.
CHILD_COLUMNS = "id join_id branch agent_type agent_ve_id instruction status".split()
_CHILD = {name: f"x.{name}" for name in CHILD_COLUMNS} | {
    "task_id": "done.task",
    "customer_id": "done.customer",
    "parent_id": "done.hop",
    "depth": "done.depth + 1",
    "path": "done.path || to_jsonb(x.agent_type)",
    "priority": "done.priority",
    "owner": "CASE WHEN x.status = 'running' THEN done.held_owner END",
    "claim": "(x.status = 'running')::integer",
    "created_at": "done.at",
    "started_at": "CASE WHEN x.status = 'running' THEN done.at END",
}

_LOGGED_DECISION = {
    "id": "log_id",
    "task_id": "task",
    "customer_id": "customer",
    "hop_id": "hop",
    "delegation_depth": "depth",
    "agent_type": "agent_type",
    "agent_ve_id": "ve_id",
    "decision_action": "action",
    "delegated_to_type": "coalesce(delegated_to, '')",
    "confidence_score": "confidence",
    "decision_reason": "coalesce(reason, '')",
    "execution_time_seconds": "log_seconds",
    "status": "log_status",
    "result_summary": "log_summary",
    "error_message": "concat_ws(': ', error_code, error_message)",
    "created_at": "started_at",
    "completed_at": "at",
}

_RULING = {
    "id": "uuid",
    "target": "text",
    "action": "text",
    "authorized": "boolean",
    "reason": "text",
    "at": "timestamptz",
}
_LOGGED_RULING = {
    "id": "x.id",
    "customer_id": "done.customer",
    "task_id": "done.task",
    "agent_ve_id": "done.ve_id",
    "target_agent_type": f"left(x.target, {TARGET_LENGTH})",
    "action": "x.action",
    "authorized": "x.authorized",
    "authorization_reason": f"CASE WHEN x.authorized THEN left(x.reason, {REASON_LENGTH}) ELSE '' END",
    "denied_reason": "CASE WHEN x.authorized THEN '' ELSE x.reason END",
    "request_headers": "jsonb_build_object('X-Customer-ID', done.customer)",
    "created_at": "x.at",
}


def _default(model: type[models.Model], column: str) -> str:
    """Return the column's default as an SQL literal: NULL, a number or an empty text."""
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    default = field.get_default()
    return "NULL" if default is None else f"'{default}'"


def _columns(model: type[models.Model]) -> dict[str, str]:
    """Return the model's columns with their types, without a key that the database makes itself."""
    return {
        str(field.column): field.db_type(connection) or ""
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField)
    }


def rows_of(key: str, columns: dict[str, str]) -> str:
    described = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
    return f"json_to_recordset(%({key})s::json) AS x({described})"


def _insert(model: type[models.Model], key: str, *, gate: str = "") -> str:
    """Return an INSERT of the rows of the parameter ``key``, of those that pass the gate."""
    columns = _columns(model)
    given = HOP_COLUMNS if model is Hop else columns
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f'x."{name}"' if name in given else _default(model, name) for name in columns)
    described = {name: columns[name] for name in given}
    source = rows_of(key, {"by": "uuid", **described} if "x.by" in gate else described)
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {source} {gate}'


def _insert_from(model: type[models.Model], values: dict[str, str], source: str) -> str:
    """Return an INSERT of these values, by column, from the source: a column that is not named gets its default."""
    columns = {**{name: _default(model, name) for name in _columns(model)}, **values}
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {", ".join(columns.values())} FROM {source}'


@cache
def submit() -> str:
    """Save tasks with their first hops, events and rulings. Returns the ids of those whose idempotency key was free."""
    saved = "JOIN saved ON saved.id = x.task_id"
    return f"""
    WITH saved AS ({_insert(Task, "tasks")}
        ON CONFLICT (customer_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id),
    hops AS ({_insert(Hop, "hops", gate=saved)}),
    events AS ({_insert(TaskEvent, "events", gate=saved)}),
    rulings AS ({_insert(AuthorizationLog, "authorizations", gate=saved)})
    SELECT id FROM saved
    """


# What its owner needs to know of a continuation that runs on. The rest is the task's, which the owner knows.
_RESUMED = ", ".join(
    f"'{name}', whole.{name}"
    for name in "id parent_id join_id branch depth attempt agent_type path instruction "
    "priority remote_task_id resume_id resume_owner completed_at".split()
)
_STARTED = """
        UNION ALL
        SELECT l.id, whole.customer_id, l.last_seq, whole.completed_at, whole.resume_id, 0, 'hop.started',
               jsonb_build_object(
               'delegation_id', whole.resume_id, 'parent_id', whole.parent_id, 'depth', whole.depth,
               'agent_type', whole.agent_type, 'agent_name', a.name, 'attempt', whole.attempt + 1,
               'resumes_id', whole.id, 'instruction', left(whole.instruction, 200))
        FROM whole JOIN locked l ON l.id = whole.task_id
        LEFT JOIN delegation_agent a ON a.customer_id = whole.customer_id AND a.agent_type = whole.agent_type
        WHERE whole.runs_on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joins:
    """What settlements that end branches of a split add to the statement, and say of each hop and task."""

    ctes: str = ""
    table: str = ""
    joined: str = "false"
    resumed: str = "NULL::json"
    leaves_branches: str = "false"
    resumed_hops: str = "0"
    started_hops: str = "0"
    started: str = ""


_NO_JOINS = _Joins()


def _joins() -> _Joins:
    ctes = f"""
    ended AS (
        SELECT ends_branch_of AS split, count(*)::smallint AS n,
               count(*) FILTER (WHERE branch_succeeded)::smallint AS succeeded,
               max(at) AS at, min(resume_id::text)::uuid AS resume_id, min(resume_owner::text)::uuid AS resume_owner
        FROM done WHERE ends_branch_of IS NOT NULL GROUP BY ends_branch_of),
    joined AS (
        UPDATE delegation_hop p SET
            pending_branches = p.pending_branches - e.n,
            -- greatest() passes over NULL, which stands for "all of them" here.
            wanted_branches = CASE WHEN p.wanted_branches IS NOT NULL
                                   THEN greatest(p.wanted_branches - e.succeeded, 0) END,
            status = CASE WHEN p.pending_branches <= e.n OR p.wanted_branches <= e.succeeded
                          THEN 'completed' ELSE p.status END,
            completed_at = CASE WHEN p.pending_branches <= e.n OR p.wanted_branches <= e.succeeded
                                THEN e.at ELSE p.completed_at END
        FROM ended e WHERE p.id = e.split AND p.status = 'waiting'
        RETURNING p.*, e.resume_id, e.resume_owner),
    whole AS MATERIALIZED (
        SELECT *, pending_branches = 0 AND resume_owner IS NOT NULL AS runs_on FROM joined WHERE status = 'completed'),
    resumed AS ({_insert_from(Hop, _CONTINUED, "whole")}),
    """
    return _Joins(
        ctes=ctes,
        table="LEFT JOIN whole ON whole.id = done.ends_branch_of",
        joined="whole.id IS NOT NULL",
        # Of several branches that end together one brings it.
        resumed=f"CASE WHEN whole.runs_on AND whole.resume_id = done.resume_id THEN json_build_object({_RESUMED}) END",
        leaves_branches="coalesce(whole.pending_branches > 0, false)",
        resumed_hops="(SELECT count(*) FROM whole WHERE whole.task_id = t.id)",
        started_hops="(SELECT count(*) FROM whole WHERE whole.task_id = t.id AND runs_on)",
        started=_STARTED,
    )


_HELD = "JOIN done ON done.hop = x.by"
ALWAYS_READ = ("settlements", "events")


@cache
def _brought() -> dict[str, str]:
    """Return what a settlement may bring, by the parameter that lists it, with the INSERT of it.

    Most bring little: what is not there costs nothing.
    """
    hop = _columns(Hop)
    child = {"by": "uuid", **{name: hop[name] for name in CHILD_COLUMNS}}
    ruling = {"by": "uuid", **_RULING}
    return {
        "children": _insert_from(Hop, _CHILD, f"{rows_of('children', child)} {_HELD}"),
        "rulings": _insert_from(AuthorizationLog, _LOGGED_RULING, f"{rows_of('rulings', ruling)} {_HELD}"),
        "approvals": _insert(Approval, "approvals", gate=_HELD),
        "clarifications": _insert(Clarification, "clarifications", gate=_HELD),
        "leakages": _insert(LeakageLog, "leakages", gate=_HELD),
    }


@cache
def settle(lists: frozenset[str]) -> str:
    """Settle hops that bring these lists (keys of ``_brought``), and "branches" where a branch of a split ends.

    Returns a row for each hop whose claim still held, a row for each that its task cannot afford, and a row (without a
    hop) for each task that moved.

    Every join is by a key or from a list into a hash: the planner knows nothing of how long the lists are, and would
    otherwise compare each with each.
    """
    hop = _columns(Hop)
    changes = {name: hop[name] for name in HOP_CHANGES}
    settlement = {
        **changes,
        "hop": "uuid",
        "task": "uuid",
        "customer": "text",
        "held_owner": "uuid",
        "held_claim": "integer",
        "at": "timestamptz",
        "ve_id": "text",
        "log_id": "uuid",
        "log_status": "text",
        "log_seconds": "double precision",
        "log_summary": "text",
        "ends_branch_of": "uuid",
        "resume_id": "uuid",
        "resume_owner": "uuid",
        "branch_succeeded": "boolean",
        "n_events": "integer",
        "n_hops": "integer",
        "n_questions": "integer",
        "depth_reached": "smallint",
        "ends_task": "text",
    }
    assignments = ", ".join(
        f'"{name}" = coalesce(s."{name}", {_default(Hop, name)})' for name in changes if name != "due_at"
    )
    event = {"by": "uuid", "place": "integer", "type": "text", "data": "jsonb"}
    joins = _joins() if "branches" in lists else _NO_JOINS
    brought = "\n    ".join(f"new_{key} AS ({insert})," for key, insert in _brought().items() if key in lists)
    return f"""
    WITH wanted AS MATERIALIZED (SELECT x.* FROM {rows_of("settlements", settlement)}),
    locked AS MATERIALIZED (
        SELECT id, last_seq, hop_count, hop_budget, depth_reached FROM delegation_task
        WHERE id = ANY (ARRAY(SELECT task FROM wanted)) AND {ALIVE} ORDER BY id FOR UPDATE),
    budgeted AS MATERIALIZED (
        SELECT w.*, l.last_seq, l.hop_count, l.depth_reached AS depth_before, w.n_hops IS NULL OR
               l.hop_count + sum(w.n_hops) OVER (PARTITION BY w.task ORDER BY w.hop) <= l.hop_budget AS affordable
        FROM wanted w JOIN locked l ON l.id = w.task),
    done AS (
        -- Only a running hop has an owner.
        UPDATE delegation_hop h SET {assignments}, owner = NULL,
            -- Its agent may have reported while it was being asked: then it is due at once.
            due_at = CASE WHEN s.due_at IS NOT NULL THEN least(s.due_at, h.due_at) END
        FROM budgeted s
        WHERE s.affordable AND h.id = s.hop AND h.owner = s.held_owner AND h.claim = s.held_claim
        RETURNING s.*, h.depth, h.agent_type, h.path, h.priority, h.started_at),
    {joins.ctes}
    {brought}
    decisions AS ({_insert_from(DelegationLog, _LOGGED_DECISION, "done WHERE log_id IS NOT NULL")}),
    events AS (
        INSERT INTO delegation_taskevent (task_id, customer_id, seq, type, at, data)
        SELECT task, customer, last_seq + row_number() OVER (PARTITION BY task ORDER BY at, by, place), type, at, data
        FROM (SELECT done.task, done.customer, done.last_seq, done.at, x.by, x.place, x.type, x.data
              FROM {rows_of("events", event)} {_HELD}{joins.started}) news),
    moved AS (
        UPDATE delegation_task t SET
            last_seq = t.last_seq + d.n_events + {joins.started_hops},
            hop_count = t.hop_count + d.n_hops + {joins.resumed_hops},
            depth_reached = greatest(t.depth_reached, d.depth_reached),
            open_questions = t.open_questions + d.n_questions,
            input_tokens = t.input_tokens + d.input_tokens,
            output_tokens = t.output_tokens + d.output_tokens,
            cost_usd = t.cost_usd + d.cost_usd,
            status = coalesce(d.ends_task, CASE WHEN t.open_questions + d.n_questions > 0
                                                 THEN 'input_required' ELSE 'working' END),
            result = d.result,
            error_code = coalesce(d.error_code, ''),
            error_message = coalesce(d.error_message, ''),
            completed_at = d.ended_at
        FROM (SELECT task, sum(n_events) AS n_events, coalesce(sum(n_hops), 0) AS n_hops,
                     coalesce(sum(n_questions), 0) AS n_questions, max(depth_reached) AS depth_reached,
                     coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
                     coalesce(sum(cost_usd), 0) AS cost_usd, max(ends_task) AS ends_task,
                     -- A task ends with one hop.
                     (array_agg(result) FILTER (WHERE ends_task IS NOT NULL))[1] AS result,
                     max(error_code) FILTER (WHERE ends_task IS NOT NULL) AS error_code,
                     max(error_message) FILTER (WHERE ends_task IS NOT NULL) AS error_message,
                     max(at) FILTER (WHERE ends_task IS NOT NULL) AS ended_at
              FROM done GROUP BY task) d
        WHERE t.id = d.task
        RETURNING t.id, t.last_seq, t.hop_count, t.depth_reached, t.cost_usd)
    SELECT done.hop, done.task, NULL AS last_seq, NULL AS hop_count, NULL AS depth_reached, NULL AS cost_usd,
           {joins.joined} AS joined, {joins.resumed} AS resumed, {joins.leaves_branches} AS leaves_branches,
           true AS affordable
    FROM done {joins.table}
    UNION ALL
    SELECT NULL, id, last_seq, hop_count, depth_reached, cost_usd, false, NULL, false, true FROM moved
    UNION ALL
    SELECT hop, task, last_seq, hop_count, depth_before, NULL, false, NULL, false, false
    FROM budgeted WHERE NOT affordable
    """
