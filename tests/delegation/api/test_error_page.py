import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

import a2a_project
import audit
import delegation
import security
from a2a_project.error_page import rows_of
from delegation.api.problems import problem_of
from security.errors import PlatformError

ROWS = {row[0]: row for row in rows_of((Path(settings.BASE_DIR) / "docs" / "errors.md").read_text(encoding="utf-8"))}


def catalogue() -> dict[str, set[int]]:
    """Return every code that any of our modules declares, with its statuses."""
    for package in (a2a_project, audit, delegation, security):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".errors"):
                import_module(module.name)
    found: dict[str, set[int]] = {}
    waiting: list[type[PlatformError]] = [PlatformError]
    while waiting:
        kind = waiting.pop()
        # A class without a code of its own only groups others.
        if "code" in kind.__dict__ or ("status" in kind.__dict__ and not kind.__subclasses__()):
            found.setdefault(kind.code, set()).add(kind.status)
        waiting += kind.__subclasses__()
    return found


def test_each_code_has_its_row_and_each_row_its_code() -> None:
    assert catalogue().keys() == ROWS.keys() - {"code"}


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_a_row_tells_status_cause_and_remedy(code: str) -> None:
    _, statuses, cause, remedy = ROWS[code]

    assert {int(status) for status in statuses.split(",")} == catalogue()[code]
    assert cause.endswith(".")
    assert remedy.endswith(".")


def test_the_type_of_a_problem_leads_to_its_row() -> None:
    address, _, anchor = problem_of(PlatformError(), request_id="x")["type"].partition("#")

    page = Client().get(address)

    assert page.status_code == 200
    assert f'<tr id="{anchor}">' in page.content.decode()


def test_the_page_has_no_marks_of_its_source() -> None:
    page = Client().get("/docs/errors").content.decode()

    assert "`" not in page
    assert "|" not in page
    assert "Retry-After" in page
