"""Agents that say what they must not: blocked or redacted, and on record without the secret itself."""

import secrets
import string
from typing import Any

import pytest

from audit.models import LeakageLog
from delegation.models import Hop, TaskEvent
from tests.agents import ask, delegate, handle, parallel
from tests.agents.server import Playable
from tests.flows.conftest import Story


def credential() -> str:
    """Return what looks like a cloud key, made now so that none stands in the code."""
    alphabet = string.ascii_uppercase + "234567"
    return "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))


def everywhere(task: Any) -> str:
    """Return all that was stored of the task's hops, events and findings."""
    rows = [*Hop.objects.filter(task=task).values(), *TaskEvent.objects.filter(task=task).values()]
    return str([*rows, *LeakageLog.objects.filter(task_id=task.id).values()])


PLACES = {
    "result": lambda secret: handle(f"The key is {secret}."),
    "structured result": lambda secret: handle({"aws": {"key": secret}}),
    "reason": lambda secret: handle("fine", reason=f"I used {secret}"),
    "instruction": lambda secret: delegate("copywriter", instruction=f"Log in with {secret}"),
    "subtask": lambda secret: parallel(("copywriter", f"Use {secret}"), "editor"),
    "question": lambda secret: ask(f"Is {secret} the right key?"),
    "option": lambda secret: ask("Which key?", "none", secret),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_credential_goes_no_further_wherever_it_stands(story: Story, place: str) -> None:
    secret = credential()
    answer: Playable = PLACES[place](secret)
    story.agents.script("marketing-manager", answer)

    task = story.ended(story.submit())

    assert (task.status, task.error_code) == ("failed", "LEAKAGE_DETECTED")
    (hop,) = story.hops(task)
    (leak,) = story.leaks(task)
    assert (leak.detection_type, leak.action_taken, leak.hop_id) == ("credential_leak", "blocked", hop.id)
    assert hop.findings == 1
    assert secret not in everywhere(task)
    assert secret not in str([row.__dict__ for row in story.decisions(task)])
    assert len(story.agents.calls()) == 1


def test_another_customers_name_goes_no_further(story: Story) -> None:
    story.agents.script("marketing-manager", handle("As we did for Acme Corp last year."))

    task = story.ended(story.submit())

    assert task.error_code == "LEAKAGE_DETECTED"
    assert {leak.detection_type for leak in story.leaks(task)} == {"unauthorized_access"}
    assert "Acme" not in everywhere(task)


def test_personal_data_is_redacted_and_the_task_goes_on(story: Story) -> None:
    story.agents.script("marketing-manager", handle("Card 4422 9702 1927 6314 was charged."))

    task = story.ended(story.submit())

    assert task.status == "completed"
    assert "4422" not in str(task.result)
    (leak,) = story.leaks(task)
    assert (leak.detection_type, leak.action_taken) == ("pii_leak", "redacted")


def test_a_number_that_is_redacted_leaves_a_result_all_the_same(story: Story) -> None:
    story.agents.script("marketing-manager", handle({"card": 4422970219276314}))

    task = story.ended(story.submit())

    assert task.status == "completed"
    assert "4422970219276314" not in str(task.result)


def test_a_leak_in_a_branch_reaches_the_split_as_a_failure(story: Story) -> None:
    outcomes = lambda call: handle([(given["error"] or {}).get("code") for given in call.data["inputs"]])  # noqa: E731
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), outcomes])
    story.agents.script("copywriter", handle(credential()))

    task = story.ended(story.submit())

    assert task.result == ["LEAKAGE_DETECTED", None]
