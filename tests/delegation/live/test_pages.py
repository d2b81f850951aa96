"""The operators' pages as a browser without scripts meets them."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delegation.live import pages
from delegation.models import ApprovalVote, Task
from delegation.states import Action, HopStatus
from delegation.templatetags import live
from security.models import Membership, Role
from tests.delegation import rows
from tests.people import PASSWORD, Cast, Person

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


def state_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="state" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    state: dict[str, Any] = json.loads(found[1])
    return state


def page_of(client: Client, task: Task) -> str:
    response = client.get(reverse("live:task", args=[task.id]))
    assert response.status_code == 200
    return response.content.decode()


def test_a_stranger_is_sent_to_sign_in_and_comes_back(people: Cast, task: Task) -> None:
    client = Client()
    address = reverse("live:task", args=[task.id])

    response = client.get(address)
    assert response.headers["Location"] == f"{reverse('live:login')}?next={address}"

    who = {"username": "alice", "password": PASSWORD, "next": address}
    assert client.post(reverse("live:login"), who).headers["Location"] == address
    assert client.post(reverse("live:logout")).headers["Location"] == reverse("live:login")


def test_a_wrong_password_is_told(people: Cast) -> None:
    response = Client().post(reverse("live:login"), {"username": "alice", "password": "wrong"})

    assert "do not match" in response.content.decode()


def test_someone_of_no_customer_is_told_so(db: None) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("nobody", password=PASSWORD))

    response = client.get(reverse("live:tasks"))

    assert response.status_code == 403
    assert "You belong to no customer yet" in response.content.decode()


def test_a_submitted_task_has_its_page(alice: Client) -> None:
    sent = {"message": "Write a slogan.", "agent": "copywriter", "priority": "high"}

    response = alice.post(reverse("live:tasks"), sent)

    task = Task.objects.get()
    assert response.headers["Location"] == reverse("live:task", args=[task.id])
    assert (task.message, task.agent_type, task.priority) == ("Write a slogan.", "copywriter", "high")
    assert "Write a slogan." in page_of(alice, task)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"message": "   ", "priority": "normal"}, "Say what should be done."),
        ({"message": "a\x00b", "priority": "normal"}, "Null characters are not allowed."),
        ({"message": "Go.", "priority": "normal", "agent": "stranger"}, "not one of the available choices"),
        ({"message": "Go.", "priority": "yesterday"}, "not one of the available choices"),
    ],
)
def test_a_task_that_cannot_be_taken_is_told_in_the_form(alice: Client, sent: dict[str, str], told: str) -> None:
    response = alice.post(reverse("live:tasks"), sent)

    assert response.status_code == 400
    assert told in response.content.decode()
    assert not Task.objects.exists()


def test_a_refusal_of_the_service_stands_in_the_form(alice: Client, settings: Any) -> None:
    settings.A2A_MESSAGE_MAX_BYTES = 10

    response = alice.post(reverse("live:tasks"), {"message": "More than ten bytes.", "priority": "normal"})

    assert response.status_code == 400
    assert "at most 10 bytes" in response.content.decode()


def test_a_viewer_sees_but_has_nothing_to_send(people: Cast, task: Task) -> None:
    rows.approval(waiting_hop(task))
    carol = browser(people.carol)

    listed, shown = carol.get(reverse("live:tasks")).content.decode(), page_of(carol, task)

    assert "Write a launch post." in listed
    assert "Money leaves the company." in shown
    assert re.findall(r'<form[^>]*action="([^"]*)"', listed + shown) == [reverse("live:logout")] * 2


def test_a_viewer_who_posts_all_the_same_is_refused(people: Cast, task: Task) -> None:
    carol = browser(people.carol)

    submitted = carol.post(reverse("live:tasks"), {"message": "Go.", "priority": "normal"})
    canceled = carol.post(reverse("live:cancel", args=[task.id]), headers=WANTS_JSON)

    assert "Your role does not allow this." in submitted.content.decode()
    assert (canceled.status_code, canceled.json()["error"]) == (403, "Your role does not allow this.")
    assert Task.objects.get().status == "submitted"


def test_another_customers_task_is_as_absent_as_one_that_never_was(people: Cast, task: Task) -> None:
    zoe = browser(people.zoe)
    vote, question = rows.approval(waiting_hop(task)), rows.clarification(waiting_hop(task))
    hop = task.hops.first()
    assert hop
    ids = {"task": [task.id], "cancel": [task.id], "start": [task.id], "hop": [task.id, hop.id]}
    ids |= {"approval": [vote.id], "clarification": [question.id]}

    for name, real in ids.items():
        send = zoe.get if name in {"task", "hop"} else zoe.post
        answers = []
        for each in (real, [uuid4() for _ in real]):
            response = send(reverse(f"live:{name}", args=each), {"verdict": "approve", "answer": "x"})
            tokenless = re.sub(rb"[0-9A-Za-z]{64}", b"", response.content)
            answers.append((response.status_code, tokenless))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert str(task.id) not in zoe.get(reverse("live:tasks")).content.decode()
    assert not ApprovalVote.objects.exists()


@pytest.mark.parametrize("address", ["no-id/", "123/", "?before=no-id", "?after=1", "?show=secret"])
def test_an_address_that_means_nothing_is_not_found(alice: Client, address: str) -> None:
    assert alice.get(reverse("live:tasks") + address).status_code == 404


def test_the_list_pages_to_the_end_and_back(people: Cast, alice: Client) -> None:
    made = [rows.submitted(people.alice, f"Task {number}").id for number in range(2 * pages.PAGE_LENGTH + 3)][::-1]

    seen, page = [], ""
    newest = address = reverse("live:tasks")
    while address:
        page = alice.get(address).content.decode()
        seen.append([UUID(key) for key in re.findall(r'data-key="([^"]+)"', page)])
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = newest + older[1].replace("&amp;", "&") if older else ""
    assert [len(each) for each in seen] == [pages.PAGE_LENGTH, pages.PAGE_LENGTH, 3]
    assert [key for each in seen for key in each] == made

    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back
    page = alice.get(newest + back[1].replace("&amp;", "&")).content.decode()
    assert [UUID(key) for key in re.findall(r'data-key="([^"]+)"', page)] == seen[1]


def test_the_list_shows_only_what_needs_input(people: Cast, alice: Client, task: Task) -> None:
    other = rows.submitted(people.alice, "Another.")
    rows.approval(waiting_hop(task))

    shown = alice.get(reverse("live:tasks") + "?show=waiting").content.decode()

    assert str(task.id) in shown
    assert str(other.id) not in shown


def test_a_page_costs_the_same_queries_however_many_hops(people: Cast, alice: Client, task: Task) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            page_of(alice, task)
        return len(counted)

    def grow() -> None:
        rows.hop(task, task.hops.get(depth=0))
        rows.clarification(waiting_hop(task))
        ApprovalVote.objects.create(
            approval=rows.approval(waiting_hop(task)), user=people.bob.user, approved=True, created_at=task.created_at
        )

    grow()
    few = queries()
    for _ in range(20):
        grow()
    assert queries() == few


def test_a_task_without_scripts_reads_as_a_tree(alice: Client, task: Task) -> None:
    root = task.hops.get()
    asked = rows.hop(task, root, action=Action.ASK_CLARIFICATION, result=None, reason="The audience decides.")
    later = rows.hop(task, root, agent_type="editor")
    resumed = rows.hop(task, root, resumes=asked, attempt=2)
    child = rows.hop(task, asked, status=HopStatus.FAILED, error_code="AGENT_TIMEOUT", error_message="Too slow.")

    shown = page_of(alice, task)

    assert re.findall(r'id="hop-([^"]+)"', shown) == [str(each.id) for each in (root, asked, child, resumed, later)]
    assert "AGENT_TIMEOUT: Too slow." in shown
    assert "The audience decides." in shown
    state = state_of(shown)
    assert state["task"]["last_seq"] == Task.objects.get().last_seq
    assert {hop["id"] for hop in state["hops"]} == {str(hop.id) for hop in task.hops.all()}


def test_what_agents_write_is_never_markup(alice: Client, task: Task) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    hop = waiting_hop(task, reason=evil)
    rows.clarification(hop, evil)
    rows.hop(task, hop, result=evil, reason=evil, delegated_to=evil)
    Task.objects.filter(id=task.id).update(message=evil)

    shown = page_of(alice, task) + alice.get(reverse("live:hop", args=[task.id, hop.id])).content.decode()

    assert "<img" not in shown.replace('<img src="/static/live/icon.svg"', "")
    assert "<script>" not in shown
    assert evil in json.dumps(state_of(shown), ensure_ascii=False)


def test_no_page_carries_script_or_style_of_its_own(people: Cast, alice: Client, task: Task) -> None:
    rows.clarification(waiting_hop(task), "Customers")
    hop = task.hops.first()
    assert hop
    addresses = ["tasks", "task", "hop", "login"]
    arguments = {"task": [task.id], "hop": [task.id, hop.id]}
    for name in addresses:
        client = Client() if name == "login" else alice
        shown = client.get(reverse(f"live:{name}", args=arguments.get(name, []))).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", shown)
        scripts = re.findall(r"<script[^>]*>", shown)
        assert all("src=" in script or 'type="application/json"' in script for script in scripts)
        assert not re.search(r"""(?:src|href)="(?:https?:)?//""", shown)


def test_a_hundred_hops_with_long_texts_stay_a_page(alice: Client, task: Task) -> None:
    long = "word " * 20_000
    Task.objects.filter(id=task.id).update(message=long, status="completed", result=long)
    parent = task.hops.get()
    for _ in range(99):
        rows.hop(task, parent, reason=long, instruction=long, result={"text": long})

    shown = page_of(alice, task)

    assert shown.count('class="hop"') == 101, "a hundred, and the template of the next"
    assert shown.count(long.strip()) == 2, "the request and the result once, in full"
    assert len(shown) < 2_000_000


def test_a_hops_own_page_has_its_texts_in_full(alice: Client, task: Task) -> None:
    hop = rows.hop(task, task.hops.get(), instruction="i" * 5000, result={"words": "r" * 5000})

    shown = alice.get(reverse("live:hop", args=[task.id, hop.id])).content.decode()

    assert "i" * 5000 in shown
    assert "r" * 5000 in shown
    assert alice.get(reverse("live:hop", args=[task.id, uuid4()])).status_code == 404


def test_a_person_of_two_customers_changes_between_them(people: Cast, alice: Client, task: Task) -> None:
    Membership.objects.create(user=people.alice.user, customer_id="acmecorp", role=Role.VIEWER)
    other = rows.submitted(people.zoe, "Acme's own.")

    assert str(task.id) in alice.get(reverse("live:tasks")).content.decode()
    alice.post(reverse("live:customer"), {"customer": "acmecorp"})
    shown = alice.get(reverse("live:tasks")).content.decode()
    assert str(other.id) in shown
    assert str(task.id) not in shown

    Membership.objects.filter(user=people.alice.user, customer_id="acmecorp").delete()
    assert str(task.id) in alice.get(reverse("live:tasks")).content.decode(), "back at the one that is left"


def test_nobody_chooses_a_customer_that_does_not_employ_them(alice: Client) -> None:
    assert alice.post(reverse("live:customer"), {"customer": "acmecorp"}).status_code == 404


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        ("", ""),
        (0.004, "0.00 s"),
        (9.994, "9.99 s"),
        (12.34, "12.3 s"),
        (61, "1 min 01 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_lengths_of_time_read_as_people_write_them(value: Any, written: str) -> None:
    assert live.seconds(value) == written


@pytest.mark.parametrize(("value", "written"), [(None, "–"), (0, "–"), (0.00123, "$0.0012"), (12.5, "$12.50")])
def test_costs_keep_the_digits_that_matter(value: Any, written: str) -> None:
    assert live.cost(value) == written
