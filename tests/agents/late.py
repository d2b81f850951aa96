"""Answers that take their time."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.agents.answers import Answer, Call, Scripted, Step, respond_with_result, task_of
from tests.agents.connection import Connection
from tests.agents.legacy import to_legacy_result


@dataclass(frozen=True, slots=True)
class Slow:
    """Play the step after some seconds."""

    seconds: float
    step: Step = field(default_factory=lambda: Answer(text="slow, but done"))

    async def play(self, call: Call, connection: Connection) -> None:
        await asyncio.sleep(self.seconds)
        working = self.step.play(call, connection)
        if working is not None:
            await working


@dataclass(frozen=True, slots=True)
class Hold:
    """Play the step when the test says ``release()``; ``arrived`` is set when the call is there."""

    step: Step = field(default_factory=lambda: Answer(text="released"))
    arrived: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self._released.set()

    async def play(self, call: Call, connection: Connection) -> None:
        self.arrived.set()
        while not self._released.is_set():  # noqa: ASYNC110  the test releases it from another thread
            await asyncio.sleep(0.002)
        working = self.step.play(call, connection)
        if working is not None:
            await working


@dataclass(frozen=True, slots=True)
class Working:
    """Answer that the task is being worked on, and finish it some seconds later.

    GetTask tells the outcome from then on; it is also pushed to the address that the call brought, if any. With
    ``after_seconds=None`` it is never finished.
    """

    after_seconds: float | None
    outcome: Scripted = field(default_factory=lambda: Answer(text="late, but done"))
    push: bool = True
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def play(self, call: Call, connection: Connection) -> None:
        task = task_of(call, state="WORKING", parts=[])
        self.tasks[task["id"]] = task
        if self.after_seconds is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.after_seconds, self._complete, call, task["id"])
        respond_with_result(call, connection, {"task": task})

    def _complete(self, call: Call, task_id: str) -> None:
        if self.tasks[task_id]["status"]["state"] == "TASK_STATE_CANCELED":
            return
        result = self.outcome.result(call)
        task = result.get("task") or task_of(call, state="COMPLETED", parts=result["message"]["parts"], artifacts=True)
        task["id"] = task_id
        self.tasks[task_id] = task
        configuration = call.params.get("configuration", {})
        target, legacy = configuration.get("taskPushNotificationConfig"), configuration.get("pushNotificationConfig")
        body = {"task": task} if target else to_legacy_result(task)
        if self.push and (target or legacy):
            threading.Thread(target=asyncio.run, args=(push(target or legacy, body),)).start()


async def push(target: dict[str, Any], notification: dict[str, Any]) -> int:
    """Post to a push notification address over plain HTTP; return the status, 0 when nobody answers."""
    body = orjson.dumps(notification)
    url = urlsplit(target["url"])
    token = f"X-A2A-Notification-Token: {target['token']}\r\n" if target.get("token") else ""
    head = (
        f"POST {url.path}{'?' + url.query if url.query else ''} HTTP/1.1\r\nHost: {url.netloc}\r\n{token}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
        writer.write(head.encode() + body)
        first_line = (await reader.readline()).split()
        writer.close()
        await writer.wait_closed()
    except OSError:
        return 0
    return int(first_line[1]) if first_line else 0
