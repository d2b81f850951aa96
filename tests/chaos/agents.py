"""The agents of the suite, real ones over HTTP in a process of their own that outlives every fault.

    python -m tests.chaos.agents FOLDER        prints its port, serves until killed

What an agent decides hangs on its type, on the first word of the instruction and on its inputs alone, so that whoever
is called again says the same again. Every message that arrives is a line of FOLDER/calls.jsonl before it is answered.
An instruction that ends in `!AGENT:before` or `!AGENT:SECONDS` has the process group killed that FOLDER/victim names,
when that agent is called for the first time: before it answers, or so long after.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agents import AgentServer, Call, DropMidBody, Say, Slow, Working, ask, delegate, handle, parallel
from tests.agents.answers import Step
from tests.agents.connection import Connection

# What the lead makes of an instruction: the first word of the task's message.
PLANS: dict[str, Step] = {
    "chain": delegate("writer"),
    "all": parallel("writer", "clerk", "slow", "dead"),
    "any": parallel("clerk", "slow", "late", join="any"),
    "quorum": parallel("clerk", "dead", "writer", "slow", "asker", join=2),
    "mixed": parallel("asker", "treasurer", "late", "writer"),
    "nested": parallel("organiser", "clerk", "late"),
    "question": delegate("asker"),
    "approval": delegate("treasurer"),
    "rejection": delegate("treasurer"),
    "slow": delegate("slow"),
    "cancel": delegate("slow"),
    "late": delegate("late"),
    "dead": delegate("dead"),
    "rude": delegate("rude"),
    "garbled": delegate("garbled"),
}


def outcomes(call: Call) -> list[str]:
    """Return how the branches of a split ended, as the agent that split was told."""
    return sorted(f"{given['agent_type']} {given['status']}" for given in call.data["inputs"])


def lead(call: Call) -> Step:
    return handle(outcomes(call)) if call.data["inputs"] else PLANS[call.text.split()[0]]


def organiser(call: Call) -> Step:
    """Split once more, beneath a split."""
    return handle("organised") if call.data["inputs"] else parallel("writer", "slow", join="any")


def asker(call: Call) -> Step:
    answers = [given["answer"] for given in call.data["inputs"]]
    return handle(f"as you said: {answers[0]}") if answers else ask("Which colour?", "blue", "green")


DECISIONS: dict[str, Callable[[Call], Step]] = {
    "lead": lead,
    "organiser": organiser,
    "writer": lambda _: Slow(0.05, delegate("editor")),
    "editor": lambda _: Slow(0.05, handle("edited")),
    "clerk": lambda _: handle("filed"),
    "slow": lambda _: Slow(1.5, handle("at last")),
    "late": lambda _: Working(1.0, handle("later")),
    "asker": asker,
    "treasurer": lambda _: handle("paid"),
    "garbled": lambda _: Say('{"action": "delegate", "delegated_to": '),
    "rude": lambda _: DropMidBody(),
}


@dataclass(frozen=True, slots=True)
class Deadly:
    """Play the step and kill; with no seconds kill first."""

    step: Step
    victim: Path
    seconds: float | None

    async def play(self, call: Call, connection: Connection) -> None:
        if self.seconds is not None:
            playing = self.step.play(call, connection)
            if playing is not None:
                await playing
            await asyncio.sleep(self.seconds)
        with suppress(ProcessLookupError):
            os.killpg(int(self.victim.read_text()), signal.SIGKILL)


@dataclass(slots=True)
class Record:
    """Remembers each message that came, on disk too."""

    folder: Path
    seen: Counter[str] = field(default_factory=Counter)

    def step(self, call: Call) -> Step:
        self.seen[call.message_id] += 1
        line = {"at": time.time(), "agent": call.agent, "message_id": call.message_id}
        with (self.folder / "calls.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        step = DECISIONS[call.agent](call)
        deadly = call.text.partition("!")[2]
        agent, _, when = deadly.partition(":")
        if agent == call.agent and self.seen[call.message_id] == 1:
            return Deadly(step, self.folder / "victim", None if when == "before" else float(when))
        return step


def read_calls(folder: Path) -> list[dict[str, Any]]:
    """Return the calls so far, {at: seconds since 1970, agent, message_id}, in order of arrival."""
    path = folder / "calls.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def serve(folder: Path) -> None:
    with AgentServer(default=Record(folder).step) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
