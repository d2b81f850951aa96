"""The broker only carries wake-ups: whoever submits a task does not notice that it is away."""

import json
import socket
from pathlib import Path

import pytest

from tests.a2a_project.test_up import SERVING, address_in, answer
from tests.processes import MANAGE, embedded_environment, eventually, read_until, run, running

OWNER = ("create_customer", "techcorp", "--name", "TechCorp", "--owner", "alice", "--password", "a-long-word")
AGENT = {
    "agent_type": "copywriter",
    "name": "Wren",
    "endpoint_url": "http://127.0.0.1:9/copywriter",
    "seniority": "senior",
    "skills": [],
}
pytestmark = pytest.mark.embedded


@pytest.mark.parametrize(("scheme", "listens"), [("redis", False), ("amqp", False), ("redis", True), ("amqp", True)])
def test_tasks_are_accepted_while_the_broker_refuses_or_hangs(tmp_path: Path, scheme: str, listens: bool) -> None:
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        if listens:
            # Connections are taken by the system, and never answered.
            broker.listen()
        url = f"{scheme}://127.0.0.1:{broker.getsockname()[1]}/"
        environ = embedded_environment(tmp_path, A2A_ALLOWED_AGENT_HOSTS="127.0.0.1", BROKER_URL=url)
        assert run(MANAGE, "migrate", "-v0", environ=environ).returncode == 0
        key = json.loads(run(MANAGE, *OWNER, environ=environ).stdout)["api_key"]
        with running(MANAGE, "web", "--port", "0", environ=environ) as web:
            address = address_in(read_until(web, SERVING))
            eventually(lambda: answer(f"{address}/livez"))
            answer(f"{address}/api/v1/agents", key=key, body=AGENT)
            accepted = [answer(f"{address}/api/v1/tasks", key=key, body={"message": f"{n}"}) for n in range(10)]

    assert [task["status"] for task in accepted] == ["submitted"] * 10
