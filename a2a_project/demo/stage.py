"""What the demo runs on: its folder, its environment, and the processes of the platform and of both teams."""

import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2a_project.demo.children import Child, finished, running

ROOT = Path(__file__).resolve().parents[2]
MANAGE = str(ROOT / "manage.py")
HOST = "127.0.0.1"
TEAMS = ("techcorp", "acmecorp")
# The demo is always the embedded platform, whatever the shell is set up for.
UNSET = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SECRET_KEY", "DEBUG", "PROMETHEUS_MULTIPROC_DIR")
OURS = {
    "A2A_ALLOWED_AGENT_HOSTS": HOST,
    # Who tries the demo again and again must not run into limits that are meant for programs.
    "A2A_LIMIT_AGENT_CALLS_PER_HOUR": "10000",
    "A2A_LIMIT_PAIR_PER_HOUR": "10000",
    "A2A_LIMIT_CUSTOMER_TASKS_PER_DAY": "100000",
    # The agents read the platform's keys from this machine, whatever proxy the shell is set up for.
    "NO_PROXY": HOST,
    "PYTHONUNBUFFERED": "1",
}


class PortTaken(Exception):
    """Something else listens on the demo's port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running platform: its address, what was seeded, and the password of every demo login."""

    address: str
    customers: Mapping[str, Mapping[str, Any]]
    password: str
    children: tuple[Child, ...]


def demo_folder() -> Path:
    return Path(os.environ.get("A2A_VAR_DIR") or ROOT / "var") / "demo"


def demo_environment(folder: Path) -> dict[str, str]:
    """Return the environment of the demo's processes."""
    unset = {name + suffix for name in UNSET for suffix in ("", "_FILE")}
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    return inherited | OURS | {"A2A_VAR_DIR": str(folder), "PYTHONPATH": str(ROOT)}


def demo_password(folder: Path) -> str:
    """Return the password of the demo's logins: drawn on the first run and kept, for their owner's eyes only."""
    path = folder / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9), encoding="ascii")
    return path.read_text(encoding="ascii")


def check_port(port: int) -> None:
    """Raise PortTaken where something else listens, or where this person may not."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise PortTaken(f"port {port} cannot be used ({why}); choose another: PORT=8001 make demo") from error


@asynccontextmanager
async def staged(*, port: int, folder: Path) -> AsyncIterator[Stage]:
    """Start the teams, seed the database and start the platform; end all of them afterwards.

    Raises ChildFailed.
    """
    environ, logs, password = demo_environment(folder), folder / "log", demo_password(folder)
    address = f"http://{HOST}:{port}"
    logs.mkdir(exist_ok=True)
    for log in logs.iterdir():
        log.unlink()
    async with AsyncExitStack() as stack:
        teams = {
            customer: await stack.enter_async_context(team(customer, address, environ, logs)) for customer in TEAMS
        }
        addresses = [f"{customer}={json.loads(await child.first_line())['url']}" for customer, child in teams.items()]
        seed = [MANAGE, "seed_demo", "--migrate", f"--password={password}"]
        seed += [argument for address in addresses for argument in ("--team", address)]
        seeded = json.loads(await finished("seeding the database", seed, environ=environ, log=logs / "seed.log"))
        up = [MANAGE, "up", "--host", HOST, "--port", str(port), "--stop-with-stdin"]
        platform = await stack.enter_async_context(running("the platform", up, environ=environ, log=logs / "up.log"))
        await platform.first_line()
        yield Stage(address=address, customers=seeded, password=password, children=(*teams.values(), platform))


def team(customer: str, platform: str, environ: Mapping[str, str], logs: Path) -> AbstractAsyncContextManager[Child]:
    """Run a team whose agents answer what the platform at the address has signed, and nobody else."""
    arguments = ["-m", "examples.team", "--customer", customer, "--port", "0", "--stop-with-stdin"]
    arguments += ["--platform", platform]
    return running(f"the team of {customer}", arguments, environ=environ, log=logs / f"{customer}.log")
