"""Agents that answer late push how their work stands; we ask them ourselves for the outcome."""

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.utils import timezone

from audit.models import AuthorizationLog
from delegation.models import Agent, Hop, Task, TaskEvent
from delegation.services.callbacks import callback_tokens
from delegation.states import HopStatus
from security.identity import Callback
from tests.agents import AgentServer, Working, ask, handle
from tests.agents.answers import Call
from tests.delegation.gateway.sdk_agent import sdk_agent
from tests.flows.conftest import Story
from tests.people import Cast, team
from tests.web import WebServer

HEADER = "X-A2A-Notification-Token"


@pytest.fixture
def story(
    request: pytest.FixtureRequest, web: WebServer, settings: Any, people: Cast, agent_server: AgentServer
) -> Story:
    """Tell it in an installation that agents can reach, and that polls too late to end a story in time."""
    settings.A2A_PUBLIC_URL = web.url
    settings.A2A_POLL_SECONDS_BESIDE_PUSH = 600
    request.getfixturevalue("worker")
    team(agent_server)
    return Story(people=people, agents=agent_server)


def waiting(story: Story) -> tuple[Task, Hop, dict[str, Any]]:
    """Submit a task whose agent never finishes by itself; return it with the hop that waits, and where to push."""
    task = story.submit()
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, status=HopStatus.WAITING).exists())
    (call,) = story.agents.calls("marketing-manager")
    return task, Hop.objects.get(task_id=task.id), target_of(call)


def target_of(call: Call) -> dict[str, Any]:
    configuration = call.params["configuration"]
    target = configuration.get("taskPushNotificationConfig") or configuration["pushNotificationConfig"]
    return dict(target)


def pushed(target: dict[str, Any], body: object = None, **headers: str) -> httpx.Response:
    return httpx.post(target["url"], json=body or done(), headers=headers or {HEADER: target["token"]}, trust_env=False)


def done(task_id: str = "remote") -> dict[str, Any]:
    return {"statusUpdate": {"taskId": task_id, "status": {"state": "TASK_STATE_COMPLETED"}}}


def finish(working: Working, result: str = "finished") -> None:
    """Let the agent's task be complete, as it will say when it is asked."""
    for task in working.tasks.values():
        task["status"] = {"state": "TASK_STATE_COMPLETED"}
        task["artifacts"] = [{"artifactId": "a", "parts": handle(result).parts()}]


def reports(task: Task) -> int:
    return TaskEvent.objects.filter(task_id=task.id, type="hop.reported").count()


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_a_push_ends_the_wait_long_before_the_next_poll(story: Story, version: str) -> None:
    if version == "0.3":
        story.agents.speak_legacy("marketing-manager")
    story.agents.script("marketing-manager", Working(0.2, handle("written late")))

    task = story.ended(story.submit())

    assert task.result == "written late"
    assert story.events(task).count("hop.reported") == 1
    assert len(story.agents.calls("marketing-manager", "GetTask")) == 1
    assert [row.decision_action for row in story.decisions(task)] == ["handle"]


@pytest.mark.parametrize("interface", [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3")], ids=str)
def test_agents_built_on_the_sdk_push_with_its_own_sender(story: Story, interface: tuple[str, str]) -> None:
    with sdk_agent(interface) as url:
        Agent.objects.filter(agent_type="copywriter").update(endpoint_url=url)

        task = story.ended(story.submit("late please", agent_type="copywriter"))

    assert task.result == "done"
    assert story.events(task).count("hop.reported") >= 1


def test_an_agent_that_is_done_before_its_wait_is_written_down_is_asked_soon(story: Story) -> None:
    story.agents.script("marketing-manager", Working(0.0, handle("in no time")))

    assert story.ended(story.submit()).result == "in no time"


def test_what_is_pushed_is_never_taken_for_the_outcome(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task, hop, target = waiting(story)
    lie = {
        "task": {"id": "x", "status": {"state": "TASK_STATE_COMPLETED"}, "artifacts": [{"parts": [{"text": "lie"}]}]}
    }

    assert pushed(target, lie).status_code == 202

    story.when(task, lambda _: Hop.objects.filter(id=hop.id, polls=2, status=HopStatus.WAITING).exists())
    finish(working, "the truth")
    assert pushed(target).status_code == 202
    assert story.ended(task).result == "the truth"


def test_the_same_notification_twice_makes_one_decision_and_is_refused_the_second_time(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task, _, target = waiting(story)
    finish(working)

    statuses: list[int] = []
    pushers = [threading.Thread(target=lambda: statuses.append(pushed(target).status_code)) for _ in range(8)]
    for pusher in pushers:
        pusher.start()
    for pusher in pushers:
        pusher.join()

    assert sorted(statuses) == [202] + 7 * [409]
    over = story.ended(task)
    assert len(story.decisions(over)) == 1
    replay = pushed(target)
    assert (replay.status_code, replay.json()["error"]) == (409, "CONFLICT")
    assert pushed(target, {"task": {"status": {"state": "TASK_STATE_COMPLETED"}}, "new": 1}).status_code == 409
    assert reports(over) == 1


def test_a_repeat_is_refused_also_while_the_agent_works_on(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    task, hop, target = waiting(story)
    assert pushed(target).status_code == 202
    story.when(task, lambda _: Hop.objects.filter(id=hop.id, polls=2, status=HopStatus.WAITING).exists())
    seq = Task.objects.get(id=task.id).last_seq

    assert pushed(target).status_code == 409

    assert Task.objects.get(id=task.id).last_seq == seq
    assert len(story.agents.calls("marketing-manager", "GetTask")) == 1
    assert pushed(target, done("told otherwise")).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {"task": {"id": "r", "status": {"state": "TASK_STATE_WORKING"}}},
        {"statusUpdate": {"taskId": "r", "status": {"state": "TASK_STATE_SUBMITTED"}}},
        {"artifactUpdate": {"taskId": "r", "artifact": {}}},
        {"kind": "status-update", "taskId": "r", "status": {"state": "working"}, "final": False},
        {"kind": "task", "id": "r", "status": {"state": "submitted"}},
    ],
)
def test_word_that_the_work_goes_on_costs_no_poll(story: Story, body: dict[str, Any]) -> None:
    story.agents.script("marketing-manager", Working(None))
    task, hop, target = waiting(story)

    assert pushed(target, body).status_code == 202

    assert Hop.objects.get(id=hop.id).due_at == hop.due_at
    assert reports(task) == 0


def test_whoever_may_not_push_learns_nothing(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    _, hop, target = waiting(story)
    _, other, other_target = waiting_again(story)
    now = timezone.now()
    mine = Callback(delegation_id=str(hop.id), customer_id="techcorp", agent_type="marketing-manager")

    def minted(**changes: str) -> str:
        fields = {"delegation_id": mine.delegation_id, "customer_id": "techcorp", "agent_type": "marketing-manager"}
        return callback_tokens().mint(Callback(**fields | changes), expires_at=now + timedelta(hours=1))

    unknown = f"{target['url'].rpartition('/')[0]}/{uuid4()}"
    token = str(target["token"])
    attempts = [
        pushed({"url": unknown, "token": token}),
        pushed(target | {"token": other_target["token"]}),
        pushed(target | {"token": token[:-1] + ("A" if token[-1] != "A" else "B")}),
        pushed(target | {"token": callback_tokens().mint(mine, expires_at=now - timedelta(seconds=1))}),
        pushed(target | {"token": minted(customer_id="acmecorp")}),
        pushed(target | {"token": minted(agent_type="copywriter")}),
        pushed(target, **{"Content-Type": "application/json"}),
        pushed(target, Authorization="Basic Zm9vOmJhcg=="),
        pushed(
            target | {"url": target["url"].upper().replace("HTTP", "http").replace("CALLBACKS/A2A", "callbacks/a2a")}
        ),
        pushed(target | {"url": f"{target['url']}x"}),
        pushed(target | {"url": f"{unknown}/../nothing"}),
    ]

    bodies = {str(sorted({**each.json(), "request_id": ""}.items())) for each in attempts}
    assert {each.status_code for each in attempts} == {404}
    assert len(bodies) == 1
    assert token not in str(bodies)
    assert Hop.objects.get(id=hop.id).due_at == hop.due_at
    assert Hop.objects.get(id=other.id).due_at == other.due_at
    refused = AuthorizationLog.objects.filter(authorized=False)
    assert {(row.customer_id, row.task_id, row.target_agent_type) for row in refused} == {
        ("techcorp", hop.task_id, "marketing-manager")
    }
    assert {row.request_headers["Door"] for row in refused} == {"callback"}
    assert token not in str([row.request_headers for row in refused])


def test_a_flood_of_forged_notifications_fills_no_table(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    task, hop, target = waiting(story)
    nothing = {"url": f"{target['url'].rpartition('/')[0]}/{uuid4()}"}
    before = AuthorizationLog.objects.count()

    for number in range(20):
        assert pushed(target | {"token": f"c1.{number}"}).status_code == 404
        assert pushed(nothing | {"token": f"c1.{number}"}).status_code == 404

    (row,) = AuthorizationLog.objects.filter(authorized=False)
    assert AuthorizationLog.objects.count() == before + 1
    assert (row.customer_id, row.task_id, row.action) == ("techcorp", task.id, "access_context")
    assert row.denied_reason == f"callback for {hop.id}: malformed callback token"


def test_a_notification_that_is_taken_goes_on_record_with_what_let_it_in(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task, _, target = waiting(story)
    finish(working)
    assert pushed(target).status_code == 202
    story.ended(task)

    (row,) = [row for row in story.rulings(task) if row.request_headers.get("Door") == "callback"]
    assert (row.authorized, row.authorization_reason) == (True, "callback token of marketing-manager")
    assert row.request_headers["X-A2A-Notification-Token"] == "****"


def waiting_again(story: Story) -> tuple[Task, Hop, dict[str, Any]]:
    task = story.submit()
    story.when(task, lambda _: Hop.objects.filter(task_id=task.id, status=HopStatus.WAITING).exists())
    return task, Hop.objects.get(task_id=task.id), target_of(story.agents.calls("marketing-manager")[-1])


def test_the_token_may_come_as_a_bearer_credential(story: Story) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task, _, target = waiting(story)
    finish(working)

    assert pushed(target, Authorization=f"Bearer {target['authentication']['credentials']}").status_code == 202

    assert story.ended(task).result == "finished"


def test_a_hop_that_waits_for_a_person_is_not_its_agents_to_hasten(story: Story) -> None:
    working = Working(0.1, ask("Which colour?"))
    story.agents.script("marketing-manager", working)
    task = story.asking(story.submit())

    (call,) = story.agents.calls("marketing-manager")
    assert pushed(target_of(call), done("again")).status_code == 409

    story.agents.script("marketing-manager", handle("blue it is"))
    story.answer(task, "blue")
    assert story.ended(task).result == "blue it is"


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"x"', b"\xff\xfe", b"{" * 5000])
def test_whatever_the_body_holds_the_agent_is_asked(story: Story, body: bytes) -> None:
    working = Working(None)
    story.agents.script("marketing-manager", working)
    task, _, target = waiting(story)
    finish(working)

    response = httpx.post(target["url"], content=body, headers={HEADER: target["token"]}, trust_env=False)

    assert response.status_code == 202
    assert story.ended(task).result == "finished"


def test_only_posts_of_a_bearable_size_are_taken(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    _, _, target = waiting(story)

    looked = httpx.get(target["url"], headers={HEADER: target["token"]}, trust_env=False)
    assert (looked.status_code, looked.headers["allow"]) == (405, "POST")
    assert pushed(target, {"padding": "x" * 3_000_000}).status_code == 413


def test_an_agent_that_reports_without_end_is_heard_no_more(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    task, hop, target = waiting(story)
    told = [
        TaskEvent(
            task_id=task.id,
            customer_id="techcorp",
            seq=1000 + number,
            type="hop.reported",
            at=timezone.now(),
            data={"delegation_id": str(hop.id), "notification": f"{number:016}"},
        )
        for number in range(100)
    ]
    TaskEvent.objects.bulk_create(told)

    refused = pushed(target)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["ratelimit-policy"] == '"notifications";q=100;w=86400'
    assert refused.headers["ratelimit"] == '"notifications";r=0;t=60'
    assert Hop.objects.get(id=hop.id).due_at == hop.due_at


def test_a_token_lives_as_long_as_its_task(story: Story) -> None:
    story.agents.script("marketing-manager", Working(None))
    task, hop, target = waiting(story)

    callback_tokens().check(target["token"], delegation_id=str(hop.id), now=task.deadline_at)

    assert urlsplit(target["url"]).path == f"/callbacks/a2a/{hop.id}"


def test_without_a_public_address_agents_are_only_asked(
    transactional_db: None, request: pytest.FixtureRequest, people: Cast
) -> None:
    server: AgentServer = request.getfixturevalue("agent_server")
    request.getfixturevalue("worker")
    team(server)
    server.script("marketing-manager", Working(0.1, handle("polled")))
    alone = Story(people=people, agents=server)

    assert alone.ended(alone.submit()).result == "polled"

    (call,) = server.calls("marketing-manager")
    assert "taskPushNotificationConfig" not in call.params["configuration"]
