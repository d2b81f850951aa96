"""What the platform counts, read from /metrics as Prometheus reads it."""

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.agents import ask, delegate, handle
from tests.flows.conftest import Story

LABELS = {
    "a2a_tasks_created_total": {"customer_id", "priority"},
    "a2a_delegations_total": {"agent_from", "agent_to", "decision_action", "result"},
    "a2a_task_duration_seconds_count": {"agent_count", "delegation_depth"},
    "a2a_agent_response_time_seconds_count": {"agent_type"},
    "a2a_active_workflows": {"customer_id"},
    "a2a_agent_availability": {"agent_type", "customer_id"},
}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape() -> Samples:
    text = Client().get("/metrics").content.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def grown(before: Samples, name: str, **labels: str) -> float:
    return value(scrape(), name, **labels) - value(before, name, **labels)


def test_a_story_is_counted_under_the_agreed_names(story: Story) -> None:
    before = scrape()
    story.agents.script("marketing-manager", delegate("copywriter"))
    story.agents.script("copywriter", handle("done"))

    story.ended(story.submit(priority="high"))

    after = scrape()
    for name, labels in LABELS.items():
        assert [set(dict(key)) for found, key in after if found == name and set(dict(key)) >= labels], name
        assert {frozenset(dict(key)) for found, key in after if found == name} == {frozenset(labels)}
    assert grown(before, "a2a_tasks_created_total", customer_id="techcorp", priority="high") == 1
    told = {"agent_from": "marketing-manager", "agent_to": "copywriter", "decision_action": "delegate"}
    assert grown(before, "a2a_delegations_total", **told, result="completed") == 1
    told = {"agent_from": "copywriter", "agent_to": "", "decision_action": "handle"}
    assert grown(before, "a2a_delegations_total", **told, result="completed") == 1
    assert grown(before, "a2a_task_duration_seconds_count", agent_count="2", delegation_depth="1") == 1
    assert grown(before, "a2a_agent_response_time_seconds_count", agent_type="copywriter") == 1


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("a2a_task_duration_seconds_bucket", "5.0 10.0 30.0 60.0 300.0 600.0 1800.0 +Inf"),
        ("a2a_agent_response_time_seconds_bucket", "1.0 5.0 10.0 30.0 60.0 +Inf"),
    ],
)
def test_the_buckets_are_the_agreed_ones(story: Story, name: str, bounds: str) -> None:
    story.ended(story.submit())

    assert {dict(labels)["le"] for found, labels in scrape() if found == name} == set(bounds.split())


def test_a_task_is_active_until_its_end(story: Story) -> None:
    story.agents.script("marketing-manager", [ask("Who?"), handle("done")])
    task = story.asking(story.submit())
    assert value(scrape(), "a2a_active_workflows", customer_id="techcorp") == 1

    story.answer(task, "we")
    story.ended(task)

    assert value(scrape(), "a2a_active_workflows", customer_id="techcorp") == 0


def test_names_that_an_agent_makes_up_are_counted_as_one(story: Story) -> None:
    before = scrape()
    story.agents.script("marketing-manager", [delegate("made-up-1"), delegate("made-up-2")])

    story.ended(story.submit())

    told = {"agent_from": "marketing-manager", "agent_to": "unknown", "decision_action": "delegate"}
    assert grown(before, "a2a_delegations_total", **told, result="failed") == 1
    assert "made-up" not in Client().get("/metrics").content.decode()
