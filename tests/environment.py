"""Sets the environment before Django reads it: a plugin, so that it comes before everything else (`-p`)."""

import os
import tempfile
from pathlib import Path

# One folder a run and process; whatever is written there is gone with the machine's temporary files.
VAR_DIR = Path(tempfile.mkdtemp(prefix="a2a-tests-"))

(VAR_DIR / "static").mkdir()

os.environ["A2A_VAR_DIR"] = str(VAR_DIR)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(VAR_DIR / "metrics")
os.environ["SECRET_KEY"] = "a-secret-of-the-tests-that-is-long-enough-to-be-accepted"
os.environ["A2A_ALLOWED_AGENT_HOSTS"] = "127.0.0.1"
os.environ["A2A_DRAIN_SECONDS"] = "1"
os.environ["ALLOWED_HOSTS"] = "localhost,127.0.0.1,[::1],testserver"
# Tests speak plain HTTP to whatever host they name; those of HTTPS switch it on.
os.environ["A2A_HTTPS"] = "0"
os.environ.setdefault("A2A_LOG_LEVEL", "WARNING")
os.environ.pop("DEBUG", None)
os.environ["DJANGO_SETTINGS_MODULE"] = "a2a_project.settings"

# Processes that test side by side must not take each other's wake-ups: each has a Redis database and a queue.
_place = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
for _name in ("REDIS_URL", "BROKER_URL"):
    _server, _, _number = os.environ.get(_name, "").rpartition("/")
    if _server.startswith("redis") and _number.isdigit():
        os.environ[_name] = f"{_server}/{int(_number) + _place}"
os.environ["A2A_QUEUE"] = f"tests-{_place}"
