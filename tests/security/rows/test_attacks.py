"""The ORM's filters are gone, by hand: PostgreSQL alone stands between TechCorp and AcmeCorp's rows."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.models import AuthorizationLog, LeakageLog
from delegation.models import Agent, Approval, Hop, Task, TaskEvent
from security.models import Customer
from security.rows import customer_rows, no_rows, platform_rows
from security.rows.tables import TABLES
from tests.security.rows.conftest import Estate, asked

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
GUARDED = sorted(name for name, table in TABLES.items() if table.own and table.app)


@pytest.fixture
def techcorp(ours: Estate, theirs: Estate) -> Iterator[Estate]:
    """Work for TechCorp; give AcmeCorp's rows, which exist."""
    with customer_rows("techcorp"):
        yield theirs


def refused(statement: str, *values: object) -> str:
    """Return the error that the statement ends in."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():  # noqa: PT012  what is deferred is refused later
        asked(statement, *values)
        asked("SET CONSTRAINTS ALL IMMEDIATE")
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize("table", GUARDED)
def test_no_table_shows_a_row_of_theirs(table: str, techcorp: Estate) -> None:
    with platform_rows():
        all_rows = asked(f"SELECT to_jsonb(t) FROM {table} t")
    shown = asked(f"SELECT to_jsonb(t) FROM {table} t")
    own = {"security_customer": "id", "auth_user": "username"}.get(table, "customer_id")
    strangers = {"acmecorp", "zoe"}

    assert any(strangers & {str(row.get(own))} for row in _parsed(all_rows)) or own not in _parsed(all_rows)[0]
    assert 0 < len(shown) < len(all_rows)
    assert not any(strangers & {str(row.get(own))} for row in _parsed(shown))
    assert asked(f"SELECT count(*) FROM {table}") == [(len(shown),)]


def _parsed(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [json.loads(row) if isinstance(row, str) else row for (row,) in rows]


@pytest.mark.parametrize("table", GUARDED)
def test_without_a_customer_there_is_nothing(table: str, techcorp: Estate) -> None:
    with no_rows():
        assert asked(f"SELECT 1 FROM {table}") == []


@pytest.mark.parametrize("table", sorted(name for name, rule in TABLES.items() if not rule.app))
def test_what_is_the_platforms_is_closed(table: str, techcorp: Estate) -> None:
    assert refused(f"SELECT 1 FROM {table}") == f"permission denied for table {table}"


@pytest.mark.parametrize(
    "model", [model for model in apps.get_models() if model._meta.db_table in GUARDED], ids=lambda model: model.__name__
)
def test_the_orm_without_its_filter(model: Any, techcorp: Estate) -> None:
    with platform_rows():
        everything = set(model._base_manager.values_list("pk", flat=True))
    shown = set(model._base_manager.values_list("pk", flat=True))

    assert shown < everything
    assert not model._base_manager.filter(pk__in=everything - shown).exists()
    assert model._base_manager.filter(pk__in=everything - shown).count() == 0


def test_their_task_cannot_be_had_by_its_id(techcorp: Estate) -> None:
    task_id = techcorp.task.id

    assert not Task.objects.filter(id=task_id).exists()
    assert asked("SELECT message FROM delegation_task WHERE id = %s", task_id) == []
    assert asked("SELECT EXISTS (SELECT FROM delegation_task WHERE id = %s)", task_id) == [(False,)]
    assert asked("SELECT count(*), max(message) FROM delegation_task WHERE customer_id = 'acmecorp'") == [(0, None)]
    assert asked("SELECT FROM delegation_task WHERE id = %s FOR UPDATE", task_id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT t.message FROM delegation_hop h, delegation_task t WHERE t.id = h.task_id AND t.id = %s",
        "SELECT e.data FROM delegation_agent a RIGHT JOIN delegation_taskevent e ON false WHERE e.task_id = %s",
        "SELECT l.decision_reason FROM delegation_agent a CROSS JOIN agent_delegation_logs l WHERE l.task_id = %s",
        "SELECT message FROM (SELECT * FROM delegation_task WHERE true OR customer_id = 'x') t WHERE t.id = %s",
        "SELECT x.message FROM delegation_agent a, LATERAL (SELECT * FROM delegation_task WHERE id = %s) x",
        "WITH every AS MATERIALIZED (SELECT * FROM delegation_task) SELECT message FROM every WHERE id = %s",
        "SELECT message FROM delegation_task WHERE id = %s UNION SELECT username FROM auth_user WHERE username = 'zoe'",
        "SELECT comment FROM delegation_approvalvote, delegation_approval a WHERE a.id = approval_id AND task_id = %s",
    ],
)
def test_no_way_of_joining_leads_to_them(statement: str, techcorp: Estate) -> None:
    with platform_rows():
        assert asked(statement, techcorp.task.id)
    assert asked(statement, techcorp.task.id) == []


def test_a_function_in_the_condition_sees_no_row_of_theirs(techcorp: Estate) -> None:
    # A function that is not leakproof must wait until the policy has passed the row.
    dividing = "SELECT 1 FROM delegation_task WHERE 1 / (CASE WHEN message LIKE %s THEN 0 ELSE 1 END) = 1"

    assert asked(dividing, "%acmecorp%") == [(1,)]
    with platform_rows():
        assert refused(dividing, "%acmecorp%") == "division by zero"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE delegation_task SET message = 'ours' WHERE id = %s RETURNING message",
        "UPDATE delegation_task t SET message = h.reason FROM delegation_hop h WHERE t.id = %s RETURNING t.message",
        "UPDATE delegation_agent SET endpoint_url = 'ours' WHERE id <> %s AND customer_id = 'acmecorp' RETURNING 1",
        "DELETE FROM security_canary WHERE customer_id = 'acmecorp' AND id <> %s RETURNING token",
        "DELETE FROM delegation_agent WHERE customer_id = 'acmecorp' AND id <> %s RETURNING id",
    ],
)
def test_nothing_of_theirs_is_changed(statement: str, techcorp: Estate) -> None:
    assert asked(statement, techcorp.task.id) == []
    with platform_rows():
        assert Task.objects.get(id=techcorp.task.id).message == techcorp.task.message
        assert Agent.objects.filter(customer_id="acmecorp").exclude(endpoint_url="ours").count() == 2


def test_no_row_is_given_to_them_or_taken_over(ours: Estate, techcorp: Estate) -> None:
    away = "UPDATE delegation_agent SET customer_id = 'acmecorp' WHERE id = %s"
    given = (
        "INSERT INTO delegation_approvalrules (customer_id, first_use, quorum, escalates_to) VALUES (%s, true, 1, '')"
    )

    assert "row-level security" in refused(away, ours.agents[0].id)
    assert "row-level security" in refused(given, "acmecorp")
    assert "row-level security" in refused(given, "nobody-at-all")
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        AuthorizationLog.objects.create(
            customer_id="acmecorp", action="invoke", authorized=True, target_agent_type="x", created_at=timezone.now()
        )


def test_a_bulk_of_rows_hides_none_of_theirs(ours: Estate, techcorp: Estate) -> None:
    events = [
        TaskEvent(task_id=estate.task.id, customer_id=estate.customer_id, seq=900, type="x", at=timezone.now())
        for estate in (ours, techcorp)
    ]

    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        TaskEvent.objects.bulk_create(events)
    with platform_rows():
        assert not TaskEvent.objects.filter(seq=900).exists()


NOBODYS = uuid4()


def _answers(make: Any, theirs: object, nobodys: object = NOBODYS) -> None:
    """A reference to what is theirs is refused exactly as one to what nobody has."""
    said = set()
    for key in (theirs, nobodys):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():  # noqa: PT012  some of it is looked at later
            make(key)
            asked("SET CONSTRAINTS ALL IMMEDIATE")
        said.add(str(caught.value).replace(str(key), "KEY"))
    assert len(said) == 1, said


def test_no_foreign_key_tells_of_their_tasks(ours: Estate, techcorp: Estate) -> None:
    now = timezone.now()
    own: dict[str, Any] = {"customer_id": "techcorp"}

    _answers(lambda key: TaskEvent.objects.create(task_id=key, seq=1, type="x", at=now, **own), techcorp.task.id)
    _answers(lambda key: _hop(task_id=key, **own), techcorp.task.id)
    _answers(lambda key: Hop.objects.filter(id=ours.hop.id).update(task_id=key), techcorp.task.id)
    _answers(lambda key: Approval.objects.filter(task=ours.task).update(task_id=key), techcorp.task.id)
    _answers(lambda key: Approval.objects.filter(task=ours.task).update(hop_id=key), _theirs(Approval, "hop_id"))
    decision = {"hop_id": NOBODYS, "delegation_depth": 0, "agent_type": "x", "agent_ve_id": "x", "status": "failed"}
    log = apps.get_model("audit", "DelegationLog")
    _answers(lambda key: log.objects.create(task_id=key, created_at=now, **decision, **own), techcorp.task.id)


@pytest.mark.parametrize("column", ["parent_id", "join_id", "resumes_id"])
def test_no_foreign_key_tells_of_their_hops(column: str, ours: Estate, techcorp: Estate) -> None:
    own = {"customer_id": "techcorp", "task_id": ours.task.id}
    with platform_rows():
        _hop(customer_id="acmecorp", task_id=techcorp.task.id, **{column: techcorp.hop.id})

    _answers(lambda key: _hop(**own, **{column: key}), techcorp.hop.id)


def _hop(**fields: Any) -> Hop:
    now = timezone.now()
    return Hop.objects.create(depth=0, agent_type="x", agent_ve_id="x", instruction="x", created_at=now, **fields)


def test_no_foreign_key_tells_of_their_agents_approvals_and_findings(ours: Estate, techcorp: Estate) -> None:
    source, now = ours.agents[1], timezone.now()
    their_approval, their_finding = _theirs(Approval), _theirs(LeakageLog)
    user_id = ours.person.user.pk
    rule, grant, vote, feedback = (
        apps.get_model(name)
        for name in (
            "delegation.DelegationRule",
            "delegation.AgentGrant",
            "delegation.ApprovalVote",
            "audit.LeakFeedback",
        )
    )
    permission_id = asked("SELECT id FROM auth_permission WHERE codename = 'approve_agent'")[0][0]
    own = {"customer_id": "techcorp"}

    pair = {"agent_from": source, "effect": "deny", "reason": "x", **own}
    _answers(lambda key: rule.objects.create(agent_to_id=key, **pair), techcorp.agents[0].id)
    granted = {"user_id": user_id, "permission_id": permission_id}
    # By hand in bulk: guardian looks at the agent first, and finds none.
    _answers(lambda key: grant.objects.bulk_create([grant(content_object_id=key, **granted)]), techcorp.agents[0].id)
    said = {"user_id": user_id, "approved": True, "created_at": now}
    _answers(lambda key: vote.objects.create(approval_id=key, **said), their_approval)
    judged = {"kind": "x", "verdict": "confirmed", "by_id": 1, "by": "x", "at": now, **own}
    _answers(lambda key: feedback.objects.create(finding_id=key, first_at=now, **judged), their_finding)


def _theirs(model: Any, column: str = "pk") -> UUID:
    with platform_rows():
        found: UUID = model.objects.filter(customer_id="acmecorp").values_list(column, flat=True)[0]
        return found


def test_no_name_that_is_taken_tells_who_is_here(techcorp: Estate) -> None:
    taken = "INSERT INTO security_customer (id, name) VALUES (%s, 'x')"

    assert (
        refused(taken, "acmecorp") == refused(taken, "nobody-at-all") == "permission denied for table security_customer"
    )
    person = "INSERT INTO auth_user (username) VALUES (%s)"
    assert refused(person, "zoe") == refused(person, "nobody") == "permission denied for table auth_user"


def test_statistics_tell_nothing_of_their_values(techcorp: Estate) -> None:
    asked("SELECT 1")
    assert asked("SELECT count(*) FROM pg_stats WHERE tablename IN ('delegation_task', 'security_customer')") == [(0,)]
    assert refused("SELECT 1 FROM pg_statistic") == "permission denied for table pg_statistic"
    assert refused("SELECT 1 FROM pg_authid") == "permission denied for table pg_authid"


def test_a_plan_that_is_run_counts_no_row_of_theirs(techcorp: Estate) -> None:
    plan = asked(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM delegation_task WHERE id = %s",
        techcorp.task.id,
    )

    assert "rows=0" in plan[0][0]


@pytest.mark.parametrize("setting", ["'role', 'a2a_platform'", "'a2a.customers', 'acmecorp'", "'row_security', 'off'"])
def test_no_select_changes_whose_rows_it_sees(setting: str, techcorp: Estate) -> None:
    changing = f"SELECT set_config({setting}, true), (SELECT count(*) FROM delegation_task)"

    assert refused(changing) == "permission denied for function set_config"
    with platform_rows():
        assert refused(changing) == "permission denied for function set_config"


def test_rules_cannot_be_undone(techcorp: Estate) -> None:
    for statement in (
        "ALTER TABLE delegation_task DISABLE ROW LEVEL SECURITY",
        "DROP POLICY rows_of_customers ON delegation_task",
        "ALTER ROLE a2a_app BYPASSRLS",
        "TRUNCATE delegation_task CASCADE",
    ):
        assert re.search("must be owner|must be superuser|permission denied", refused(statement))
    with transaction.atomic():
        asked("SET LOCAL row_security = off")
        assert "row-level security" in refused("SELECT 1 FROM delegation_task")


def test_the_logs_are_added_to_and_nothing_else(ours: Estate, techcorp: Estate) -> None:
    for table in ("agent_delegation_logs", "agent_authorization_logs", "leakage_detection_logs"):
        assert refused(f"DELETE FROM {table}") == f"permission denied for table {table}"
        with platform_rows():
            assert refused(f"UPDATE {table} SET agent_ve_id = 'x'") == f"permission denied for table {table}"


def test_several_customers_at_once_are_these_and_no_other(ours: Estate, theirs: Estate) -> None:
    Customer.objects.create(id="third", name="Third")

    with customer_rows("techcorp", "acmecorp"):
        assert set(Customer.objects.values_list("id", flat=True)) == {"techcorp", "acmecorp"}
    with customer_rows("third", "x', 'acmecorp", "acmecorp,techcorp", ""):
        assert set(Customer.objects.values_list("id", flat=True)) == {"third"}
