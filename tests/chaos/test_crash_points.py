"""A worker dies at chosen lines of its work: nothing is lost, and no decision is recorded twice."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings

from tests.chaos.checks import Afterwards, findings
from tests.chaos.conftest import Machines
from tests.chaos.faults import Fault
from tests.chaos.installation import Installation, Program, drained, supervised
from tests.chaos.workload import Client, Order, submit
from tests.processes import eventually

CUSTOMER, TASKS = "north", 6
# Every call is under way at some cut here: who may be called again is not what these tests are about.
ALWAYS = Fault(kind="killed by its agent", began_at=0.0, over_at=float("inf"))
AT_LENGTH = "CHAOS_SECONDS" in os.environ

# When the agent kills: before it answers, or so many seconds after.
POINTS = [(agent, when) for agent in ("lead", "writer", "editor") for when in ("before", "0", "0.002", "0.01")]
FEW = [("lead", "0.002"), ("writer", "before"), ("editor", "0"), ("editor", "0.01")]

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(settings.EMBEDDED and not AT_LENGTH, reason="the embedded installation is one process"),
    pytest.mark.skipif(settings.BROKER_URL.startswith("amqp"), reason="the same with every broker: tried with Redis"),
]


@pytest.fixture(scope="module")
def installation(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with machines.installed(tmp_path_factory.mktemp("crash-points")) as made:
        yield made


@contextmanager
def victim(installation: Installation) -> Iterator[Program]:
    """Run one worker, which the agents know how to kill; it is started again when it is dead."""
    worker = installation.worker()
    with supervised(worker):
        (installation.folder / "victim").write_text(str(worker.pid))
        yield worker


def ordered(installation: Installation, name: str, *shapes: str, deadly: str = "") -> list[Order]:
    """Submit a task of each shape; the first is the deadly one."""
    orders = [Order(customer=CUSTOMER, shape=shape, key=f"{name}-{n}") for n, shape in enumerate(shapes)]
    orders[0].deadly = deadly
    client = Client(installation, CUSTOMER, "owner", told=[])
    for order in orders:
        submit(client, order)
    client.close()
    return orders


def check(installation: Installation, orders: list[Order]) -> None:
    """Hold what the orders came to against all that must be true; other tests' tasks are not looked at."""
    told = {task_id for order in orders for task_id in order.task_ids}
    after = Afterwards(installation, orders=orders, cutting=[ALWAYS])
    wrong = [found for found in findings(after) if "nobody was told" not in found]
    assert wrong == [], "\n".join(wrong)
    assert len(told) == len(orders)


@pytest.mark.parametrize(("agent", "when"), POINTS if AT_LENGTH else FEW)
def test_it_dies_around_an_agents_answer(installation: Installation, agent: str, when: str) -> None:
    with victim(installation) as worker:
        shapes = ["chain"] * TASKS + ["all", "any"]
        orders = ordered(installation, f"{agent} {when}", *shapes, deadly=f"!{agent}:{when}")
        assert eventually(lambda: worker.starts > 1, seconds=60), "nobody killed it"
        assert drained(installation, seconds=90)
    check(installation, orders)


@pytest.mark.parametrize("successor", ["before", "after"])
def test_it_dies_in_the_midst_of_a_commit(installation: Installation, successor: str) -> None:
    """The database goes on with what the dead worker has sent, before or after another has taken over."""
    first, second = installation.worker(), installation.worker()
    with supervised(first):
        (order,) = orders = ordered(installation, f"commit {successor}", "slow")
        (task_id,) = order.task_ids
        assert eventually(lambda: asked(installation, "slow", task_id), seconds=60)
        with psycopg.connect(installation.environ["DATABASE_URL"]) as other:
            other.execute("SELECT 1 FROM delegation_task WHERE id = %s FOR UPDATE", [task_id])
            assert eventually(lambda: commits_waiting(installation), seconds=60)
            first.end()
            if successor == "before":
                with supervised(second):
                    assert eventually(lambda: freed(installation, task_id), seconds=60)
            other.rollback()
    with supervised(second):
        assert drained(installation, seconds=60)
    check(installation, orders)


def test_one_that_is_told_to_stop_ends_its_calls_and_leaves_the_rest_to_the_others(installation: Installation) -> None:
    leaver, heir = installation.worker(), installation.worker()
    with supervised(leaver):
        orders = ordered(installation, "stop", *["slow", "chain", "all"] * TASKS)
        assert eventually(lambda: asked(installation, "slow", *orders[0].task_ids), seconds=60)
        with supervised(heir):
            assert leaver.stop() == 0
            assert drained(installation, seconds=90)
    check(installation, orders)
    counted = Counter(call["message_id"] for call in installation.calls())
    keys = [order.key for order in orders]
    own = installation.rows(
        "SELECT h.id FROM delegation_hop h JOIN delegation_task t ON t.id = h.task_id WHERE idempotency_key = ANY(%s)",
        keys,
    )
    assert {counted[str(row["id"])] for row in own} <= {0, 1}, "a call was made again"


def asked(installation: Installation, agent_type: str, task_id: str) -> bool:
    """Return whether the agent has been called for the task."""
    hops = installation.rows(
        "SELECT id FROM delegation_hop WHERE task_id = %s AND agent_type = %s", task_id, agent_type
    )
    called = {call["message_id"] for call in installation.calls()}
    return any(str(hop["id"]) in called for hop in hops)


def commits_waiting(installation: Installation) -> bool:
    """Return whether a worker's commit waits for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(installation.rows(f"{waiting} AND query LIKE '%%EXECUTE settle%%'"))


def freed(installation: Installation, task_id: str) -> bool:
    """Return whether nobody holds the task's hops."""
    return not installation.rows("SELECT 1 FROM delegation_hop WHERE task_id = %s AND owner IS NOT NULL", task_id)
