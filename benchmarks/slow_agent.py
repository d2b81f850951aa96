"""An agent in a process of its own that works on and on, until it is let finish.

python -m benchmarks.slow_agent        prints its address; commands on standard input: finish, order
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from tests.agents import AgentServer, Working, handle

AGENT = "slow"


@dataclass(frozen=True, slots=True)
class SlowAgent:
    """The agent as the benchmark speaks to it."""

    url: str
    _process: subprocess.Popen[str]

    def finish(self) -> None:
        """Let every task be completed, as the agent says when it is next asked."""
        self._command("finish")

    def order(self) -> list[str]:
        """Return the agent's tasks in the order in which they were last asked for."""
        asked: list[str] = orjson.loads(self._command("order"))
        return asked

    def _command(self, word: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


@contextlib.contextmanager
def slow_agent() -> Iterator[SlowAgent]:
    """Run the agent."""
    command = [sys.executable, "-m", "benchmarks.slow_agent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield SlowAgent(process.stdout.readline().strip(), process)
        process.kill()


def main() -> None:
    working = Working(None)
    with AgentServer() as server:
        server.script(AGENT, working)
        print(server.url(AGENT), flush=True)
        for command in sys.stdin:
            print(_finished(working) if command.strip() == "finish" else _order(server), flush=True)


def _finished(working: Working) -> str:
    for task in working.tasks.values():
        task["status"] = {"state": "TASK_STATE_COMPLETED"}
        task["artifacts"] = [{"artifactId": "a", "parts": handle("done").parts()}]
    return "finished"


def _order(server: AgentServer) -> str:
    asked = [call.params["id"] for call in server.calls(AGENT, "GetTask")]
    return orjson.dumps(list(dict.fromkeys(reversed(asked)))[::-1]).decode()


if __name__ == "__main__":
    main()
