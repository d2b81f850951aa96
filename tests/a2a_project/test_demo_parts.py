"""The demo's judgement of its own samples, and the requests that it prints."""

import json
import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from a2a_project.demo import stage
from a2a_project.demo.__main__ import port_of
from a2a_project.demo.closing import curl_command
from a2a_project.demo.story import complaints
from examples.samples import SAMPLES

CHAIN = next(sample for sample in SAMPLES if sample["expected"]["depth"] == 4)


def outcome(**changes: Any) -> dict[str, Any]:
    """Return what the platform tells of a chain that went well, with changes."""
    expected = CHAIN["expected"]
    task = {"status": expected["status"], "error": None, "result": " ".join(expected["result_contains"])}
    hops = [{"action": action, "depth": depth} for depth, action in enumerate(expected["actions"])]
    return {"task": task, "delegations": hops, "numbers": [1, 2, 3]} | changes


def test_a_task_that_went_well_draws_no_complaint() -> None:
    assert complaints(CHAIN, **outcome()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"task": {"status": "failed", "error": {"code": "AGENT_TIMEOUT"}, "result": None}},
            "it ended failed AGENT_TIMEOUT",
        ),
        ({"delegations": outcome()["delegations"][:4]}, "nobody decided handle"),
        ({"delegations": outcome()["delegations"][:4]}, "it reached depth 3 instead of 4"),
        ({"task": outcome()["task"] | {"result": "Nothing much."}}, "the result does not say 'Aurora desk lamp'"),
        ({"numbers": [1, 2, 2, 3]}, "the events came as [1, 2, 2, 3]"),
        ({"numbers": [1, 3]}, "the events came as [1, 3]"),
        ({"numbers": [2, 3]}, "the events came as [2, 3]"),
        ({"numbers": []}, "the events came as []"),
    ],
)
def test_what_went_wrong_is_named(changes: dict[str, Any], said: str) -> None:
    assert any(complaint.startswith(said) for complaint in complaints(CHAIN, **outcome(**changes)))


def test_the_printed_request_is_valid_shell_and_json() -> None:
    words = shlex.split(curl_command("http://127.0.0.1:8000", token="abc"))
    assert words[0] == "curl"
    assert "Authorization: Bearer abc" in words
    assert "\n" in json.loads(words[-1])["message"]


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "8000.5", "http", "٣"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="PORT must be a number from 1 to 65535"):
        port_of(text)


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.create_server((stage.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(stage.PortTaken, match=f"port {port} cannot be used"):
            stage.check_port(port)


def test_the_demo_is_embedded_whatever_the_shell_is_set_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL_FILE", "BROKER_URL", "SECRET_KEY_FILE"):
        monkeypatch.setenv(name, "somewhere")
    environ = stage.demo_environment(tmp_path)
    assert not {"DATABASE_URL", "REDIS_URL_FILE", "BROKER_URL", "SECRET_KEY_FILE"} & set(environ)
    assert environ["A2A_VAR_DIR"] == str(tmp_path)


def test_the_password_is_drawn_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    first = stage.demo_password(tmp_path)
    assert stage.demo_password(tmp_path) == first
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
