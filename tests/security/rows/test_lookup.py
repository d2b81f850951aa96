"""Rows read by SQL that is written and planned once: as the ORM would, whoever's rows it is about."""

from uuid import uuid4

import pytest
from django.db import connection

from delegation.models import Agent, Task
from delegation.states import TaskStatus
from security.rows import customer_rows, no_rows, platform_rows
from security.rows.lookup import Lookup
from tests.security.rows.conftest import Estate


def test_it_finds_the_row_with_these_values_or_none(ours: Estate) -> None:
    lookup = Lookup(Agent, "customer_id", "agent_type", enabled=True)
    agent = ours.agents[0]

    found = lookup.first(ours.customer_id, agent.agent_type)

    assert found is not None
    fields = [field.attname for field in Agent._meta.concrete_fields]
    assert {name: getattr(found, name) for name in fields} == Agent.objects.values(*fields).get(pk=agent.pk)
    assert lookup.first(ours.customer_id, "nobody") is None
    Agent.objects.filter(pk=agent.pk).update(enabled=False)
    assert lookup.first(ours.customer_id, agent.agent_type) is None


def test_it_reads_the_fields_named_and_others_when_they_are_asked_for(ours: Estate) -> None:
    found = Lookup(Agent, "id", only=("customer", "seniority")).first(ours.agents[0].pk)

    assert found is not None
    assert found.get_deferred_fields().isdisjoint({"id", "customer_id", "seniority"})
    assert "skills" in found.get_deferred_fields()
    assert (found.seniority, found.skills) == (ours.agents[0].seniority, ours.agents[0].skills)


def test_it_finds_all_that_have_one_of_the_values(ours: Estate, theirs: Estate) -> None:
    keys = {ours.task.pk, theirs.task.pk}
    Task.objects.filter(pk__in=keys).update(status=TaskStatus.INPUT_REQUIRED)
    lookup = Lookup(Task, "id", status__in=[TaskStatus.INPUT_REQUIRED, TaskStatus.WORKING])

    assert {task.pk for task in lookup.among([*keys, uuid4()])} == keys
    Task.objects.filter(pk=theirs.task.pk).update(status=TaskStatus.SUBMITTED)
    assert [task.pk for task in lookup.among(keys)] == [ours.task.pk]
    assert lookup.among([]) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
def test_a_plan_that_is_kept_finds_the_rows_of_whom_it_is_about_each_time(ours: Estate, theirs: Estate) -> None:
    lookup = Lookup(Task, "id")
    keys = [ours.task.pk, theirs.task.pk]

    def seen() -> set[str]:
        one_by_one = {task.customer_id for key in keys if (task := lookup.first(key))}
        assert {task.customer_id for task in lookup.among(keys)} == one_by_one
        return one_by_one

    # More often than PostgreSQL plans for the values at hand.
    for _ in range(8):
        with platform_rows():
            assert seen() == {ours.customer_id, theirs.customer_id}
        with customer_rows(ours.customer_id):
            assert seen() == {ours.customer_id}
        with customer_rows(theirs.customer_id):
            assert seen() == {theirs.customer_id}
        with no_rows():
            assert seen() == set()
