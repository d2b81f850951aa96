"""The leak detector and the demo's agents stand on their own: tried in a fresh interpreter, not only read."""

import pytest

from tests.processes import ROOT, run

WITHOUT = "import sys; import {module}; print([name for name in {unwanted} if name in sys.modules])"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("security.leakage", ["django", "delegation", "audit", "security.models"]),
        ("examples.team", ["django", "a2a_project", "delegation", "security", "audit"]),
        ("delegation.terminal", ["django", "delegation.models", "security"]),
        ("delegation.policy", ["delegation.models", "delegation.gateway", "security.models", "audit.models"]),
    ],
)
def test_importing_it_brings_nothing_unwanted(module: str, unwanted: list[str]) -> None:
    alone = run("-c", WITHOUT.format(module=module, unwanted=unwanted), environ={"PYTHONPATH": str(ROOT)})
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout == "[]\n"
