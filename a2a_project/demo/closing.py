"""What the demo leaves on the screen: something to approve, and where to go on."""

import asyncio
import shlex

from rich.console import Console

from a2a_project.demo.client import Client, RequestFailed
from a2a_project.demo.stage import Stage
from examples.samples import SAMPLES

LOOK_SECONDS = 0.2
LOOKS = 100
CURL_MESSAGE = (
    "Write a product description of the Nimbus kettle for remote workers.\n\n- It boils a litre in 90 seconds"
)


async def leave_one_open(owner: Client, *, customer: str) -> str:
    """See that an approval waits for whoever opens the page, and return its task's id.

    One that an earlier run left will do. Raises RequestFailed when none comes to wait.
    """
    if waiting := await open_approvals(owner):
        return waiting[0]
    sample = next(one for one in SAMPLES if one["customer"] == customer and one["answers"]["approval"])
    await owner.post("tasks", {"message": sample["message"], "agent": sample["agent"]})
    for _ in range(LOOKS):
        if waiting := await open_approvals(owner):
            return waiting[0]
        await asyncio.sleep(LOOK_SECONDS)
    raise RequestFailed(f"no approval came to wait within {LOOKS * LOOK_SECONDS:.0f} s")


async def open_approvals(owner: Client) -> list[str]:
    """Return the ids of the tasks that wait for an approval."""
    page = await owner.get("approvals?status=open")
    return [approval["task_id"] for approval in page["results"]]


def print_addresses(console: Console, stage: Stage, *, token: str, waiting: str) -> None:
    """Print where to look, as whom, and a request that works when it is pasted into a shell."""
    members = [(name, member) for name, seeded in stage.customers.items() for member in seeded["members"]]
    techcorp = stage.customers["techcorp"]
    lines = [
        f"Live page    {stage.address}/tasks/",
        f"To approve   {stage.address}/tasks/{waiting}/",
        f"Admin        {stage.address}/admin/   (as {techcorp['admin']})",
        f"API docs     {stage.address}/api/docs/",
        f"Logins       password {stage.password} for each of",
        *(f"             {member['username']} ({member['role']} at {name})" for name, member in members),
        f"             {techcorp['admin']} (administrator)",
        f"API token    {token}",
        f"             (of {techcorp['members'][0]['username']}, for a quarter of an hour; also for the websocket)",
        f"API key      {techcorp['api_key']}",
        "             (header X-API-Key, until the demo starts again)",
        "",
        "Try it:",
        "",
        curl_command(stage.address, token=token),
        "",
        "Ctrl-C ends the demo.",
    ]
    console.print("\n".join(lines), markup=False, soft_wrap=True)


def curl_command(address: str, *, token: str) -> str:
    """Return the shell command that submits a task."""
    message = CURL_MESSAGE.replace("\n", "\\n")
    arguments = [
        "curl", "-s", f"{address}/api/v1/tasks",
        "-H", f"Authorization: Bearer {token}",
        "-H", "Content-Type: application/json",
        "-d", f'{{"message": "{message}"}}',
    ]  # fmt: skip
    return shlex.join(arguments)
