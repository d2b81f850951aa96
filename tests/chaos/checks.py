"""What must be true afterwards, one function each. Every one returns what is wrong, in words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from tests.chaos.faults import Fault
from tests.chaos.installation import Installation
from tests.chaos.workload import Order

Row = Mapping[str, Any]
ENDED = {"completed", "failed", "canceled", "rejected"}
HOP_ENDED = {"completed", "failed", "canceled"}
# What the suite's hop asks for, once more, after a decision that could not be read.
CORRECTION = "correction"
# The gateway itself tries an agent again that hangs up in the middle of its answer.
HANGS_UP = "rude"


class Outcome(NamedTuple):
    """How a task of one shape ends: its status, its result or the code of its error, its number of hops."""

    status: str
    result: object = None
    error: str = ""
    hops: int | None = None


_ALL = ["clerk completed", "dead failed", "slow completed", "writer completed"]
_MIXED = ["asker completed", "late completed", "treasurer completed", "writer completed"]
# A result that is a function is asked whether it fits: which branches were first is chance.
OUTCOMES: dict[str, Outcome] = {
    "chain": Outcome("completed", "edited", hops=3),
    "all": Outcome("completed", _ALL, hops=7),
    "any": Outcome("completed", lambda found: any(end.endswith("completed") for end in found), hops=5),
    "quorum": Outcome("completed", lambda found: sum(end.endswith("completed") for end in found) >= 2),
    "mixed": Outcome("completed", _MIXED, hops=8),
    "nested": Outcome("completed", ["clerk completed", "late completed", "organiser completed"]),
    "question": Outcome("completed", "as you said: blue", hops=3),
    "approval": Outcome("completed", "paid", hops=2),
    "rejection": Outcome("rejected", error="APPROVAL_REJECTED", hops=2),
    "slow": Outcome("completed", "at last", hops=2),
    "cancel": Outcome("completed", "at last", hops=2),
    "late": Outcome("completed", "later", hops=2),
    "dead": Outcome("failed", error="AGENT_UNAVAILABLE", hops=2),
    "rude": Outcome("failed", error="AGENT_UNAVAILABLE", hops=2),
    "garbled": Outcome("failed", error="INVALID_JSON", hops=2),
}


class Afterwards:
    """Everything that the installation's database holds, read once, and what the suite itself saw."""

    def __init__(self, installation: Installation, *, orders: Sequence[Order], cutting: Sequence[Fault]) -> None:
        self.orders = orders
        self.cutting = cutting
        self.calls = installation.calls()
        self.tasks = {row["id"]: row for row in installation.rows("SELECT * FROM delegation_task")}
        self.hops = {row["id"]: row for row in installation.rows("SELECT * FROM delegation_hop ORDER BY id")}
        self.events = _grouped(installation.rows("SELECT * FROM delegation_taskevent ORDER BY task_id, seq"), "task_id")
        self.decisions = installation.rows("SELECT * FROM agent_delegation_logs")
        self.questions = [
            *installation.rows("SELECT task_id, hop_id, status FROM delegation_approval"),
            *installation.rows("SELECT task_id, hop_id, status FROM delegation_clarification"),
        ]

    def summary(self) -> str:
        """Say how much happened."""
        ended = Counter(f"{task['message'].split()[0]} {task['status']}" for task in self.tasks.values())
        sent = [call["message_id"] for call in self.calls if call["agent"] != HANGS_UP]
        repeats = len(sent) - len(set(sent))
        counts = f"{len(self.tasks)} tasks, {len(self.hops)} hops, {len(self.calls)} calls, {repeats} repeated"
        return f"{counts}, {len(self.cutting)} cuts\n{dict(sorted(ended.items()))}"

    def name(self, task_id: UUID) -> str:
        task = self.tasks[task_id]
        return f"task {task_id} ({task['message']!r}, {task['status']})"

    def hop_name(self, hop: Row) -> str:
        return f"hop {hop['id']} ({hop['agent_type']}, {hop['status']}) of {self.name(hop['task_id'])}"

    def hops_of(self, task_id: UUID) -> list[Row]:
        return self._by_task.get(task_id, [])

    @property
    def _by_task(self) -> dict[UUID, list[Row]]:
        if not hasattr(self, "_hops_by_task"):
            self._hops_by_task = _grouped(self.hops.values(), "task_id")
        return self._hops_by_task


def _grouped(rows: Iterable[Row], column: str) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)


def lost_or_doubled_orders(after: Afterwards) -> list[str]:
    """Each order is one task, whatever its customer was told how often; and there is no task that nobody ordered."""
    by_key = Counter(task["idempotency_key"] for task in after.tasks.values())
    doubled = [f"{order.key} is {order.task_ids}" for order in after.orders if len(order.task_ids) != 1]
    lost = [f"{order.key} is no task" for order in after.orders if by_key[order.key] == 0]
    told = {id_ for order in after.orders for id_ in order.task_ids}
    strange = [f"nobody was told of {after.name(id_)}" for id_ in after.tasks if str(id_) not in told]
    return [*doubled, *lost, *strange, *(f"{key}: {n} tasks" for key, n in by_key.items() if n > 1)]


def wrong_ends(after: Afterwards) -> list[str]:
    """Every task is over, in the state, with the result and with the hops that its shape leads to."""
    found = []
    for order in after.orders:
        for task_id in order.task_ids:
            task = after.tasks[UUID(task_id)]
            expected = Outcome("canceled") if order.canceled else OUTCOMES[order.shape]
            if problem := _difference(task, expected):
                found.append(f"{after.name(task['id'])}: {problem}")
    return found


def _difference(task: Row, expected: Outcome) -> str:
    result = task["result"]
    fits = expected.result(result) if callable(expected.result) and result else result == expected.result
    if (task["status"], task["error_code"]) != (expected.status, expected.error):
        return f"{task['status']} {task['error_code']} instead of {expected.status} {expected.error}"
    if not fits:
        return f"result {result!r}"
    if expected.hops not in (None, task["hop_count"]):
        return f"{task['hop_count']} hops instead of {expected.hops}"
    return ""


def broken_numbering(after: Afterwards) -> list[str]:
    """A task's events are numbered 1, 2, 3 … to its last; the last one, and no other, tells of its end."""
    found = []
    for task_id, task in after.tasks.items():
        events = after.events.get(task_id, [])
        if [event["seq"] for event in events] != list(range(1, task["last_seq"] + 1)):
            found.append(f"{after.name(task_id)}: numbers {[event['seq'] for event in events]}, {task['last_seq']}")
        ends = [event["seq"] for event in events if event["type"].removeprefix("task.") in ENDED]
        if ends != [task["last_seq"]] or events[-1]["type"] != f"task.{task['status']}":
            found.append(f"{after.name(task_id)}: {[event['type'] for event in events]}")
    return found


def doubled_or_missing_decisions(after: Afterwards) -> list[str]:
    """Every decision is logged once, and told once; what was cut off by a cancellation or by people is not logged."""
    logged = Counter(row["hop_id"] for row in after.decisions)
    told = Counter(
        event["data"]["delegation_id"]
        for events in after.events.values()
        for event in events
        if event["type"] in ("hop.decided", "hop.failed")
    )
    refused = {row["hop_id"] for row in after.questions if row["status"] in ("rejected", "expired")}
    found = [f"{after.hop_name(after.hops[id_])}: logged {n} times" for id_, n in logged.items() if n > 1]
    for hop in after.hops.values():
        decided = logged[hop["id"]]
        if hop["status"] in ("completed", "failed") and not decided and hop["id"] not in refused:
            found.append(f"{after.hop_name(hop)}: not logged")
        # A refused question is told of as the failure of the hop that asked it, beside the decision to ask.
        if hop["id"] not in refused and told[str(hop["id"])] != decided:
            found.append(f"{after.hop_name(hop)}: logged {decided} times, told {told[str(hop['id'])]} times")
    return found


def orphans(after: Afterwards) -> list[str]:
    """Every hop is over, every delegation has its children, every split went on once and only when it could."""
    children = _grouped((hop for hop in after.hops.values() if hop["parent_id"]), "parent_id")
    resumed = Counter(hop["resumes_id"] for hop in after.hops.values() if hop["resumes_id"])
    found = [f"{after.hop_name(hop)} is open" for hop in after.hops.values() if hop["status"] not in HOP_ENDED]
    for hop in after.hops.values():
        own = [child for child in children.get(hop["id"], []) if child["attempt"] == 1]
        wanted = len(hop["delegated_to"].split(", ")) if hop["action"] in ("delegate", "parallel") else 0
        if hop["status"] == "completed" and len(own) != wanted:
            found.append(f"{after.hop_name(hop)}: {len(own)} children instead of {wanted}")
        goes_on = hop["status"] == "completed" and hop["action"] in ("parallel", "ask_clarification")
        if resumed[hop["id"]] != goes_on:
            found.append(f"{after.hop_name(hop)}: went on {resumed[hop['id']]} times")
    return found


def held_hops(after: Afterwards) -> list[str]:
    return [f"{after.hop_name(hop)} belongs to {hop['owner']}" for hop in after.hops.values() if hop["owner"]]


def open_questions(after: Afterwards) -> list[str]:
    counted = [f"{after.name(id_)} counts them" for id_, task in after.tasks.items() if task["open_questions"]]
    return counted + [f"one of {after.name(row['task_id'])}" for row in after.questions if row["status"] == "open"]


def wrong_counts(after: Afterwards) -> list[str]:
    """A task counts its hops, each of them once."""
    found = []
    for task_id, task in after.tasks.items():
        hops = after.hops_of(task_id)
        if task["hop_count"] != len(hops):
            found.append(f"{after.name(task_id)}: counts {task['hop_count']}, has {len(hops)}")
    return found


def strange_calls(after: Afterwards) -> list[str]:
    """Whoever was called was called for a hop, under its id (or that of its correction)."""
    known = {str(id_) for id_ in after.hops} | {str(uuid5(id_, CORRECTION)) for id_ in after.hops}
    return [f"{call['agent']} was sent {call['message_id']}" for call in after.calls if call["message_id"] not in known]


def needless_repeats(after: Afterwards) -> list[str]:
    """A message came again only if its hop was under way when something cut calls off."""
    hop_ids = {str(uuid5(id_, CORRECTION)): id_ for id_ in after.hops} | {str(id_): id_ for id_ in after.hops}
    times: dict[str, list[float]] = defaultdict(list)
    for call in after.calls:
        if call["agent"] != HANGS_UP and call["message_id"] in hop_ids:
            times[call["message_id"]].append(call["at"])
    found = []
    for message_id, at in times.items():
        hop = after.hops[hop_ids[message_id]]
        for first, again in pairwise(at):
            if not any(fault.began_at <= again and first <= fault.over_at for fault in after.cutting):
                found.append(f"{after.hop_name(hop)}: at {_clock(first)} and {_clock(again)}")
    return found


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%H:%M:%S.%f}"  # noqa: DTZ006 - as the machine's log files have it


CHECKS: tuple[Callable[[Afterwards], list[str]], ...] = (
    lost_or_doubled_orders,
    wrong_ends,
    broken_numbering,
    doubled_or_missing_decisions,
    orphans,
    held_hops,
    open_questions,
    wrong_counts,
    strange_calls,
    needless_repeats,
)


def findings(after: Afterwards) -> list[str]:
    """Return all that is wrong, each with the name of its check."""
    return [f"{check.__name__}: {problem}" for check in CHECKS for problem in check(after)]
