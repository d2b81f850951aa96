"""What a process loads at its start: after a crash a worker is back as soon as it has loaded what it works with."""

from pathlib import Path

import pytest

from tests.processes import embedded_environment, run

pytestmark = pytest.mark.embedded

SCREENS = """
import django
django.setup()
from django.contrib import admin
from django.core.checks import run_checks
before = len(admin.site._registry)
assert run_checks(tags=["admin"]) == []
print(before, len(admin.site._registry) > 10)
"""


def said(tmp_path: Path, program: str) -> str:
    environ = embedded_environment(tmp_path, DJANGO_SETTINGS_MODULE="a2a_project.settings")
    ended = run("-c", program, environ=environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_worker_loads_neither_pages_nor_the_api(tmp_path: Path) -> None:
    loaded = set(said(tmp_path, "import sys, a2a_project.worker; print(*sys.modules)").split())

    assert "security.leakage.detector" in loaded
    for_people = {
        "a2a_project.urls",
        "delegation.admin",
        "delegation.live.pages",
        "security.admin",
        "rest_framework.views",
    }
    assert not loaded & for_people


def test_the_screens_are_checked_although_nothing_has_loaded_them(tmp_path: Path) -> None:
    assert said(tmp_path, SCREENS).split() == ["0", "True"]
