"""`make demo` (PORT=8000, DEMO_EXIT=1 to leave after the samples): `python -m a2a_project.demo`."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from a2a_project.demo.children import ChildFailed
from a2a_project.demo.client import RequestFailed, signed_in
from a2a_project.demo.closing import leave_one_open, print_addresses
from a2a_project.demo.stage import PortTaken, Stage, check_port, demo_folder, staged
from a2a_project.demo.story import People, play
from a2a_project.sole import AlreadyRunning, sole_process
from delegation.terminal import clean
from examples.samples import SAMPLES

INTERRUPTED = 130


def main() -> int:
    """Run the demo. Returns 0; 1 with one line of why, or when a sample went wrong; 130 when it was interrupted."""
    console = Console(highlight=False)
    try:
        port = port_of(os.environ.get("PORT") or "8000")
        folder = demo_folder()
        with sole_process(folder / "lock"), asyncio.Runner() as runner:
            return runner.run(demo(console, port=port, folder=folder, leave=bool(os.environ.get("DEMO_EXIT"))))
    except AlreadyRunning as error:
        return refuse(f"it is already running (process {error.pid}); press Ctrl-C there to end it")
    except (PortTaken, ChildFailed, RequestFailed, ValueError) as error:
        return refuse(clean(str(error)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Interrupted; everything is stopped.")
        return INTERRUPTED


def port_of(text: str) -> int:
    """Return the number. Raises ValueError with what to set instead."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def refuse(why: str) -> int:
    print(f"demo: {why}", file=sys.stderr)
    return 1


async def demo(console: Console, *, port: int, folder: Path, leave: bool) -> int:
    """Set the stage, play the samples and serve until Ctrl-C, or `leave` at once. Returns the exit code."""
    check_port(port)
    cancel_on_sigterm()
    console.print("Starting both teams' agents, the database and the platform ...")
    began = time.monotonic()
    async with staged(port=port, folder=folder) as stage:
        people = {customer: await people_of(stage, customer) for customer in stage.customers}
        console.print(f"Ready after {time.monotonic() - began:.1f} s.\n")
        failures = await play_all(people, console)
        owner = people["techcorp"].owner
        waiting = await leave_one_open(owner, customer="techcorp")
        if not leave:
            print_addresses(console, stage, token=owner.token, waiting=waiting)
            await interruption_or_end_of(stage)
            console.print("Stopping.")
    return int(failures > 0)


async def people_of(stage: Stage, customer: str) -> People:
    """Sign in who gives tasks and who approves at the customer."""
    names = {member["role"]: member["username"] for member in stage.customers[customer]["members"]}
    owner, approver = [
        await signed_in(address=stage.address, username=names[role], password=stage.password)
        for role in ("owner", "approver")
    ]
    return People(owner=owner, approver=approver)


async def play_all(people: Mapping[str, People], console: Console) -> int:
    """Play each sample in turn and say how it ended. Returns how many did not end as they should."""
    failures = 0
    for sample in SAMPLES:
        began = time.monotonic()
        complaints = await play(sample, people[sample["customer"]], console)
        failures += bool(complaints)
        said = "NOT as it should be: " + "; ".join(complaints) if complaints else "as it should be"
        line = f"  = {said} ({time.monotonic() - began:.1f} s)\n"
        console.print(line, markup=False, style="red" if complaints else "green")
    console.print(f"{len(SAMPLES) - failures} of {len(SAMPLES)} tasks ended as they should.\n")
    return failures


async def interruption_or_end_of(stage: Stage) -> None:
    """Wait for Ctrl-C. Raises ChildFailed when a process of the stage ends by itself."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    waits = [asyncio.ensure_future(wait) for wait in (interrupted.wait(), *(child.ended() for child in stage.children))]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    for wait in done:
        wait.result()


def cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    sys.exit(main())
