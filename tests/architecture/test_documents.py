"""What the documents promise is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SETTING = re.compile(r"environment\.(?:text|flag|number|listing|address)\(\s*\"([A-Z0-9_]+)\"")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_each_test_that_the_security_architecture_names_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+)`", read("docs/security-architecture.md"))
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_command_of_the_readme_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    promised = set(re.findall(r"\bmake ([a-z-]+)", read("README.md")))
    assert {"demo", "test", "check", "test-services", "bench"} <= promised
    assert promised <= targets


def test_each_manage_command_of_the_readme_is_there() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} | {"migrate"}
    promised = set(re.findall(r"manage\.py ([a-z_]+)", read("README.md")))
    assert promised
    assert promised <= commands


def test_each_setting_is_documented_and_each_documented_one_is_read() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "a2a_project").rglob("*.py"))
    in_use = set(SETTING.findall(sources)) | {"PROMETHEUS_MULTIPROC_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", read("docs/settings.md"), re.MULTILINE))
    assert documented == in_use


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_requirement_is_pinned_and_says_why(name: str) -> None:
    lines = [line for line in read(name).splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert [line for line in lines if not re.match(r"^[\w.\[\],-]+==[\w.]+( *;[^#]*)? +# \S", line)] == []


def test_the_changelog_has_the_standard_form() -> None:
    changelog = read("CHANGELOG.md")
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    sections = set(re.findall(r"^### (\w+)", changelog, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
