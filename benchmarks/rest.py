"""Ours as a client meets it: web and worker processes apart, each task submitted and read over REST with an API key.

A contender (see contest.py) that is itself only the client.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import django
import uvloop

from benchmarks.contest import Course, Order
from benchmarks.door_client import MESSAGE, Client, Door, Sighting, http_pool

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
django.setup()

from asgiref.sync import sync_to_async  # noqa: E402 - what follows needs the apps

from benchmarks.team import FIRST_AGENTS, Employer, customer_id_of, employers  # noqa: E402
from delegation.states import TASK_ENDED, TaskStatus  # noqa: E402


def door_to(address: str, staff: Mapping[str, Employer]) -> Door:
    """Return how our REST API is asked, each customer with its own key."""
    tasks_url = f"{address}api/v1/tasks"

    def body(order: Order) -> dict[str, object]:
        agent = FIRST_AGENTS.get(order.shape, FIRST_AGENTS["chain"])
        return {"message": MESSAGE, "agent": agent, "start": order.shape != "ingress"}

    def sighting(task: Mapping[str, Any]) -> Sighting:
        status = task["status"]
        return Sighting(task_id=task["task_id"], ended=status in TASK_ENDED, completed=status == TaskStatus.COMPLETED)

    return Door(
        submit_url=tasks_url,
        tasks_url=tasks_url,
        headers=lambda order: {"x-api-key": staff[customer_id_of(order)].api_key},
        body=body,
        sighting=sighting,
    )


@contextlib.contextmanager
def installation() -> Iterator[str]:
    """Run a web process and a worker process; give the web's address."""
    manage = [sys.executable, "manage.py"]
    worker = subprocess.Popen([*manage, "rundramatiq", "--processes", "1"], stdout=sys.stderr)
    web = subprocess.Popen([*manage, "web", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert web.stdout is not None
        yield next(word for line in web.stdout for word in line.split() if word.startswith("http://"))
    finally:
        for process in (web, worker):
            process.terminate()
            process.wait()


async def serve(course: Course) -> None:
    staff = await sync_to_async(employers)(os.environ["AGENTS_URL"])
    with installation() as address:
        async with http_pool() as pool:
            await course.run_async(Client(pool, door_to(address, staff)).lap)


if __name__ == "__main__":
    uvloop.run(serve(Course()))
