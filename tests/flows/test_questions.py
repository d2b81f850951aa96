"""Where people come in: several questions at once, plain agents' own questions, approvals beneath a split, time."""

from typing import Any

import pytest
from django.utils import timezone

from delegation.errors import Conflict
from delegation.models import Agent, Approval, Clarification
from delegation.services.questions import approval_vote, clarification_answer
from security.errors import AuthFailed, NotFound, ValidationFailed
from tests.agents import Call, NeedsInput, Working, ask, delegate, handle, parallel
from tests.flows.conftest import Story


def guard(*agent_types: str) -> None:
    assert Agent.objects.filter(agent_type__in=agent_types).update(requires_approval=True) == len(agent_types)


def outcomes(call: Call) -> Any:
    return handle([given["result"] or given["error"]["code"] for given in call.data["inputs"]])


def answered(call: Call) -> Any:
    return handle(f"{call.agent}: {call.data['inputs'][-1]['answer']}")


def test_questions_of_two_branches_are_told_apart(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), outcomes])
    story.agents.script("copywriter", [ask("For whom?"), answered])
    story.agents.script("editor", [ask("How long?"), answered])

    task = story.asking(story.submit(), 2)
    story.answer(task, "100 words", "editor")
    task = story.asking(task, 1)
    assert task.status == "input_required"
    story.answer(task, "sailors", "copywriter")

    task = story.ended(task)
    assert task.result == ["copywriter: sailors", "editor: 100 words"]
    assert story.events(task).count("clarification.answered") == 2


def test_an_agent_may_ask_again(story: Story) -> None:
    story.agents.script("marketing-manager", [ask("Who?"), ask("When?"), answered_all])

    task = story.asking(story.submit())
    story.answer(task, "we")
    story.answer(story.asking(story.when(task, lambda now: now.hop_count == 2)), "now")

    task = story.ended(task)
    assert task.result == [["Who?", "we"], ["When?", "now"]]
    assert [hop.attempt for hop in story.hops(task)] == [1, 2, 3]


def answered_all(call: Call) -> Any:
    return handle([[given["question"], given["answer"]] for given in call.data["inputs"]])


def test_a_plain_agents_question_goes_on_in_its_own_task(story: Story) -> None:
    story.agents.script("marketing-manager", [NeedsInput("Which colour?"), handle("Painted.")])

    task = story.asking(story.submit("Paint the boat."))
    question = Clarification.objects.get(task_id=task.id)
    assert (question.question, question.agent_type) == ("Which colour?", "marketing-manager")
    story.answer(task, "Blue")

    assert story.ended(task).result == "Painted."
    first, second = story.agents.calls()
    assert first.task_id == ""
    assert second.task_id.startswith("remote-")
    assert second.text == "Blue"
    assert first.message_id != second.message_id


def test_a_late_agent_may_ask_too(story: Story) -> None:
    story.agents.script(
        "marketing-manager", [Working(0.01, outcome=NeedsInput("Which colour?")), handle("Blue it is.")]
    )

    task = story.asking(story.submit())
    story.answer(task, "Blue")

    assert story.ended(task).result == "Blue it is."


def test_late_agents_are_asked_until_they_are_done(story: Story) -> None:
    story.agents.script("marketing-manager", Working(0.3, outcome=delegate("copywriter")))
    story.agents.script("copywriter", Working(0.01, outcome=handle("Done.")))

    task = story.ended(story.submit())

    assert (task.result, task.hop_count) == ("Done.", 2)
    assert story.event_data(task, "hop.waiting")[0]["waiting_for"] == "agent"
    assert story.events(task).count("hop.waiting") == 2
    assert len(story.agents.calls("marketing-manager", "GetTask")) >= 2
    assert len(story.agents.calls("marketing-manager")) == 1


def test_approvals_and_refusals_beneath_a_split(story: Story) -> None:
    guard("copywriter", "editor")
    story.agents.script("marketing-manager", [parallel("copywriter", "editor", "analyst"), outcomes])
    story.agents.script("copywriter", handle("written"))
    story.agents.script("analyst", handle("counted"))

    task = story.asking(story.submit(), 2)
    story.vote(task, "copywriter")
    story.vote(task, "editor", approved=False)

    task = story.ended(task)
    assert (task.status, task.result) == ("completed", ["written", "APPROVAL_REJECTED", "counted"])
    assert not story.agents.calls("editor")
    (message_id,) = story.agents.counts("copywriter")
    assert message_id == str(Approval.objects.get(task_id=task.id, agent_to="copywriter").hop_id)


def test_a_question_is_answered_once(story: Story) -> None:
    alice = story.people.alice.principal
    story.agents.script("marketing-manager", [ask("Who?"), answered])
    task = story.asking(story.submit())
    question = story.answer(task, "we")

    with pytest.raises(Conflict):
        clarification_answer(principal=alice, clarification_id=question.id, answer="they", now=timezone.now())

    assert story.ended(task).result == "marketing-manager: we"


@pytest.mark.parametrize("answer", ["", "  \n", "a\0b", "a\ud800b", "x" * 100_001])
def test_an_answer_must_be_one_that_can_be_kept(story: Story, answer: str) -> None:
    story.agents.script("marketing-manager", [ask("Who?"), answered])
    task = story.asking(story.submit())

    with pytest.raises(ValidationFailed):
        story.answer(task, answer)

    story.answer(task, "we")
    assert story.ended(task).status == "completed"


def test_nobody_decides_twice_or_on_what_is_not_theirs(story: Story) -> None:
    guard("copywriter")
    story.agents.script("marketing-manager", delegate("copywriter"))
    task = story.asking(story.submit())
    approval_id = story.approval(task).id
    people, now = story.people, timezone.now()

    with pytest.raises(NotFound):
        approval_vote(principal=people.zoe.principal, approval_id=approval_id, approved=True, now=now)
    with pytest.raises(AuthFailed):
        approval_vote(principal=people.carol.principal, approval_id=approval_id, approved=True, now=now)
    with pytest.raises(AuthFailed):
        approval_vote(principal=people.alice.principal, approval_id=approval_id, approved=True, now=now)
    with pytest.raises(ValidationFailed):
        approval_vote(principal=people.bob.principal, approval_id=approval_id, approved=True, comment="\0", now=now)
    assert not story.agents.calls("copywriter")

    approval = story.vote(task)
    with pytest.raises(Conflict):
        approval_vote(principal=people.bob.principal, approval_id=approval_id, approved=False, now=now)
    assert story.ended(task).status == "completed"
    assert (approval.granted, approval.votes.count()) == (1, 1)


@pytest.mark.parametrize("agent", ["copywriter", "marketing-manager"], ids=["approval", "clarification"])
def test_what_nobody_answers_expires(story: Story, settings: Any, agent: str) -> None:
    guard("copywriter")
    story.agents.script("marketing-manager", delegate("copywriter") if agent == "copywriter" else ask("Who?"))
    task = story.asking(story.submit())
    for model in (Approval, Clarification):
        model.objects.filter(task_id=task.id).update(expires_at=timezone.now())

    task = story.ended(task)

    assert (task.status, task.error_code) == ("failed", "QUESTION_EXPIRED")
    assert story.events(task)[-3:] == [
        "approval.expired" if agent == "copywriter" else "clarification.expired",
        "hop.failed",
        "task.failed",
    ]
    assert not story.agents.calls("copywriter")


def test_an_expired_question_in_a_branch_reaches_the_split(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), outcomes])
    story.agents.script("copywriter", ask("For whom?"))
    story.agents.script("editor", handle("edited"))
    task = story.asking(story.submit())
    Clarification.objects.filter(task_id=task.id).update(expires_at=timezone.now())

    task = story.ended(task)

    assert (task.status, task.result) == ("completed", ["QUESTION_EXPIRED", "edited"])
    assert "task.working" in story.events(task)[story.events(task).index("clarification.expired") :]
