"""1001 tasks at once: exactly 1000 are taken, over HTTP and from threads."""

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from delegation.models import Task
from delegation.services.tasks import task_submit
from security.errors import RateLimitExceeded
from security.rows import customer_rows
from tests.agents import AgentServer
from tests.people import Cast, team
from tests.web import WebServer

pytestmark = pytest.mark.slow
BODY = b'{"message": "Write a text."}'


def test_over_http(people: Cast, agent_server: AgentServer, web: WebServer) -> None:
    team(agent_server)
    headers = {"X-API-Key": people.alice.api_key, "Content-Type": "application/json"}

    def submitted(count: int) -> Counter[tuple[int, bool]]:
        client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        answers: Counter[tuple[int, bool]] = Counter()
        for _ in range(count):
            client.request("POST", "/api/v1/tasks", BODY, headers)
            answer = client.getresponse()
            answer.read()
            answers[answer.status, "RateLimit" in answer.headers] += 1
        client.close()
        return answers

    with ThreadPoolExecutor(13) as threads:
        answers = sum(threads.map(submitted, [77] * 13), Counter[tuple[int, bool]]())

    assert answers == {(201, True): 1000, (429, True): 1}
    assert Task.objects.count() == 1000


def test_from_threads(people: Cast, agent_server: AgentServer, transactional_db: None, settings: Any) -> None:
    settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = 100
    team(agent_server)

    @customer_rows("techcorp")
    def submitted(count: int) -> int:
        taken = 0
        for _ in range(count):
            try:
                task_submit(principal=people.alice.principal, message="Write.", now=timezone.now())
                taken += 1
            except RateLimitExceeded:
                pass
        connection.close()
        return taken

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(submitted, [25] * 8)) == 100

    assert Task.objects.count() == 100
