"""An A2A 1.0 client written by hand, and servers on loopback for it to talk to."""

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from examples.agent import EXTENSION_URI

PATIENCE_SECONDS = 10.0

# What a stranger sends: looked into freely, since a wrong shape fails the test.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class A2AClient:
    """Speak JSON-RPC of A2A 1.0 with the agents beneath one address."""

    http: httpx.Client
    url: str

    def rpc(self, path: str, method: str, params: object, **headers: str) -> Json:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        response = self.http.post(f"{self.url}{path}", json=body, headers={"A2A-Version": "1.0", **headers})
        assert response.status_code == 200
        answer: Json = response.json()
        return answer

    def send(
        self,
        agent_type: str,
        instruction: str,
        *,
        context: object = None,
        configuration: Mapping[str, object] | None = None,
        message_id: str | None = None,
    ) -> Json:
        """Send one message and give the whole JSON-RPC answer; `context` is the extension's data part."""
        parts: list[Json] = [{"text": instruction}]
        message: Json = {"messageId": message_id or str(uuid.uuid4()), "role": "ROLE_USER", "parts": parts}
        if context is not None:
            parts.append({"data": context, "metadata": {"extension": EXTENSION_URI}})
            message["extensions"] = [EXTENSION_URI]
        return self.rpc(
            f"/{agent_type}/", "SendMessage", {"message": message, "configuration": dict(configuration or {})}
        )

    def get_task(self, agent_type: str, task_id: str) -> Json:
        task: Json = self.rpc(f"/{agent_type}/", "GetTask", {"id": task_id})["result"]
        return task

    def decide(self, agent_type: str, instruction: str, **context: object) -> Json:
        """Give the decision of an agent, waiting for one that answers late."""
        result = self.send(agent_type, instruction, context=context)["result"]
        if "message" in result:
            assert result["message"]["extensions"] == [EXTENSION_URI]
            return decision_in(result["message"]["parts"])
        task = self.finished(agent_type, result["task"]["id"])
        assert task["status"]["state"] == "TASK_STATE_COMPLETED"
        return decision_in(task["artifacts"][0]["parts"])

    def finished(self, agent_type: str, task_id: str) -> Json:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (task := self.get_task(agent_type, task_id))["status"]["state"] == "TASK_STATE_WORKING":
            assert time.monotonic() < deadline, "the late answer never came"
            time.sleep(0.05)
        return task


def decision_in(parts: list[Json]) -> Json:
    (part,) = [part for part in parts if "data" in part]
    assert part["metadata"]["extension"] == EXTENSION_URI
    data: Json = part["data"]
    return data


@contextmanager
def served(build: Callable[[str], Starlette]) -> Iterator[str]:
    """Serve an application on a free port in a thread; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(build(url), log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not server.started:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.01)
            yield url
        finally:
            server.should_exit = True
            thread.join()
