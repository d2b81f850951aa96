"""The demo's processes. Each ends when its standard input does, so none outlives the demo, even if that is killed."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 15.0


class ChildFailed(Exception):
    """A process ended, or said nothing in time; the text names its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process of the demo, what a person calls it, and where it writes its log."""

    name: str
    log: Path
    process: Process

    async def first_line(self) -> str:
        """Return what it first says. Raises ChildFailed when it ends or stays silent instead."""
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), START_SECONDS)
        except TimeoutError as error:
            raise ChildFailed(f"{self.name} did not start within {START_SECONDS:.0f} s; see {self.log}") from error
        if not line:
            raise ChildFailed(f"{self.name} did not start: {last_line(self.log)} (more in {self.log})")
        return line.decode().strip()

    async def ended(self) -> None:
        """Wait for its end, which nobody asked for: raises ChildFailed."""
        code = await self.process.wait()
        raise ChildFailed(f"{self.name} ended with code {code}: {last_line(self.log)} (more in {self.log})")


@asynccontextmanager
async def running(
    name: str, arguments: Sequence[str], *, environ: Mapping[str, str], log: Path
) -> AsyncIterator[Child]:
    """Run `python ARGUMENTS` for as long as the block does.

    It has a session of its own, so that Ctrl-C reaches the demo alone, which then ends it in order.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=errors, env=environ, start_new_session=True
        )
    try:
        yield Child(name=name, log=log, process=process)
    finally:
        await end(process)


async def finished(name: str, arguments: Sequence[str], *, environ: Mapping[str, str], log: Path) -> str:
    """Run `python ARGUMENTS` to its end and return what it printed. Raises ChildFailed."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=errors, env=environ, start_new_session=True
        )
    try:
        printed, _ = await process.communicate()
    finally:
        await end(process)
    if process.returncode:
        raise ChildFailed(f"{name} failed: {last_line(log)} (more in {log})")
    return printed.decode()


async def end(process: Process) -> None:
    """End the process: by the end of its input, and by force where it does not listen."""
    if process.returncode is not None:
        return
    if process.stdin:
        process.stdin.close()
    else:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def last_line(log: Path) -> str:
    """Return the last line that a process left in its log, for a message of one line."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
