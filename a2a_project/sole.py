"""One process at a time on an embedded database: its wake-ups and live messages stay within the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from django.conf import settings


class AlreadyRunning(Exception):
    """Another process holds the lock; `pid` is its id, as it wrote it."""

    def __init__(self, pid: str) -> None:
        self.pid = pid
        super().__init__(f"process {pid} is already running")


@contextmanager
def sole_process(path: Path) -> Iterator[None]:
    """Hold the lock file while the block runs. The system frees it whenever and however the process ends.

    Raises AlreadyRunning.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AlreadyRunning(lock.read().strip() or "unknown") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def sole_on_database() -> AbstractContextManager[None]:
    """Let one process at a time run on an embedded database. Raises AlreadyRunning."""
    if not settings.EMBEDDED:
        return nullcontext()
    database = Path(settings.DATABASES["default"]["NAME"])
    return sole_process(database.with_name(f"{database.name}.lock"))
