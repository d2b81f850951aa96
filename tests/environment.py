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
os.environ.setdefault("A2A_LOG_LEVEL", "WARNING")
os.environ.pop("DEBUG", None)
os.environ["DJANGO_SETTINGS_MODULE"] = "a2a_project.settings"
