"""The README's agent in ten lines, saved and started as it says, does what it says."""

import json
import re
from pathlib import Path

import pytest

from tests.a2a_project.test_up import SERVING, address_in, answer
from tests.processes import MANAGE, ROOT, embedded_environment, eventually, read_until, run, running

OWNER = ("create_customer", "techcorp", "--name", "TechCorp", "--owner", "alice", "--password", "a-long-word")
pytestmark = pytest.mark.embedded


def test_the_readmes_agent_counts_the_words_of_a_task(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert code
    (tmp_path / "word_counter.py").write_text(code[1])
    environ = embedded_environment(tmp_path / "var", A2A_ALLOWED_AGENT_HOSTS="127.0.0.1", PYTHONPATH=str(tmp_path))
    uvicorn = ("-m", "uvicorn", "word_counter:app", "--port", "0")
    with running(*uvicorn, environ=environ) as agent, running(MANAGE, "up", "--port", "0", environ=environ) as up:
        agent_address = re.search(r"http://[\d.:]+", read_until(agent, "Uvicorn running on"))
        assert agent_address
        address = address_in(read_until(up, SERVING))
        key = json.loads(run(MANAGE, *OWNER, environ=environ).stdout)["api_key"]
        registration, request = [json.loads(body) for body in re.findall(r"-d '(\{.*?\})'", readme)]
        answer(f"{address}/api/v1/agents", key=key, body=registration | {"endpoint_url": f"{agent_address[0]}/"})
        task = answer(f"{address}/api/v1/tasks", key=key, body=request)
        ended = eventually(
            lambda: (seen := answer(f"{address}/api/v1/tasks/{task['task_id']}", key=key))["completed_at"] and seen
        )
    assert ended
    assert (ended["status"], ended["result"]) == ("completed", "5 words")
