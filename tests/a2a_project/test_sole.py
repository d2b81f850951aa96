"""One process at a time."""

import os
from pathlib import Path

import pytest

from a2a_project.sole import AlreadyRunning, sole_process
from tests.processes import embedded_environment, read_until, running

HOLD = """
import sys, time
from pathlib import Path
from a2a_project.sole import sole_process
with sole_process(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    with sole_process(lock), pytest.raises(AlreadyRunning) as refused, sole_process(lock):
        raise AssertionError
    assert refused.value.pid == str(os.getpid())


def test_it_is_free_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with sole_process(tmp_path / "lock"):
            pass


def test_it_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with running("-c", HOLD, str(lock), environ=embedded_environment(tmp_path)) as holder:
        read_until(holder, "held")
        with pytest.raises(AlreadyRunning) as refused, sole_process(lock):
            raise AssertionError
        assert refused.value.pid == str(holder.pid)
        holder.kill()
        holder.wait()
    with sole_process(lock):
        assert lock.read_text() == str(os.getpid())
