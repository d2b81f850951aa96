"""Programs of ours as people start them: in processes of their own, with an environment of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
MANAGE = str(ROOT / "manage.py")
T = TypeVar("T")
# What the tests' own environment sets, and a newcomer's shell does not.
UNSET = (
    "DATABASE_URL", "REDIS_URL", "BROKER_URL", "SECRET_KEY", "PROMETHEUS_MULTIPROC_DIR", "A2A_ALLOWED_AGENT_HOSTS",
    "A2A_HTTPS",
)  # fmt: skip


def embedded_environment(var_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment of an installation with nothing set but its folder."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | {"A2A_VAR_DIR": str(var_dir), "PYTHONUNBUFFERED": "1"} | more


def run(*arguments: str, environ: Mapping[str, str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@contextmanager
def running(*arguments: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start `python ARGUMENTS`; kill it afterwards if it still runs. Both outputs come as one."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environ,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read the process's lines until one holds the text, and return that line."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"it ended without saying {text!r}: {''.join(seen)}")


def eventually(look: Callable[[], T], *, seconds: float = 20) -> T:
    """Return the first true value of ``look``, or its last value when the time is over."""
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return found
