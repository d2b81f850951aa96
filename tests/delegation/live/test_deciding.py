"""What people decide and change on the live pages."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from delegation.models import Approval, ApprovalVote, Clarification, Task
from delegation.states import Action, HopStatus
from tests.delegation import rows
from tests.people import Cast, Person

WANTS_JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def _team(people: Cast) -> None:
    for customer_id in ("techcorp", "acmecorp"):
        rows.employ("manager", customer_id=customer_id, seniority="manager", is_root=True)
        rows.employ("copywriter", customer_id=customer_id)


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


@pytest.fixture
def alice(people: Cast) -> Client:
    return browser(people.alice)


@pytest.fixture
def task(people: Cast) -> Task:
    return rows.submitted(people.alice)


def waiting_hop(task: Task, **fields: Any) -> Any:
    root = task.hops.get(depth=0)
    return rows.hop(task, root, status=HopStatus.WAITING, **fields)


def page_of(client: Client, task: Task) -> str:
    response = client.get(reverse("live:task", args=[task.id]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(("verdict", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_person_decides_on_an_approval(people: Cast, task: Task, verdict: str, status: str) -> None:
    waiting = rows.approval(waiting_hop(task))
    sent = {"verdict": verdict, "comment": "I know of it."}

    response = browser(people.bob).post(reverse("live:approval", args=[waiting.id]), sent)

    assert response.headers["Location"] == reverse("live:task", args=[task.id])
    assert Approval.objects.get().status == status
    assert ApprovalVote.objects.get().comment == "I know of it."
    assert f"bob {status}: I know of it." in page_of(browser(people.bob), task)


def test_who_submitted_a_task_is_not_offered_to_approve_it(alice: Client, people: Cast, task: Task) -> None:
    rows.approval(waiting_hop(task))

    assert 'value="approve"' in page_of(browser(people.bob), task)
    own = page_of(alice, task)
    assert 'value="approve"' not in own
    assert 'value="reject"' in own


def test_an_approval_left_to_the_owner_is_no_longer_offered_to_approvers(people: Cast, task: Task) -> None:
    approval = rows.approval(waiting_hop(task))
    Approval.objects.filter(id=approval.id).update(decider="owner")

    shown = page_of(browser(people.bob), task)

    assert "now only the role owner decides" in shown
    form = re.search(rf"<form[^>]*{approval.id}[^>]*>", shown)
    assert form
    assert form[0].endswith(" hidden>")


def test_deciding_twice_is_refused_in_place(people: Cast, task: Task) -> None:
    address = reverse("live:approval", args=[rows.approval(waiting_hop(task)).id])
    bob = browser(people.bob)

    assert bob.post(address, {"verdict": "approve"}, headers=WANTS_JSON).json() == {"ok": True}
    again = bob.post(address, {"verdict": "reject"}, headers=WANTS_JSON)
    assert (again.status_code, again.json()["code"]) == (409, "CONFLICT")
    shown = bob.post(address, {"verdict": "reject"}, follow=True).content.decode()
    assert 'role="alert">It is approved already.' in shown


@pytest.mark.parametrize(
    ("sent", "answer"),
    [({"option": "Press"}, "Press"), ({"answer": "Both"}, "Both"), ({"option": "Press", "answer": "Both"}, "Both")],
)
def test_a_question_is_answered_by_option_or_in_words(alice: Client, task: Task, sent: Any, answer: str) -> None:
    question = rows.clarification(waiting_hop(task, action=Action.ASK_CLARIFICATION), "Customers", "Press")

    alice.post(reverse("live:clarification", args=[question.id]), sent)

    assert Clarification.objects.get().answer == answer


@pytest.mark.parametrize("name", ["approval", "clarification"])
def test_sending_nothing_is_told_in_place(alice: Client, task: Task, name: str) -> None:
    hop = waiting_hop(task)
    question = rows.approval(hop) if name == "approval" else rows.clarification(hop)

    response = alice.post(reverse(f"live:{name}", args=[question.id]), {}, headers=WANTS_JSON)

    assert response.status_code == 400
    assert response.json()["error"].startswith("Choose")
    assert type(question).objects.get().status == "open"


def test_a_task_is_canceled_once(alice: Client, task: Task) -> None:
    address = reverse("live:cancel", args=[task.id])

    assert alice.post(address).status_code == 302
    assert Task.objects.get().status == "canceled"
    assert alice.post(address, headers=WANTS_JSON).status_code == 409


def test_a_task_saved_for_later_is_started_from_its_page(people: Cast, alice: Client) -> None:
    task = rows.submitted(people.alice, start=False)
    address = reverse("live:start", args=[task.id])
    assert f'action="{address}"' in page_of(alice, task)

    alice.post(address)

    assert task.hops.count() == 1
    assert f'action="{address}"' not in page_of(alice, task)


def test_nothing_is_changed_by_get_or_without_the_csrf_token(people: Cast, task: Task) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.alice.user)
    address = reverse("live:cancel", args=[task.id])

    assert strict.get(address).status_code == 405
    assert strict.post(address).status_code == 403
    assert Task.objects.get().status == "submitted"
