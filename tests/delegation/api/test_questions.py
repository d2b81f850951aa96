import uuid
from typing import Any

import pytest

from delegation.models import Agent, Approval, Clarification, Task
from tests.delegation.api.conftest import Api, submitted, waiting_for_answer, waiting_for_approval
from tests.people import Cast

APPROVAL_FIELDS = set(
    "approval_id task_id delegation_id status agent_from agent_to reason confidence instruction path required granted"
    " expires_at".split()
)
CLARIFICATION_FIELDS = set("clarification_id task_id delegation_id agent_type question options status answer".split())


@pytest.fixture
def approval(task: Task) -> Approval:
    return waiting_for_approval(task)


@pytest.fixture
def question(task: Task) -> Clarification:
    return waiting_for_answer(task)


def test_an_open_approval_shows_all_there_is_to_decide_on(bob: Api, approval: Approval) -> None:
    (shown,) = bob.get("approvals", {"status": "open"}).json()["results"]

    assert shown.keys() >= APPROVAL_FIELDS
    assert (shown["agent_from"], shown["agent_to"]) == ("marketing-manager", "copywriter")
    assert shown["instruction"] == "Write 120 words."
    assert shown["task"]["message"] == "Write a launch post."
    assert (shown["required"], shown["granted"]) == (1, 0)


def test_questions_are_listed_by_status(bob: Api, approval: Approval) -> None:
    assert bob.get("approvals", {"status": "approved"}).json()["results"] == []
    assert len(bob.get("approvals").json()["results"]) == 1
    assert bob.get("approvals", {"status": "maybe"}).status_code == 400


def test_an_approver_says_yes_once(bob: Api, approval: Approval) -> None:
    response = bob.post(f"approvals/{approval.pk}/approve", {"comment": "Go ahead."})

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["granted"]) == ("approved", 1)
    assert approval.votes.get().comment == "Go ahead."
    assert bob.post(f"approvals/{approval.pk}/approve").status_code == 409


def test_an_approver_says_no(bob: Api, approval: Approval) -> None:
    response = bob.post(f"approvals/{approval.pk}/reject")

    assert response.status_code == 200
    assert response.json()["status"] == "rejected"
    assert bob.get(f"tasks/{approval.task_id}").json()["status"] == "rejected"


def test_who_may_not_approve_is_told_so(carol: Api, approval: Approval) -> None:
    response = carol.post(f"approvals/{approval.pk}/approve")

    assert response.status_code == 403
    assert response.json()["error"] == "AUTH_FAILED"


@pytest.mark.parametrize("body", [{"comment": 7}, {"comment": ["x"]}, {"comment": "x" * 2001}])
def test_a_comment_is_a_text(bob: Api, approval: Approval, body: dict[str, Any]) -> None:
    response = bob.post(f"approvals/{approval.pk}/approve", body)

    assert response.status_code == 400
    assert "comment:" in response.json()["detail"]
    assert not approval.votes.exists()


def test_a_question_is_listed_and_answered(alice: Api, question: Clarification) -> None:
    (shown,) = alice.get("clarifications", {"status": "open"}).json()["results"]
    assert shown.keys() >= CLARIFICATION_FIELDS
    assert shown["options"] == ["Home baristas", "Offices"]
    assert shown["answer"] is None

    response = alice.post(f"clarifications/{question.pk}/answer", {"answer": "Neither: hotels."})

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["answer"]) == ("answered", "Neither: hotels.")
    assert alice.post(f"clarifications/{question.pk}/answer", {"answer": "Offices"}).status_code == 409


@pytest.mark.parametrize("body", [{}, {"answer": ""}, {"answer": " "}, {"answer": None}, {"answer": 1}])
def test_an_answer_is_a_text_that_says_something(alice: Api, question: Clarification, body: dict[str, Any]) -> None:
    response = alice.post(f"clarifications/{question.pk}/answer", body)

    assert response.status_code == 400
    assert "answer:" in response.json()["detail"]


def test_questions_of_another_customer_are_not_there(people: Cast, zoe: Api, agents: dict[str, Agent]) -> None:
    approval = waiting_for_approval(submitted(people.alice))
    question = waiting_for_answer(submitted(people.alice))
    absent = uuid.uuid4()

    for path, body in [
        ("approvals/{}/approve", {}),
        ("approvals/{}/reject", {}),
        ("clarifications/{}/answer", {"answer": "Offices"}),
    ]:
        theirs = approval.pk if path.startswith("approvals") else question.pk
        refused = zoe.post(path.format(theirs), body, X_Request_ID="one")
        nothing = zoe.post(path.format(absent), body, X_Request_ID="one")
        assert refused.status_code == 404
        assert refused.content == nothing.content
    assert zoe.get("approvals").json()["results"] == zoe.get("clarifications").json()["results"] == []


def test_a_list_of_questions_is_one_query(bob: Api, approval: Approval, django_assert_num_queries: Any) -> None:
    bob.get("approvals")
    with django_assert_num_queries(1):
        bob.get("approvals")
