"""Agents that say what they must not: blocked or redacted, and on record without the secret itself."""

import json
import secrets
import string
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import LeakageLog
from delegation.models import Hop, TaskEvent
from security.leak_index import leak_index
from security.leak_services import canary_plant, finding_allow, policy_choose, values_register
from security.models import Customer
from tests.agents import Answer, Fail, Hold, Working, ask, delegate, handle, parallel
from tests.agents.server import Playable
from tests.flows.conftest import Story
from tests.processes import eventually


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


def test_a_number_in_json_is_redacted_where_it_stands(story: Story) -> None:
    story.agents.script("marketing-manager", handle({"card": 4422970219276314, "order": 12}))

    task = story.ended(story.submit())

    assert task.result == {"card": "[REDACTED:credit_card]", "order": 12}


def test_keys_that_are_redacted_stay_apart(story: Story) -> None:
    amounts = {"4422970219276314": 1, "4422 9702 1927 6314": 2, "other": 3}
    story.agents.script("marketing-manager", handle(amounts))

    task = story.ended(story.submit())

    assert task.result == {"[REDACTED:credit_card]": 1, "[REDACTED:credit_card] 2": 2, "other": 3}


def test_a_plain_agents_text_data_and_files_are_all_kept(story: Story) -> None:
    story.agents.script("marketing-manager", Answer(text="Both.", data={"n": 1}))
    assert story.ended(story.submit()).result == {"text": "Both.", "data": {"n": 1}}


def test_a_customer_has_personal_data_flagged_or_redacted_as_it_chose(story: Story) -> None:
    story.agents.script("marketing-manager", handle("Ask maria.rossi@bluewave.it, card 4422 9702 1927 6314."))
    policy_choose(
        customer_id="techcorp",
        actions={"pii_leak": {"warning": "redacted", "high": "flagged"}},
        kinds={},
    )

    task = story.ended(story.submit())

    assert task.result == "Ask [REDACTED:email], card 4422 9702 1927 6314."
    assert {leak.metadata["kind"]: leak.action_taken for leak in story.leaks(task)} == {
        "email": "redacted",
        "credit_card": "flagged",
    }


def test_a_row_that_weakens_what_nobody_may_weaken_is_of_no_avail(story: Story) -> None:
    weak = {kind: dict.fromkeys(("high", "critical"), "allowed") for kind in ("credential_leak", "unauthorized_access")}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO security_leakpolicy (customer_id, actions, kinds, updated_at) VALUES (%s, %s, %s, %s)",
            ["techcorp", json.dumps(weak), '{"tenant_name": "allowed"}', timezone.now()],
        )
    story.agents.script("marketing-manager", handle(f"For Acme Corp: {credential()}"))

    task = story.ended(story.submit())

    assert task.error_code == "LEAKAGE_DETECTED"
    assert {leak.action_taken for leak in story.leaks(task)} == {"blocked"}


def test_what_is_allowed_passes_until_it_expires(story: Story) -> None:
    secret = credential()
    story.agents.script("marketing-manager", handle(f"The example key is {secret}."))
    first = story.ended(story.submit())
    (leak,) = story.leaks(first)
    now = timezone.now()
    entry = finding_allow(
        customer_id="techcorp",
        kind=leak.metadata["kind"],
        fingerprint=leak.metadata["fingerprint"],
        reason="A documented example.",
        owner_id=story.people.alice.user.pk,
        expires_at=now + timedelta(seconds=4),
        now=now,
    )

    allowed = when_workers_know(story, lambda task: task.status == "completed")

    assert secret in str(allowed.result)
    (passed,) = story.leaks(allowed)
    assert (passed.action_taken, passed.metadata["allowed_by"]) == ("allowed", str(entry.id))
    assert secret not in str(LeakageLog.objects.filter(task_id=allowed.id).values())
    when_workers_know(story, lambda task: task.error_code == "LEAKAGE_DETECTED")


def when_workers_know(story: Story, so: Any) -> Any:
    """Return the first task that ends so; what was chosen takes a moment to come to the workers."""

    def tried() -> Any:
        task = story.ended(story.submit())
        return task if so(task) else None

    found = eventually(tried, seconds=20)
    assert found
    return found


def test_what_another_customer_planted_or_registered_is_blocked(story: Story) -> None:
    canary = canary_plant(customer_id="acmecorp", planted="the price list", user_id=None)
    values_register(customer_id="acmecorp", values=["Project Bluebird"], label="a project", user_id=None)
    until_workers_know(f"{canary.token} Project Bluebird", findings=2)
    for said in (f"Their list says {canary.token} here.", {"plan": "project bluebird"}):
        story.agents.script("marketing-manager", handle(said))
        task = story.ended(story.submit())
        assert task.error_code == "LEAKAGE_DETECTED"
        assert {leak.action_taken for leak in story.leaks(task)} == {"blocked"}
        assert "luebird" not in everywhere(task)


def until_workers_know(text: str, *, findings: int) -> None:
    # The worker of this test lives in this process, and shares its index.
    assert eventually(lambda: len(leak_index.detector.scan(text, "techcorp")) == findings)


def test_a_customer_that_comes_while_an_agent_works_is_known_when_it_answers(story: Story) -> None:
    held = Hold(handle("As we did for Zenith Robotics."))
    story.agents.script("marketing-manager", held)
    task = story.submit()
    assert held.arrived.wait(10)

    Customer.objects.create(id="zenith", name="Zenith Robotics")
    if connection.vendor == "postgresql":
        until_workers_know("Zenith Robotics", findings=1)
    held.release()

    assert story.ended(task).error_code == "LEAKAGE_DETECTED"


def test_what_an_agent_says_of_its_failure_is_scanned_too(story: Story) -> None:
    secret = credential()
    story.agents.script("marketing-manager", Fail(f"could not log in with {secret}"))

    task = story.ended(story.submit())

    assert task.error_code == "LEAKAGE_DETECTED"
    (leak,) = story.leaks(task)
    assert leak.metadata["field"] == "error"
    assert secret not in everywhere(task)


def test_an_answer_that_comes_late_is_scanned_like_any_other(story: Story) -> None:
    story.agents.script("marketing-manager", Working(0.1, outcome=handle(f"The key is {credential()}.")))
    assert story.ended(story.submit()).error_code == "LEAKAGE_DETECTED"


def test_a_flood_of_findings_does_not_flood_the_log(story: Story) -> None:
    people = ", ".join(f"maria{number}.rossi@bluewave.it" for number in range(1000))
    story.agents.script("marketing-manager", handle(people))

    task = story.ended(story.submit(), within=60)

    leaks = story.leaks(task)
    assert len(leaks) < 60
    assert sum(leak.metadata.get("count", 1) for leak in leaks) == 1000
    assert story.hops(task)[0].findings == 1000
