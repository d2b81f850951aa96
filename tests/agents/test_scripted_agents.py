"""The scripted agents do what their scripts say; other tests rest on it."""

import threading
import time
from typing import Any

import httpx
import pytest

from tests.agents import AgentServer, Hold, Say, Status, Working, handle
from tests.agents.answers import Call


def send(server: AgentServer, agent: str, *, message_id: str = "m", method: str = "SendMessage", **params: Any) -> Any:
    message = {"messageId": message_id, "role": "ROLE_USER", "parts": [{"text": "hello"}, {"data": {"depth": 1}}]}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params.pop("only", {"message": message}) | params}
    return httpx.post(server.url(agent), json=body, timeout=5, trust_env=False)


def test_a_script_is_played_in_order_and_its_last_step_repeated() -> None:
    with AgentServer() as server:
        server.script("copywriter", [Status(503), Say("a"), Say("b")])
        answers = [send(server, "copywriter") for _ in range(4)]

    assert answers[0].status_code == 503
    texts = [answer.json()["result"]["message"]["parts"][0]["text"] for answer in answers[1:]]
    assert texts == ["a", "b", "b"]


def test_a_function_may_answer_and_sees_the_call() -> None:
    def answer(call: Call) -> Any:
        return handle(f"{call.agent} {call.text} {call.data['depth']} {call.message_id}")

    with AgentServer(default=answer) as server:
        assert send(server, "any").json()["result"]["message"]["parts"][0]["data"]["result"] == "any hello 1 m"
        assert server.counts() == {"m": 1}


def test_an_agent_can_be_held_until_the_test_lets_it_go() -> None:
    hold = Hold(Say("free"))
    with AgentServer() as server:
        server.script("slow", hold)
        calling = threading.Thread(target=send, args=(server, "slow"))
        calling.start()
        assert hold.arrived.wait(2)
        assert calling.is_alive()
        hold.release()
        calling.join(2)
        assert not calling.is_alive()


def test_late_work_is_told_when_asked_for_and_pushed() -> None:
    with AgentServer() as server:
        working = Working(0.05, Say("late"))
        server.script("late", working)
        target = {"taskPushNotificationConfig": {"url": server.inbox_url, "token": "t"}}
        task = send(server, "late", configuration=target).json()["result"]["task"]
        assert task["status"]["state"] == "TASK_STATE_WORKING"
        deadline = time.monotonic() + 2
        while working.tasks[task["id"]]["status"]["state"] != "TASK_STATE_COMPLETED":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        told = send(server, "late", method="GetTask", only={"id": task["id"]}).json()["result"]
        assert told["artifacts"][0]["parts"] == [{"text": "late"}]
        assert send(server, "late", method="CancelTask", only={"id": task["id"]}).json()["error"]["code"] == -32002
        while not server.pushes:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (push,) = server.pushes
        assert push.headers["x-a2a-notification-token"] == "t"
        assert push.body == {"task": told}


def test_nobody_listens_at_a_refused_address() -> None:
    with AgentServer() as server, server.refused_url() as url, pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_what_is_not_json_rpc_is_refused() -> None:
    with AgentServer() as server:
        assert httpx.post(server.url("x"), content=b"nonsense", trust_env=False).status_code == 400
        assert httpx.get(server.url("x"), trust_env=False).status_code == 400
        assert server.calls() == []


def test_many_servers_start_and_stop_in_no_time() -> None:
    started = time.monotonic()
    for _ in range(20):
        with AgentServer() as server:
            assert send(server, "x").status_code == 200

    assert time.monotonic() - started < 5
