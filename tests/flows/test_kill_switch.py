"""An agent or a customer is switched off: nothing new begins, and what is under way is finished or cancelled."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuthorizationLog
from delegation.models import Agent
from security.models import InFlight
from security.switches import customer_switch
from tests.agents import Hold, Working, delegate, handle, parallel
from tests.flows.conftest import Story
from tests.people import PASSWORD
from tests.processes import eventually

Switch = Callable[..., Any]


@pytest.fixture
def switch(story: Story) -> Switch:
    """Let Alice change one of her agents over REST."""
    token = story.people.alice.token

    def switched(agent: str, **fields: Any) -> Any:
        address = f"/api/v1/agents/{Agent.objects.get(customer_id='techcorp', agent_type=agent).id}"
        response = Client().patch(address, fields, "application/json", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200, response.text
        return response.json()

    return switched


def customer_off(in_flight: InFlight = InFlight.FINISH) -> None:
    customer_switch(
        customer_id="techcorp", active=False, in_flight=in_flight, reason="unpaid", by="root", now=timezone.now()
    )


def customer_on() -> None:
    customer_switch(customer_id="techcorp", active=True, by="root", now=timezone.now())


def test_nothing_is_given_to_an_agent_that_is_switched_off_until_it_is_on_again(story: Story, switch: Switch) -> None:
    switch("copywriter", enabled=False)
    story.agents.script("marketing-manager", lambda call: delegate("copywriter"))

    refused = Client().post(
        "/api/v1/tasks",
        {"message": "Write", "agent": "copywriter"},
        "application/json",
        headers={"X-API-Key": story.people.alice.api_key},
    )
    task = story.ended(story.submit())

    assert (refused.status_code, refused.json()["error"]) == (404, "NOT_FOUND")
    assert (task.status, task.error_code) == ("failed", "AUTH_FAILED")
    assert not story.agents.calls("copywriter")
    offered = story.agents.calls("marketing-manager")[0].data["candidates"]
    assert "copywriter" not in {candidate["type"] for candidate in offered}

    switch("copywriter", enabled=True)
    assert eventually(lambda: story.ended(story.submit()).status == "completed")


def test_a_call_in_flight_is_finished(story: Story, switch: Switch) -> None:
    held = Hold(handle("finished"))
    story.agents.script("marketing-manager", held)
    task = story.submit()
    assert held.arrived.wait(10)

    switch("marketing-manager", enabled=False)
    held.release()

    assert story.ended(task).result == "finished"


def test_a_call_in_flight_is_cancelled_where_that_is_chosen(story: Story, switch: Switch) -> None:
    held = Hold(handle("too late"))
    story.agents.script("marketing-manager", held)
    task = story.submit()
    assert held.arrived.wait(10)

    switch("marketing-manager", enabled=False, in_flight="cancel")

    task = story.ended(task)
    held.release()
    assert (task.status, task.error_code, task.result) == ("canceled", "AGENT_UNAVAILABLE", None)
    (hop,) = story.hops(task)
    assert (hop.status, hop.error_code) == ("canceled", "AGENT_UNAVAILABLE")
    (told,) = story.event_data(task, "hop.canceled")
    assert told["error"]["code"] == "AGENT_UNAVAILABLE"


def test_the_other_branches_of_a_split_go_on(story: Story, switch: Switch) -> None:
    gathered = lambda call: handle([given["error"] and given["error"]["code"] for given in call.data["inputs"]])  # noqa: E731
    held, other = Hold(handle("too late")), Hold(handle("edited"))
    story.agents.script("marketing-manager", [parallel("copywriter", "editor"), gathered])
    story.agents.script("copywriter", held)
    story.agents.script("editor", other)
    task = story.submit()
    assert held.arrived.wait(10)

    switch("copywriter", enabled=False, in_flight="cancel")
    other.release()

    assert story.ended(task).result == ["AGENT_UNAVAILABLE", None]
    held.release()


@pytest.mark.parametrize(("in_flight", "status"), [("finish", "completed"), ("cancel", "canceled")])
def test_so_is_what_an_agent_answers_later(story: Story, switch: Switch, in_flight: str, status: str) -> None:
    late = Working(after_seconds=2.5 if in_flight == "finish" else None, outcome=handle("late"))
    story.agents.script("marketing-manager", late)
    task = story.submit()
    story.when(task, lambda _: "hop.waiting" in story.events(task))

    switch("marketing-manager", enabled=False, in_flight=in_flight)

    assert story.ended(task).status == status


def test_a_call_that_a_worker_began_a_moment_later_is_cancelled_too(story: Story) -> None:
    held = Hold(handle("too late"))
    story.agents.script("marketing-manager", held)
    task = story.submit()
    assert held.arrived.wait(10)

    # As if the service had looked before the call began, or died before it looked.
    Agent.objects.filter(agent_type="marketing-manager").update(enabled=False, in_flight="cancel")

    assert story.ended(task).status == "canceled"
    held.release()


def test_who_switched_what_and_why_is_on_record(story: Story, switch: Switch) -> None:
    switch("copywriter", enabled=False, in_flight="cancel", disabled_reason="It invents figures.")
    switch("copywriter", enabled=True)
    customer_off()

    off, on, customer = AuthorizationLog.objects.filter(task_id=None, action="invoke").order_by("id")
    assert (off.target_agent_type, off.authorized) == ("copywriter", False)
    assert off.denied_reason == "switched off by alice (owner), calls in flight: cancel; It invents figures."
    assert (on.authorized, on.authorization_reason) == (True, "switched on by alice (owner)")
    assert (customer.customer_id, customer.agent_ve_id) == ("techcorp", "")
    assert customer.denied_reason == "switched off by root, calls in flight: finish; unpaid"


def test_no_credential_of_a_customer_that_is_switched_off_opens_a_door(story: Story) -> None:
    alice, zoe = story.people.alice, story.people.zoe
    shown = {"X-API-Key": alice.api_key}, {"Authorization": f"Bearer {alice.token}"}
    wrong = {"X-API-Key": "a2a_wrong"}, {"Authorization": "Bearer wrong"}
    pages = Client()
    pages.force_login(alice.user)

    def answers(headers: dict[str, str]) -> Any:
        response = Client().get("/api/v1/tasks", headers=headers)
        body = response.json()
        return response.status_code, body.get("error"), body.get("message")

    def login(password: str) -> Any:
        sent = {"username": "alice", "password": password}
        response = Client().post("/api/v1/auth/token", sent, "application/json")
        return response.status_code, {name: each for name, each in response.json().items() if name != "request_id"}

    assert [answers(headers)[0] for headers in shown] == [200, 200]
    customer_off()

    assert [answers(headers) for headers in shown] == [answers(headers) for headers in wrong]
    assert login(PASSWORD) == login("wrong")
    assert pages.get("/tasks/").status_code == 403
    assert answers({"X-API-Key": zoe.api_key})[0] == 200

    customer_on()
    assert [answers(headers)[0] for headers in shown] == [200, 200]
    assert login(PASSWORD)[0] == 200


def test_calls_in_flight_of_a_customer_are_finished_and_nothing_follows(story: Story) -> None:
    held = Hold(delegate("copywriter"))
    story.agents.script("marketing-manager", held)
    story.agents.script("editor", last := Hold(handle("finished")))
    task, other = story.submit(), story.submit(agent_type="editor")
    assert held.arrived.wait(10)
    assert last.arrived.wait(10)

    customer_off()
    # The worker reads its customers anew each second.
    story.when(task, lambda _: _refused(story))
    held.release()
    last.release()

    task = story.ended(task)
    assert (task.status, task.error_code) == ("failed", "CUSTOMER_DISABLED")
    assert story.ended(other).result == "finished"
    assert not story.agents.calls("copywriter")


def _refused(story: Story) -> bool:
    """Tell whether the worker has noticed: a task that it is given by hand is not begun."""
    customer_on()
    task = story.submit(agent_type="analyst")
    customer_off()
    return story.ended(task).error_code == "CUSTOMER_DISABLED"


def test_tasks_of_a_customer_are_cancelled_where_that_is_chosen(story: Story) -> None:
    held = Hold(delegate("copywriter"))
    story.agents.script("marketing-manager", held)
    tasks = [story.submit() for _ in range(3)]
    assert held.arrived.wait(10)

    customer_off(InFlight.CANCEL)

    ended = [story.ended(task) for task in tasks]
    held.release()
    assert {(task.status, task.error_code) for task in ended} == {("canceled", "CUSTOMER_DISABLED")}
    assert not story.agents.calls("copywriter")

    customer_on()
    story.agents.script("marketing-manager", handle("again"))
    story.when(tasks[0], lambda _: story.ended(story.submit()).result == "again")
