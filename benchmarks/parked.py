"""What it costs to wait: thousands of hops parked at a real agent in one worker, then woken together.

    python -m benchmarks.parked [--hops 10000]

Runs on the DATABASE_URL of its environment, which is an empty database (a SQLite file of its own where there is none).
Prints one JSON object: what the worker's process held before and after (memory in MB, threads, asyncio tasks, open
files), the seconds to park all and to wake all, and how many neighbours in time woke in the wrong order.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import django
import orjson
import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
os.environ.setdefault("SECRET_KEY", os.urandom(32).hex())
os.environ.setdefault("A2A_LOG_LEVEL", "WARNING")
os.environ |= {
    "A2A_VAR_DIR": tempfile.mkdtemp(prefix="a2a-parked-"),
    "A2A_ALLOWED_AGENT_HOSTS": "127.0.0.1",
    # More than anybody calls here.
    "A2A_LIMIT_AGENT_CALLS_PER_HOUR": str(10**9),
}
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 - what follows needs the apps
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.chain import options  # noqa: E402
from benchmarks.slow_agent import SlowAgent, slow_agent  # noqa: E402
from delegation.loop.engine import Engine  # noqa: E402
from delegation.loop.pauses import Polling  # noqa: E402
from delegation.models import Agent, Hop, Task  # noqa: E402
from delegation.services.tasks import prepared_task  # noqa: E402
from delegation.states import HopStatus, Priority, TaskStatus  # noqa: E402
from security.principal import Principal  # noqa: E402
from security.services import customer_create, principal_of_user  # noqa: E402

_PARKED_FOR = timedelta(hours=1)
_STEP = timedelta(microseconds=100)


def held() -> dict[str, float]:
    """Return what this process holds."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "memory_mb": round(int(resident.split()[1]) / 1024, 1),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


def employ(url: str) -> Principal:
    """Make the tables and a customer whose one agent is slow; return who submits."""
    call_command("migrate", verbosity=0, interactive=False)
    customer_create(
        slug="parked",
        name="Parked Inc",
        aliases=[],
        domains=[],
        owner="parked",
        password="benchmarks only",
        now=timezone.now(),
    )
    Agent.objects.create(
        customer_id="parked", ve_id="slow", agent_type="slow", name="Slow", endpoint_url=url, is_root=True
    )
    return principal_of_user(get_user_model().objects.get(username="parked"), "parked")


async def measured(hops: int, agent: SlowAgent) -> dict[str, Any]:
    """Park the hops, see what is held, wake them all."""
    principal = await sync_to_async(employ)(agent.url)
    hour = Polling(first=_PARKED_FOR.total_seconds(), longest=_PARKED_FOR.total_seconds())
    engine = Engine(options(polling=hour), announce=lambda _: None)
    await engine.start()
    await _park(engine, principal, 100)
    before = await _at_rest(100)
    began = time.perf_counter()
    await _park(engine, principal, hops)
    parked_seconds = time.perf_counter() - began
    after = await _at_rest(hops + 100)
    expected = await sync_to_async(_make_due)()
    agent.finish()
    began = time.perf_counter()
    engine.look()
    await _until_none_waits()
    seconds = time.perf_counter() - began
    await engine.drain()
    return {
        "hops": hops,
        "before": before,
        "parked": after,
        "bytes_per_hop": round((after["memory_mb"] - before["memory_mb"]) * 2**20 / hops),
        "park_seconds": round(parked_seconds, 2),
        "wake_seconds": round(seconds, 2),
        "woken_per_second": round((hops + 100) / seconds),
        "wrongly_ordered": _wrongly_ordered(expected, agent.order()),
    }


async def _park(engine: Engine, principal: Principal, hops: int) -> None:

    agent = await Agent.objects.aget(agent_type="slow")

    async def submit() -> None:
        task = prepared_task(
            principal=principal,
            agent=agent,
            message="Take your time.",
            priority=Priority.NORMAL,
            start=True,
            metadata={},
            idempotency_key=None,
            request_digest="",
            trace_id=os.urandom(16).hex(),
            now=timezone.now(),
        )
        await engine.submit(task)

    for batch in range(0, hops, 200):
        await asyncio.gather(*(submit() for _ in range(min(200, hops - batch))))


async def _at_rest(parked: int) -> dict[str, float]:
    """Return what is held once so many wait and the connections that were used have been closed."""
    async with asyncio.timeout(900):
        while await Hop.objects.filter(status=HopStatus.WAITING).acount() < parked:  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0.2)
        # Idle connections to agents are closed after 25 seconds.
        await asyncio.sleep(40)
    return held()


def _make_due() -> list[str]:
    """Let all fall due now, one after the other in an order of their own; return the agent's tasks in that order."""
    hops = list(Hop.objects.order_by("remote_task_id").only("id", "remote_task_id"))
    first = timezone.now() - _STEP * len(hops)
    for place, hop in enumerate(hops):
        hop.due_at = first + _STEP * place
    Hop.objects.bulk_update(hops, ["due_at"], batch_size=500)
    return [hop.remote_task_id for hop in hops]


async def _until_none_waits() -> None:

    async with asyncio.timeout(900):
        while await Task.objects.exclude(status=TaskStatus.COMPLETED).aexists():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


def _wrongly_ordered(expected: list[str], asked: list[str]) -> int:
    """Return how many neighbours of the expected order were asked for the other way round."""
    place = {remote: n for n, remote in enumerate(asked)}
    return sum(place[one] > place[other] for one, other in pairwise(expected))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.parked", description="What it costs to wait.")
    parser.add_argument("--hops", type=int, default=10_000)
    hops = parser.parse_args().hops
    if hops < 1:
        parser.error("--hops must be at least 1")
    with slow_agent() as agent:
        result = uvloop.run(measured(hops, agent))
    sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    main()
