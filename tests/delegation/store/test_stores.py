"""Both stores keep one promise: the same settlements leave the same rows, and a lost claim writes nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import IntegrityError, connection, models, transaction

from audit.models import AuthorizationLog, DelegationLog, LeakageLog
from delegation.loop import account as accounts
from delegation.loop.account import Account
from delegation.loop.sweeper import free, sweep_due
from delegation.models import Agent, Approval, Clarification, Hop, Task, TaskEvent
from delegation.policy.decision import Decision, Usage
from delegation.services.tasks import prepared_task, task_submit
from delegation.states import TASK_ENDED, Action, HopStatus, Priority, TaskStatus
from delegation.store import ClaimedHop, Settlement, Store
from delegation.store.plain import PlainStore
from delegation.store.postgres import PostgresStore
from delegation.store.records import HopChanges
from delegation.store.rows import hop_row, new_id
from security.errors import PlatformError
from tests.delegation.rows import employ
from tests.people import Cast

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ON_POSTGRES = connection.vendor == "postgresql"
STORES: list[type[Store]] = [PlainStore, PostgresStore] if ON_POSTGRES else [PlainStore]
TABLES = (Task, Hop, Approval, Clarification, TaskEvent, DelegationLog, AuthorizationLog, LeakageLog)
OWNER = UUID(int=7)

pytestmark = pytest.mark.django_db


@pytest.fixture(params=STORES, ids=lambda store: store.__name__)
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param()
    return made


@pytest.fixture(autouse=True)
def _team(people: Cast) -> None:
    for agent_type in ("writer", "editor"):
        employ(agent_type)


def submit(people: Cast, **details: Any) -> Task:
    details = {"agent_type": "writer", "now": AT, **details}
    return task_submit(principal=people.alice.principal, message="Write.", **details).task


def claim(store: Store, limit: int = 100, at: datetime = AT) -> list[ClaimedHop]:
    return list(store.claim(owner=OWNER, limit=limit, now=at).hops)


def account(hop: ClaimedHop, **more: Any) -> Account:
    return Account(hop=hop, at=AT, seconds=0.25, usage=Usage(input_tokens=3, cost_usd=0.5), **more)


def handled(hop: ClaimedHop, result: object = "done") -> Settlement:
    return accounts.handled(account(hop), Decision(action=Action.HANDLE, result=result, confidence=0.5))


def failed(hop: ClaimedHop) -> Settlement:
    return accounts.failed(account(hop), PlatformError())


def asked(hop: ClaimedHop) -> Settlement:
    decision = Decision(action=Action.ASK_CLARIFICATION, question="Who?", options=("you",))
    return accounts.asked(account(hop), decision, expires_at=AT)


def without_owner(settlement: Settlement) -> Settlement:
    """Return what a worker settles that will not go on with the split: it is told to stop."""
    assert settlement.ends_branch is not None
    return settlement._replace(ends_branch=settlement.ends_branch._replace(owner=None))


def split(hop: ClaimedHop, branches: int = 2, quorum: int | None = None) -> tuple[Settlement, list[ClaimedHop]]:
    """Return the settlement of a split whose branches this worker runs on with."""
    rows = [
        hop_row(
            id=new_id(),
            task_id=hop.task.id,
            customer_id="techcorp",
            agent_type="editor",
            agent_ve_id="ve-editor",
            depth=hop.depth + 1,
            path=[*hop.path, "editor"],
            instruction=f"part {branch}",
            priority=1,
            status=HopStatus.RUNNING,
            at=AT,
            owner=OWNER,
            parent_id=hop.id,
            join_id=hop.id,
            branch=branch,
        )
        for branch in range(branches)
    ]
    changes: HopChanges = {
        "status": HopStatus.WAITING,
        "action": Action.PARALLEL,
        "input_tokens": 3,
        "cost_usd": 0.5,
        "pending_branches": branches,
        "wanted_branches": quorum,
    }
    settlement = asked(hop)._replace(changes=changes, new_hops=rows, clarifications=(), events=[("hop.decided", {})])
    own = [
        hop._replace(
            id=UUID(str(row["id"])),
            parent_id=hop.id,
            join_id=hop.id,
            branch=n,
            depth=1,
            agent_type="editor",
            path=(*hop.path, "editor"),
            claim=1,
        )
        for n, row in enumerate(rows)
    ]
    return settlement, own


def settle(store: Store, *settlements: Settlement) -> list[Any]:
    return store.commit([], settlements)[1]


Tale = Callable[[Store, Cast], None]


def tell_handled(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    settle(store, handled(hop, {"a": [1, None, "ü"]}))


def tell_failed(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    settle(store, failed(hop))


def tell_asked(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    settle(store, asked(hop))


def tell_parked(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    settle(store, accounts.parked(account(hop), remote_task_id="remote-1", due_at=AT + timedelta(seconds=1)))
    assert claim(store) == []
    (again,) = claim(store, at=AT + timedelta(seconds=1))
    settle(store, accounts.handed_back(again, at=AT))
    (third,) = claim(store, at=AT + timedelta(seconds=1))
    assert (third.claim, third.polls, third.remote_task_id) == (3, 1, "remote-1")
    settle(store, handled(third))


def tell_split(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    parting, (first, second) = split(hop)
    settle(store, parting)
    (one,), (last,) = settle(store, failed(first)), settle(store, handled(second))
    assert (one.joined, one.resumed, last.joined) == (False, None, True)
    resumed = last.resumed
    assert resumed is not None
    assert claim(store) == []  # it has its owner from birth
    assert (resumed.resumes_id, resumed.attempt, resumed.depth, resumed.claim) == (hop.id, 2, 0, 1)
    assert resumed.task.hop_count == 4
    settle(store, handled(resumed))


def tell_split_that_nobody_goes_on_with(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    parting, (first, second) = split(hop)
    settle(store, parting)
    settle(store, without_owner(handled(first)))
    (last,) = settle(store, without_owner(handled(second)))
    assert (last.joined, last.resumed) == (True, None)
    (resumed,) = claim(store)
    assert (resumed.resumes_id, resumed.attempt, resumed.claim) == (hop.id, 2, 1)
    settle(store, handled(resumed))


def tell_split_one_by_one(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    parting, branches = split(hop, 4)
    settle(store, parting)
    joined = [settle(store, failed(one) if n % 2 else handled(one))[0].joined for n, one in enumerate(branches)]
    assert joined == [False, False, False, True]


def tell_split_in_one_batch(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    parting, branches = split(hop, 3)
    settle(store, parting)
    settle(store, *[handled(branch) for branch in branches])


def tell_quorum(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    parting, (first, *_) = split(hop, 3, quorum=1)
    settle(store, parting)
    (settled,) = settle(store, handled(first))
    assert (settled.joined, settled.leaves_branches) == (True, True)


TALES: list[Tale] = [
    tell_handled,
    tell_failed,
    tell_asked,
    tell_parked,
    tell_split,
    tell_split_that_nobody_goes_on_with,
    tell_split_one_by_one,
    tell_split_in_one_batch,
    tell_quorum,
]


@pytest.mark.skipif(not ON_POSTGRES, reason="other databases have one store")
@pytest.mark.parametrize("tale", TALES)
def test_both_stores_leave_the_same_rows(tale: Tale, people: Cast) -> None:
    left = []
    for kind in (PlainStore, PostgresStore):
        point = transaction.savepoint()
        tale(kind(), people)
        left.append(dump())
        transaction.savepoint_rollback(point)

    assert left[0] == left[1]


def dump() -> dict[str, list[dict[str, Any]]]:
    """Return every row with ids replaced by the order of their appearance."""
    seen: dict[str, str] = {}
    return {model.__name__: [_row(row, seen) for row in _rows(model)] for model in TABLES}


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    order = {"TaskEvent": ["task_id", "seq"], "Hop": ["created_at", "depth", "attempt", "branch", "id"]}
    yield from model._default_manager.order_by(*order.get(model.__name__, ["id"])).values()


def _row(row: dict[str, Any], seen: dict[str, str]) -> dict[str, Any]:
    if "seq" in row:
        row.pop("id")
    for volatile in ("trace_id", "created_by_id"):
        row.pop(volatile, None)
    return {name: _named(value, seen) for name, value in row.items()}


def _named(value: Any, seen: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return seen.setdefault(str(value), f"id {len(seen)}")
    if isinstance(value, dict):
        return {key: _named(item, seen) for key, item in value.items()}
    return seen.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("tale", TALES)
def test_every_tale_holds_on_each_store(store: Store, tale: Tale, people: Cast) -> None:
    tale(store, people)

    task = Task.objects.get()
    assert [event.seq for event in TaskEvent.objects.order_by("seq")] == list(range(1, task.last_seq + 1))
    assert task.hop_count == Hop.objects.count()
    assert DelegationLog.objects.count() == Hop.objects.exclude(action=None, error_code="").count()


@pytest.mark.parametrize("lost", ["owner", "claim", "hop ended", "task ended"])
def test_a_lost_claim_writes_nothing(store: Store, people: Cast, lost: str) -> None:
    submit(people)
    (hop,) = claim(store)
    held = {"owner": hop._replace(owner=UUID(int=8)), "claim": hop._replace(claim=2)}.get(lost, hop)
    if lost == "hop ended":
        Hop.objects.update(status=HopStatus.CANCELED, owner=None)
    if lost == "task ended":
        Task.objects.update(status=TaskStatus.CANCELED)
    before = orjson.dumps(dump(), default=str)

    parting, _ = split(held)
    for settlement in (handled(held), failed(held), asked(held), parting):
        (settled,) = settle(store, settlement)
        assert not settled.held

    assert orjson.dumps(dump(), default=str) == before


@pytest.mark.parametrize("status", TaskStatus)
def test_only_a_living_task_is_settled(store: Store, people: Cast, status: TaskStatus) -> None:
    submit(people)
    (hop,) = claim(store)
    Task.objects.update(status=status, result="r", error_code="INTERNAL_ERROR")

    (settled,) = settle(store, handled(hop))

    assert settled.held == (status not in TASK_ENDED)
    assert (Task.objects.get().status == TaskStatus.COMPLETED) == (settled.held or status == TaskStatus.COMPLETED)


@pytest.mark.parametrize("status", HopStatus)
def test_only_what_waits_for_a_worker_is_claimed(store: Store, people: Cast, status: HopStatus) -> None:
    submit(people)
    owner = UUID(int=8) if status == HopStatus.RUNNING else None
    Hop.objects.update(status=status, owner=owner, error_code="INTERNAL_ERROR")

    assert len(claim(store)) == (status == HopStatus.PENDING)


def test_hops_are_claimed_once_each_and_customers_in_turn(store: Store, people: Cast) -> None:
    employ("writer", customer_id="acmecorp")
    for _ in range(5):
        submit(people)
    one = task_submit(principal=people.zoe.principal, message="One.", now=AT, agent_type="writer").task

    first = claim(store, limit=2)
    rest = claim(store)

    assert one.id in {hop.task.id for hop in first}
    ids = [hop.id for hop in first + rest]
    assert len(ids) == len(set(ids)) == 6
    assert claim(store) == []


def test_the_urgent_come_first(store: Store, people: Cast) -> None:
    for priority in ("low", "normal", "urgent", "high"):
        submit(people, priority=priority)

    assert [claim(store, limit=1)[0].task.priority for _ in range(4)] == ["urgent", "high", "normal", "low"]


def test_a_taken_idempotency_key_saves_nothing(people: Cast) -> None:
    first = submit(people, idempotency_key="k")
    second = submit(people, idempotency_key="k")

    assert first.id == second.id
    assert (Task.objects.count(), Hop.objects.count(), TaskEvent.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_committed_whole_or_not_at_all(store: Store, people: Cast) -> None:
    submit(people)
    (hop,) = claim(store)
    task = prepared_task(
        principal=people.alice.principal,
        agent=Agent.objects.get(agent_type="writer"),
        message="Write more.",
        priority=Priority.NORMAL,
        start=True,
        metadata={},
        idempotency_key=None,
        request_digest="",
        trace_id="a" * 32,
        now=AT,
    )
    good = handled(hop)
    unkeepable: HopChanges = {**good.changes, "result": None}

    with pytest.raises(IntegrityError):
        store.commit([task], [good._replace(changes=unkeepable)])
    assert list(Task.objects.values_list("message", "status")) == [("Write.", TaskStatus.WORKING)]

    saved, settled = store.commit([task], [good])
    assert (saved, [each.held for each in settled]) == ([True], [True])
    assert Task.objects.count() == 2


def test_a_hop_that_its_worker_lost_and_claimed_anew_is_settled_once(store: Store, people: Cast) -> None:
    task = submit(people)
    (lost,) = claim(store)
    free([lost.id])
    (anew,) = claim(store)
    assert (lost.owner, lost.claim + 1) == (anew.owner, anew.claim)

    held = [settled.held for settled in settle(store, handled(lost, "late"), handled(anew, "in time"))]

    assert held == [False, True]
    task.refresh_from_db()
    assert task.result == "in time"
    seqs = TaskEvent.objects.filter(task=task).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, task.last_seq + 1))
    assert DelegationLog.objects.filter(task_id=task.id).count() == 1


def test_a_split_goes_on_only_when_the_branches_it_does_not_need_are_cancelled(store: Store, people: Cast) -> None:
    task = submit(people)
    (root,) = claim(store)
    splitting, (quick, slow) = split(root, quorum=1)
    settle(store, splitting)
    (joined,) = settle(store, handled(quick))
    assert (joined.joined, joined.leaves_branches) == (True, True)

    # The worker dies here: another looks for what there is to do, then for what is due, then again.
    settle(store, *map(handled, claim(store)))
    sweep_due(AT)
    settle(store, *map(handled, claim(store)))

    assert not settle(store, handled(slow))[0].held
    assert Task.objects.get(id=task.id).status == TaskStatus.COMPLETED
    assert {hop.status for hop in Hop.objects.filter(task=task)} <= {HopStatus.COMPLETED, HopStatus.CANCELED}
    last = TaskEvent.objects.filter(task=task).latest("seq")
    assert last.type == "task.completed"
