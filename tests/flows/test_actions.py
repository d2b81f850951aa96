"""The four actions, each told from the submission to the end."""

from django.utils import timezone

from delegation.models import Approval, Clarification, Hop
from delegation.services.questions import approval_vote, clarification_answer
from tests.agents import Answer, Call, Say, ask, delegate, handle, parallel
from tests.flows.conftest import Story


def test_an_agent_handles_a_task(story: Story) -> None:
    story.agents.script("marketing-manager", [handle("A fine text.", confidence=0.8, reason="I can do this")])

    task = story.ended(story.submit())

    assert (task.status, task.result, task.hop_count) == ("completed", "A fine text.", 1)
    (hop,) = story.hops(task)
    assert (hop.status, hop.action, hop.confidence, hop.reason) == ("completed", "handle", 0.8, "I can do this")
    (decision,) = story.decisions(task)
    assert (decision.decision_action, decision.status, decision.result_summary) == (
        "handle",
        "completed",
        "A fine text.",
    )
    assert story.events(task) == ["task.created", "task.working", "hop.started", "hop.decided", "task.completed"]


def test_a_plain_answer_counts_as_handled(story: Story) -> None:
    story.agents.script("marketing-manager", [Say("Just a text.")])

    task = story.ended(story.submit())

    assert (task.status, task.result) == ("completed", "Just a text.")


def test_a_task_is_delegated_down_a_chain(story: Story) -> None:
    story.agents.script("marketing-manager", [delegate("copywriter", instruction="Write it", confidence=0.9)])
    story.agents.script("copywriter", [delegate("seo-specialist")])
    story.agents.script("seo-specialist", [handle("With keywords.")])

    task = story.ended(story.submit("A page about boats."))

    assert (task.status, task.result, task.hop_count, task.depth_reached) == ("completed", "With keywords.", 3, 2)
    root, writer, seo = story.hops(task)
    assert [hop.path for hop in (root, writer, seo)] == [
        ["marketing-manager"],
        ["marketing-manager", "copywriter"],
        ["marketing-manager", "copywriter", "seo-specialist"],
    ]
    assert (writer.parent_id, writer.instruction) == (root.id, "Write it")
    assert (seo.parent_id, seo.instruction) == (writer.id, "A page about boats.")
    assert [row.decision_action for row in story.decisions(task)] == ["delegate", "delegate", "handle"]
    assert [(row.action, row.target_agent_type, row.authorized) for row in story.rulings(task)] == [
        ("access_context", "marketing-manager", True),
        ("invoke", "marketing-manager", True),
        ("delegate_to", "copywriter", True),
        ("invoke", "copywriter", True),
        ("delegate_to", "seo-specialist", True),
        ("invoke", "seo-specialist", True),
    ]


def test_a_split_is_joined_and_the_parent_called_again_with_the_results(story: Story) -> None:
    subtasks = [("copywriter", "Write"), ("editor", "Edit"), ("analyst", "Count")]
    merge = lambda call: handle(" + ".join(each["result"] for each in call.data["inputs"]))  # noqa: E731
    story.agents.script("marketing-manager", [parallel(*subtasks), merge])
    for agent, _ in subtasks:
        story.agents.script(agent, [handle(f"by {agent}")])

    task = story.ended(story.submit())

    assert (task.status, task.result) == ("completed", "by copywriter + by editor + by analyst")
    split, *_, merged = story.hops(task)
    assert (split.action, split.status, split.pending_branches) == ("parallel", "completed", 0)
    assert (merged.resumes_id, merged.attempt, merged.parent_id) == (split.id, 2, None)
    assert Hop.objects.filter(join=split).count() == 3
    assert task.hop_count == 5


def test_a_failed_branch_reaches_the_parent_as_such(story: Story) -> None:
    story.agents.script("marketing-manager", [parallel(("copywriter", "a"), ("editor", "b")), _outcomes])
    story.agents.script("copywriter", [handle("fine")])
    story.agents.script("editor", [Say("{broken")])

    task = story.ended(story.submit())

    assert task.result == [["completed", "fine", None], ["failed", None, "INVALID_JSON"]]


def _outcomes(call: Call) -> Answer:
    return handle([[each["status"], each["result"], (each["error"] or {}).get("code")] for each in call.data["inputs"]])


def test_a_question_waits_for_the_person_and_the_agent_goes_on_with_the_answer(story: Story) -> None:
    answered = lambda call: handle(f"For {call.data['inputs'][0]['answer']}.")  # noqa: E731
    story.agents.script("marketing-manager", [ask("For whom?", "sailors", "rowers"), answered])

    task = story.when(story.submit(), lambda now: now.status == "input_required")
    question = Clarification.objects.get(task_id=task.id)
    assert (question.question, question.options, question.status) == ("For whom?", ["sailors", "rowers"], "open")
    clarification_answer(
        principal=story.people.alice.principal,
        clarification_id=question.id,
        answer="rowers",
        now=timezone.now(),
    )

    task = story.ended(task)
    assert (task.status, task.result, task.open_questions) == ("completed", "For rowers.", 0)
    assert [hop.attempt for hop in story.hops(task)] == [1, 2]


def test_a_delegation_to_a_guarded_agent_waits_for_approval(story: Story) -> None:
    _guard("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter", instruction="Publish", reason="It is due")])
    story.agents.script("copywriter", [handle("Published.")])

    task = story.when(story.submit(), lambda now: now.status == "input_required")
    approval = Approval.objects.get(task_id=task.id)
    assert (approval.agent_from, approval.agent_to, approval.instruction) == (
        "marketing-manager",
        "copywriter",
        "Publish",
    )
    assert not story.agents.calls("copywriter")
    approval_vote(principal=story.people.bob.principal, approval_id=approval.id, approved=True, now=timezone.now())

    task = story.ended(task)
    assert (task.status, task.result) == ("completed", "Published.")


def test_a_refused_approval_ends_the_task(story: Story) -> None:
    _guard("copywriter")
    story.agents.script("marketing-manager", [delegate("copywriter")])

    task = story.when(story.submit(), lambda now: now.status == "input_required")
    approval = Approval.objects.get(task_id=task.id)
    approval_vote(principal=story.people.bob.principal, approval_id=approval.id, approved=False, now=timezone.now())

    task = story.ended(task)
    assert (task.status, task.error_code) == ("rejected", "APPROVAL_REJECTED")


def _guard(agent_type: str) -> None:
    from delegation.models import Agent

    assert Agent.objects.filter(agent_type=agent_type).update(requires_approval=True) == 1
