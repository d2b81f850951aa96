"""Settings come from the environment, and what is unsafe or makes no sense stops the start in one line."""

from pathlib import Path

import pytest
from dramatiq.worker import WORKER_TIMEOUT

from a2a_project import environment
from tests.processes import MANAGE, embedded_environment, run

POSTGRES = "postgres://a2a@127.0.0.1/a2a"
SECRET = "k" * 50
pytestmark = pytest.mark.embedded


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"DATABASE_URL": POSTGRES}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be at least 32"),
        ({"DATABASE_URL": POSTGRES, "SECRET_KEY": SECRET, "DEBUG": "1"}, "DEBUG must not be set"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts"),
        ({"DEBUG": "perhaps"}, "DEBUG must be 1 or 0, not 'perhaps'"),
        ({"A2A_AGENT_TIMEOUT_SECONDS": "soon"}, "A2A_AGENT_TIMEOUT_SECONDS must be a number, not 'soon'"),
        ({"A2A_AGENT_TIMEOUT_SECONDS": "nan"}, "A2A_AGENT_TIMEOUT_SECONDS must be at least"),
        ({"A2A_HOP_BUDGET": "0"}, "A2A_HOP_BUDGET must be at least 1"),
        ({"BROKER_URL": "kafka://127.0.0.1"}, "BROKER_URL must begin with redis:// or amqp://"),
        ({"SECRET_KEY_FILE": "/nowhere/at/all"}, "SECRET_KEY_FILE cannot be read"),
    ],
)
def test_it_does_not_start_and_says_in_a_line_what_to_set(tmp_path: Path, more: dict[str, str], said: str) -> None:
    refused = run(MANAGE, "check", environ=embedded_environment(tmp_path, **more))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"settings: {said}")
    assert refused.stderr.count("\n") == 1


def test_a_mounted_secret_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    monkeypatch.setenv("A2A_PROBE", "from the variable")
    assert environment.text("A2A_PROBE") == "from the variable"
    monkeypatch.setenv("A2A_PROBE_FILE", str(secret))
    assert environment.text("A2A_PROBE") == "from the file"


def test_the_secret_is_drawn_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    first = environment.generated_secret(path)
    assert len(first) >= 50
    assert environment.generated_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert environment.generated_secret(tmp_path / "other") != first


def test_a_list_is_read_without_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A2A_PROBE", " 10.0.0.0/8, ,agents.internal ,")
    assert environment.listing("A2A_PROBE") == ["10.0.0.0/8", "agents.internal"]


def test_a_worker_at_rest_asks_for_wake_ups_many_times_a_second() -> None:
    # By itself the library waits for up to a second; it reads the setting when it is first imported.
    assert WORKER_TIMEOUT == 50
