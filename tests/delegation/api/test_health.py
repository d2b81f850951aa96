import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from delegation import metrics
from delegation.models import Agent, Hop, Task
from tests.delegation.api.conftest import first_hop, submitted
from tests.people import Cast


@pytest.fixture
def refused_port() -> Iterator[int]:
    """Give a port that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []
        threading.Thread(target=lambda: _take(listening, taken), daemon=True).start()
        yield listening.getsockname()[1]
        for each in taken:
            each.close()


def _take(listening: socket.socket, taken: list[socket.socket]) -> None:
    while True:
        try:
            taken.append(listening.accept()[0])
        except OSError:
            return


def ready() -> Any:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_a_living_process_says_so_without_the_database() -> None:
    response = Client().get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_it_is_ready_when_everything_answers(db: None) -> None:
    assert ready() == (
        200,
        {"status": "ready", "checks": {"database": "ok", "broker": "ok", "channel_layer": "ok", "limiter": "ok"}},
    )


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("kind", ["refused_port", "silent_port"])
def test_a_broker_that_is_away_is_named_soon_and_without_its_password(
    db: None, settings: Any, request: pytest.FixtureRequest, scheme: str, kind: str
) -> None:
    port = request.getfixturevalue(kind)
    settings.BROKER_URL = f"{scheme}://admin:hunter2@127.0.0.1:{port}"
    began = timezone.now()

    status, body = ready()

    assert status == 503
    assert body["status"] == "not ready"
    assert body["checks"]["broker"].startswith("failed: ")
    assert body["checks"]["database"] == body["checks"]["channel_layer"] == "ok"
    assert "hunter2" not in str(body)
    assert (timezone.now() - began).total_seconds() < 3


def test_a_channel_layer_that_is_away_is_named(db: None, settings: Any, refused_port: int) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{refused_port}"

    status, body = ready()

    assert status == 503
    assert body["checks"]["channel_layer"] == "failed: ConnectionError"
    assert body["checks"]["broker"] == "ok"


def test_a_database_that_is_away_is_named(db: None, refused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "postgresql":
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(refused_port))
        status, body = ready()
    else:
        status, body = _ready_of_a_process_whose_database_is_gone()

    assert status == 503
    assert body["checks"]["database"] == "failed: OperationalError"


def _ready_of_a_process_whose_database_is_gone() -> Any:
    program = (
        "import django, json; django.setup()\n"
        "from django.test import Client\n"
        "from django.db import connection\n"
        "connection.settings_dict['NAME'] = '/nowhere/at/all.sqlite3'\n"
        "response = Client().get('/readyz', headers={'Host': 'localhost'})\n"
        "print(json.dumps([response.status_code, response.json()]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    return tuple(json.loads(done.stdout))


def samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = Client().get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.content.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def gauge(name: str, **labels: str) -> float:
    return samples()[name, frozenset(labels.items())]


def test_active_workflows_are_counted_for_each_customer(people: Cast, agents: dict[str, Agent]) -> None:
    submitted(people.alice)
    submitted(people.alice)
    done = submitted(people.alice)
    Task.objects.filter(pk=done.pk).update(status="canceled")

    assert gauge("a2a_active_workflows", customer_id="techcorp") == 2
    assert gauge("a2a_active_workflows", customer_id="acmecorp") == 0


def test_an_agents_availability_is_the_share_of_calls_that_reached_it(people: Cast, agents: dict[str, Agent]) -> None:
    def available(agent_type: str) -> float:
        return gauge("a2a_agent_availability", agent_type=agent_type, customer_id="techcorp")

    assert available("editor") == 1
    Agent.objects.filter(agent_type="analyst").update(enabled=False)
    assert available("analyst") == 0

    for code in ["AGENT_TIMEOUT", "AGENT_UNAVAILABLE", "INVALID_JSON", ""]:
        first_hop(
            submitted(people.alice, agent_type="editor"),
            status="failed" if code else "completed",
            error_code=code,
        )
    submitted(people.alice, agent_type="editor")

    assert available("editor") == 0.5


def test_gauges_do_not_cost_more_with_more_customers(
    people: Cast, agents: dict[str, Agent], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        Client().get("/metrics")
    assert Hop.objects.count() == 0


def test_counts_of_other_processes_are_added(db: None) -> None:
    metrics.TASKS_CREATED.labels("sumcorp", "normal").inc(2)
    program = (
        "import django; django.setup()\n"
        "from delegation import metrics; metrics.TASKS_CREATED.labels('sumcorp', 'normal').inc(5)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=os.environ)

    assert gauge("a2a_tasks_created_total", customer_id="sumcorp", priority="normal") == 7


def test_metrics_live_where_the_settings_say() -> None:
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(settings.METRICS_DIR)
