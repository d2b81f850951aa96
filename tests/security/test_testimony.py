"""The authorisation log: a row for each refusal and each admission, with the rule and the masked headers."""

import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from audit.models import AuthorizationLog
from delegation.models import Agent, Task
from delegation.services.tasks import task_get
from security.errors import NotFound
from security.origin import arriving, headers_on_record, masked
from tests.agents import AgentServer
from tests.delegation.api.conftest import Api, submitted
from tests.people import Cast, team


@pytest.fixture
def task(people: Cast, agent_server: AgentServer) -> Task:
    team(agent_server)
    return submitted(people.alice)


def rows(**narrowed: Any) -> list[AuthorizationLog]:
    return list(AuthorizationLog.objects.filter(**narrowed).order_by("id"))


def test_a_look_at_anothers_task_leaves_the_same_trace_as_one_at_nothing(people: Cast, task: Task) -> None:
    zoe = Api(people.zoe)
    nothing = uuid.uuid4()

    zoe.get(f"tasks/{task.pk}")
    zoe.get(f"tasks/{nothing}")

    theirs, none = rows(customer_id="acmecorp")
    assert (theirs.authorized, theirs.action, theirs.task_id, theirs.target_agent_type) == (
        False,
        "access_context",
        None,
        "",
    )
    assert theirs.denied_reason.replace(str(task.pk), "ID") == none.denied_reason.replace(str(nothing), "ID")
    assert "techcorp" not in theirs.denied_reason
    assert not rows(customer_id="techcorp", authorized=False)


def test_a_submission_goes_on_record_with_rule_and_masked_headers(people: Cast, task: Task) -> None:
    key = people.alice.api_key
    sent = {"X_API_Key": key, "Authorization": "Bearer abc.def.ghi", "Cookie": "sessionid=s3cret", "X_Trace": "t-1"}

    Client(headers={name.replace("_", "-"): value for name, value in sent.items() if name != "Authorization"}).post(
        "/api/v1/tasks", {"message": "Write."}, content_type="application/json"
    )

    row = rows(action="access_context", authorized=True)[-1]
    assert row.authorization_reason == "alice submits: role owner"
    assert row.request_headers["Door"] == "rest"
    assert row.request_headers["X-Trace"] == "t-1"
    assert row.request_headers["X-Api-Key"] == f"{key[:10]}****"
    assert row.request_headers["Cookie"] == "****"
    assert key not in str(row.request_headers)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("AUTHORIZATION", "Bearer abc.def", "Bearer ****"),
        ("AUTHORIZATION", "secret", "****"),
        ("COOKIE", "sessionid=abc; csrftoken=def", "****"),
        ("X_API_KEY", "short", "****"),
        ("X_MY_TOKEN", "abc def", "abc ****"),
        ("SEC_WEBSOCKET_PROTOCOL", "a2a.jwt, abc.def.ghi", "****"),
        ("PROXY_AUTHORIZATION", "Basic dXNlcjpwYXNz", "Basic ****"),
        ("X_HUB_SIGNATURE", "sha256=abc", "****"),
        ("USER_AGENT", "curl/8", "curl/8"),
        ("USER_AGENT", "x" * 500, "x" * 200),
    ],
)
def test_what_may_be_a_secret_is_masked(name: str, value: str, kept: str) -> None:
    assert masked(name, value) == kept


def test_so_many_headers_are_kept_and_no_more() -> None:
    with arriving("rest", {f"HTTP_X_{number}": "v" for number in range(500)} | {"wsgi.input": object()}):
        assert len(headers_on_record()) <= 41
    assert headers_on_record() == {"Door": "command"}


def test_ones_own_task_is_read_without_a_row_and_a_colleagues_with_one(people: Cast, task: Task) -> None:
    alice, carol = Api(people.alice), Api(people.carol)
    for _ in range(3):
        alice.get(f"tasks/{task.pk}")
        carol.get(f"tasks/{task.pk}")
        carol.get(f"tasks/{task.pk}/events")

    (row,) = rows(task_id=task.pk, authorization_reason__contains="reads")
    assert row.authorization_reason == "carol reads the task as viewer"


def test_decisions_of_people_go_on_record_with_the_change(people: Cast, task: Task) -> None:
    Api(people.alice).post(f"tasks/{task.pk}/cancel")

    assert [row.authorization_reason for row in rows(task_id=task.pk)] == [
        "alice submits: role owner",
        "alice cancels as owner",
    ]


@pytest.mark.parametrize("named", [{"query": {"customer_id": "acmecorp"}}, {"X_Customer_ID": "acmecorp"}])
def test_naming_another_customer_is_refused_as_if_it_were_not_there(
    people: Cast, task: Task, named: dict[str, Any]
) -> None:
    alice = Api(people.alice)
    query = named.get("query")
    headers = {name: value for name, value in named.items() if name != "query"}

    refused = alice.get(f"tasks/{task.pk}", query, **headers, X_Request_ID="one")

    assert (refused.status_code, refused.content) == (
        404,
        alice.get(f"tasks/{uuid.uuid4()}", X_Request_ID="one").content,
    )
    first = rows(authorized=False)[0]
    assert "named another customer" in first.denied_reason
    assert "acmecorp" not in first.denied_reason


def test_naming_another_customer_in_a_body_or_a_form_changes_nothing(people: Cast, task: Task) -> None:
    browser = Client()
    browser.force_login(people.alice.user)

    for name in ("customer", "customer_id"):
        assert Api(people.alice).post(f"tasks/{task.pk}/cancel", {name: "acmecorp"}).status_code == 404
        assert Api(people.alice).post("tasks", {"message": "Go.", name: {"x": 1}}).status_code == 404
        assert browser.post(reverse("live:cancel", args=[task.pk]), {name: "acmecorp"}).status_code == 404
    assert Api(people.alice).post(f"tasks/{task.pk}/cancel", {"customer_id": "techcorp"}).status_code == 200


def test_a_refused_agent_is_an_invoke_on_record(people: Cast, task: Task) -> None:
    Agent.objects.filter(agent_type="editor").update(restricted=True)
    people.carol.user.memberships.update(role="operator")
    carol = Api(people.carol)

    carol.post("tasks", {"message": "Edit.", "agent": "editor"})
    carol.post("tasks", {"message": "Edit.", "agent": "nobody"})

    restricted, nobody = rows(authorized=False)
    assert (restricted.action, restricted.target_agent_type) == ("invoke", "editor")
    assert restricted.denied_reason == "carol: editor is restricted"
    assert (nobody.action, nobody.target_agent_type) == ("invoke", "nobody")


def test_a_command_leaves_its_trace_too(people: Cast, task: Task, capsys: Any) -> None:
    with pytest.raises(CommandError):
        call_command("submit_task", "techcorp", "Write.", "--agent", "nobody")

    (row,) = rows(authorized=False)
    assert row.request_headers == {"Door": "command"}


def test_one_refusal_is_one_row_through_however_many_services(people: Cast, task: Task) -> None:
    with pytest.raises(NotFound):
        task_get(principal=people.zoe.principal, task_id=task.pk)
    assert len(rows(authorized=False)) == 1
    Api(people.zoe).post(f"tasks/{task.pk}/cancel")
    assert len(rows(authorized=False)) == 2


def test_a_session_ends_with_the_membership(people: Cast, task: Task) -> None:
    browser = Client()
    browser.force_login(people.carol.user)
    assert browser.get(reverse("live:tasks")).status_code == 200
    people.carol.user.memberships.all().delete()

    assert browser.get(reverse("live:tasks")).status_code == 403

    assert browser.get(reverse("live:tasks")).headers["Location"].startswith(reverse("live:login"))


def test_each_customers_list_of_agents_holds_none_of_anothers(
    people: Cast, task: Task, agent_server: AgentServer
) -> None:
    team(agent_server, customer_id="acmecorp")
    for person, customer_id in ((people.alice, "techcorp"), (people.zoe, "acmecorp")):
        listed = Api(person).get("agents").json()["results"]
        assert {agent["customer_id"] for agent in listed} == {customer_id}


def test_one_customer_cannot_invoke_anothers_private_agent(people: Cast, task: Task) -> None:
    Agent.objects.create(
        customer_id="techcorp", ve_id="p", agent_type="private", name="P", endpoint_url="http://127.0.0.1:9/"
    )
    zoe = Api(people.zoe)

    theirs = zoe.post("tasks", {"message": "Go.", "agent": "private"}, X_Request_ID="one")
    nothing = zoe.post("tasks", {"message": "Go.", "agent": "nothing"}, X_Request_ID="one")

    assert (theirs.status_code, theirs.content) == (404, nothing.content)
    assert Task.objects.filter(customer_id="acmecorp").count() == 0
