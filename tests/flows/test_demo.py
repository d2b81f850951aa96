"""`make demo`, as a newcomer runs it."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from examples.samples import SAMPLES
from tests.processes import embedded_environment, eventually, read_until, run, running

DEMO = ("-m", "a2a_project.demo")
pytestmark = [pytest.mark.slow, pytest.mark.embedded, pytest.mark.timeout(300)]


def demo_environment(var_dir: Path, **more: str) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return embedded_environment(var_dir, PORT=str(port)) | more


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def is_alive(pid: int) -> bool:
    """Return whether the process still runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_each_sample_ends_as_it_should_and_it_can_be_run_again(tmp_path: Path) -> None:
    demo = run(*DEMO, environ=demo_environment(tmp_path, DEMO_EXIT="1"), seconds=140)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert f"{len(SAMPLES)} of {len(SAMPLES)} tasks ended as they should." in demo.stdout
    assert demo.stderr == ""
    # No screen: plain lines.
    assert "\x1b" not in demo.stdout
    for sample in SAMPLES:
        assert f"{sample['customer']}: {sample['title']}" in demo.stdout
    assert "LEAKAGE_DETECTED" in demo.stdout
    assert "approval · granted by bob" in demo.stdout
    it_serves_until_it_is_interrupted(demo_environment(tmp_path))


def it_serves_until_it_is_interrupted(environ: dict[str, str]) -> None:
    with running(*DEMO, environ=environ) as demo:
        read_until(demo, f"{len(SAMPLES)} of {len(SAMPLES)} tasks ended as they should.")
        # The very line that a person pastes.
        request = read_until(demo, "curl ")
        submitted = subprocess.run(request, shell=True, capture_output=True, text=True, check=True).stdout
        assert '"status":"submitted"' in submitted
        read_until(demo, "Ctrl-C ends the demo.")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
        assert demo.stdout is not None
        assert demo.stdout.read() == "Stopping.\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_nothing_of_it_runs_on_however_it_ends(tmp_path: Path, number: int, code: int) -> None:
    environ = demo_environment(tmp_path)
    with running(*DEMO, environ=environ) as demo:
        read_until(demo, "Ready after")
        children = children_of(demo.pid)
        assert len(children) == 3
        again = run(*DEMO, environ=environ)
        assert (again.returncode, again.stderr.count("\n")) == (1, 1)
        assert f"already running (process {demo.pid})" in again.stderr
        demo.send_signal(number)
        assert demo.wait(30) == code
        assert eventually(lambda: not any(is_alive(pid) for pid in children))


def test_a_taken_port_is_named_in_a_line_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run(*DEMO, environ=embedded_environment(tmp_path, PORT=port))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"demo: port {port} cannot be used (Address already in use); choose another: PORT=8001 make demo\n"
    )
