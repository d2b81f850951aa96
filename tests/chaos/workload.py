"""Customers at work over REST, whatever happens: they submit, answer, decide, cancel, and try again until done."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.agents import PLANS
from tests.chaos.installation import Installation

TRY_SECONDS = 90
_PAUSE_SECONDS = 0.2


@dataclass(slots=True, kw_only=True)
class Order:
    """A task as its customer knows it. ``task_ids`` are those of all answers to the one key: they must be one."""

    customer: str
    shape: str
    key: str
    task_ids: set[str] = field(default_factory=set)
    canceled: bool = False
    deadly: str = ""
    """Who is to kill the worker, and when: see the agents."""

    @property
    def message(self) -> str:
        return f"{self.shape} {self.key}{self.deadly}"


class Client:
    """A person at the door with their key. Safe for one thread."""

    def __init__(self, installation: Installation, customer: str, role: str, *, told: list[str]) -> None:
        self._told = told
        headers = {"X-API-Key": installation.keys[customer][role]}
        url = f"{installation.url}/api/v1"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=15, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response | None:
        """Return the answer, or None where there was none or the platform could not give it just now."""
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        if answer.status_code == 500:
            self._told.append(f"{method} {path}: {answer.text}")
        return None if answer.status_code in (429, 500, 503) else answer

    def insist(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Ask until there is an answer."""
        until = time.monotonic() + TRY_SECONDS
        while (answer := self.ask(method, path, body, **headers)) is None:
            assert time.monotonic() < until, f"no answer to {method} {path} in {TRY_SECONDS} s"
            time.sleep(_PAUSE_SECONDS)
        return answer


def submit(client: Client, order: Order) -> str:
    """Submit the task, again under the same key while nobody answers; return its id."""
    answer = client.insist("POST", "/tasks", {"message": order.message}, **{"Idempotency-Key": order.key})
    assert answer.status_code == 201, (answer.status_code, answer.text)
    task_id = str(answer.json()["task_id"])
    order.task_ids.add(task_id)
    return task_id


class Workload:
    """Threads that submit tasks of all shapes, and people who decide on what waits for them."""

    def __init__(self, installation: Installation, *, seed: int, pause_seconds: float) -> None:
        self._installation = installation
        self._seed = seed
        self._pause_seconds = pause_seconds
        self._enough = threading.Event()
        self._over = threading.Event()
        self.orders: list[Order] = []
        self.failures: list[str] = []
        self.internal_errors: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Submit while the block runs, and decide until ``close``. Every order begun is brought to its answer."""
        customers = list(self._installation.keys)
        self._people = [self._thread(self._decide, customer) for customer in customers]
        submitters = [self._thread(self._submit, customer) for customer in customers]
        try:
            yield
        finally:
            self._enough.set()
            for thread in submitters:
                thread.join()

    def close(self) -> None:
        """Send the people home."""
        self._over.set()
        for thread in self._people:
            thread.join()

    def _client(self, customer: str, role: str) -> Client:
        return Client(self._installation, customer, role, told=self.internal_errors)

    def _thread(self, work: Any, customer: str) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, args=(work, customer), name=f"{work.__name__} {customer}")
        thread.start()
        return thread

    def _guarded(self, work: Any, customer: str) -> None:
        try:
            work(customer)
        except Exception as error:  # noqa: BLE001 - a thread's failure is told by the test's own
            self.failures.append(f"{work.__name__} of {customer}: {error!r}")

    def _submit(self, customer: str) -> None:
        chance = random.Random(f"{self._seed} {customer}")
        client = self._client(customer, "owner")
        number = 0
        while not self._enough.wait(chance.uniform(0, 2 * self._pause_seconds)):
            shape = chance.choice(list(PLANS))
            number += 1
            order = Order(customer=customer, shape=shape, key=f"{customer}-{number}")
            self.orders.append(order)
            task_id = submit(client, order)
            if chance.random() < 0.2:
                # A client that was not sure of the answer asks again.
                submit(client, order)
            if shape == "cancel":
                order.canceled = client.insist("POST", f"/tasks/{task_id}/cancel").status_code == 200
        client.close()

    def _decide(self, customer: str) -> None:
        """Answer what is asked, approve what is to be approved, reject what is to be rejected."""
        owner, approver = (self._client(customer, role) for role in ("owner", "approver"))
        while not self._over.wait(_PAUSE_SECONDS):
            for question in _open(owner, "clarifications"):
                owner.ask("POST", f"/clarifications/{question['clarification_id']}/answer", {"answer": "blue"})
            for approval in _open(approver, "approvals"):
                verdict = "reject" if approval["instruction"].startswith("rejection") else "approve"
                approver.ask("POST", f"/approvals/{approval['approval_id']}/{verdict}", {"comment": "seen"})
        owner.close()
        approver.close()


def _open(client: Client, kind: str) -> list[dict[str, Any]]:
    answer = client.ask("GET", f"/{kind}?status=open")
    return [] if answer is None else list(answer.json()["results"])
