"""A small stand-in for the platform: it drives a task through a team, hop by hop, and notes what was decided."""

import uuid
from dataclasses import dataclass, field

from examples.agent import may_delegate
from examples.team import roster
from tests.examples.a2a_client import A2AClient, Json

MAX_DEPTH = 5


@dataclass(slots=True)
class Run:
    """Drive one sample through its team as the platform does, and note what was decided on the way."""

    client: A2AClient
    customer: str
    clarification: str | None
    actions: list[str] = field(default_factory=list)
    decisions: list[Json] = field(default_factory=list)
    approvals: list[str] = field(default_factory=list)
    depth: int = 0

    def hop(self, agent_type: str, instruction: str, path: tuple[str, ...] = ()) -> str:
        self.depth = max(self.depth, len(path))
        inputs: list[Json] = []
        while True:
            decision = self._decide(agent_type, instruction, (*path, agent_type), inputs)
            if decision["action"] == "handle":
                return str(decision["result"])
            if decision["action"] == "delegate":
                return self._child(decision, (*path, agent_type))
            if decision["action"] == "parallel":
                assert 2 <= len(decision["subtasks"]) <= 10
                results = [(sub, self._child(sub, (*path, agent_type))) for sub in decision["subtasks"]]
                inputs += [result_of(sub["delegated_to"], text) for sub, text in results]
            else:
                assert self.clarification is not None, f"nobody expects the question {decision['question']}"
                answer = {"kind": "answer", "question": decision["question"], "answer": self.clarification}
                inputs.append(answer)

    def _decide(self, agent_type: str, instruction: str, path: tuple[str, ...], inputs: list[Json]) -> Json:
        decision = self.client.decide(
            agent_type,
            instruction,
            task_id=str(uuid.uuid4()),
            delegation_id=str(uuid.uuid4()),
            delegation_depth=len(path) - 1,
            max_depth=MAX_DEPTH,
            customer_id=self.customer,
            path=list(path),
            candidates=candidates(self.customer, path),
            inputs=inputs,
            deadline="2999-01-01T00:00:00+00:00",
        )
        self.actions.append(decision["action"])
        self.decisions.append(decision)
        return decision

    def _child(self, given: Json, path: tuple[str, ...]) -> str:
        allowed = {candidate["type"] for candidate in candidates(self.customer, path)}
        assert given["delegated_to"] in allowed
        entry = next(e for e in roster(self.customer) if e["agent_type"] == given["delegated_to"])
        if entry["requires_approval"]:
            self.approvals.append(given["delegated_to"])
        return self.hop(given["delegated_to"], given["instruction"], path)


def result_of(agent_type: str, text: str, *, error: str | None = None) -> Json:
    status = "completed" if error is None else "failed"
    return {
        "kind": "result",
        "agent_type": agent_type,
        "instruction": "",
        "status": status,
        "result": text,
        "error": error,
    }


def candidates(customer: str, path: tuple[str, ...]) -> list[Json]:
    """Give those to whom the last of `path` may delegate."""
    entries = {str(entry["agent_type"]): entry for entry in roster(customer)}
    own = str(entries[path[-1]]["seniority"])
    return [
        {"type": name, **{key: entry[key] for key in ("name", "seniority", "skills", "description")}}
        for name, entry in entries.items()
        if name not in path and may_delegate(giver=own, taker=str(entry["seniority"]))
    ]
