"""Rows read by SQL that is written and planned once: as the ORM would, whoever's rows it is about."""

from uuid import uuid4

import pytest
from django.db import connection

from delegation.models import Agent, Task
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
    lookup = Lookup(Task, "id", status__in=["completed", ours.task.status])

    assert {task.pk for task in lookup.among([ours.task.pk, theirs.task.pk, uuid4()])} == {
        ours.task.pk,
        theirs.task.pk,
    }
    Task.objects.filter(pk=theirs.task.pk).update(status="canceled")
    assert [task.pk for task in lookup.among({ours.task.pk, theirs.task.pk})] == [ours.task.pk]
    assert lookup.among([]) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's")
def test_a_plan_that_is_kept_finds_the_rows_of_whom_it_is_about_each_time(ours: Estate, theirs: Estate) -> None:
    lookup = Lookup(Task, "id")

    def seen() -> set[str]:
        tasks = (lookup.first(one.task.pk) for one in (ours, theirs))
        assert {task.customer_id for task in lookup.among([ours.task.pk, theirs.task.pk])} == {
            task.customer_id for task in (lookup.first(one.task.pk) for one in (ours, theirs)) if task
        }
        return {task.customer_id for task in tasks if task}

    # More often than PostgreSQL makes a plan for the values at hand.
    for _ in range(8):
        with platform_rows():
            assert seen() == {ours.customer_id, theirs.customer_id}
        with customer_rows(ours.customer_id):
            assert seen() == {ours.customer_id}
        with customer_rows(theirs.customer_id):
            assert seen() == {theirs.customer_id}
        with no_rows():
            assert seen() == set()
