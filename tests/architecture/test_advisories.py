"""The look-up of advisories fails on findings, and only on them."""

import json
import sys

import pytest

from tests.advisories import NOT_ASKED, main
from tests.agents import AgentServer, Raw

FINDING = {"id": "PYSEC-1", "fix_versions": ["2.0"]}


@pytest.fixture
def index(agent_server: AgentServer) -> str:
    """An index that knows of advisories."""
    agent_server.card("index", Raw(b'{"vulnerabilities": []}'))
    return f"{agent_server.url('index')}/.well-known/agent-card.json"


def audited(index: str, report: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    text = report if isinstance(report, str) else json.dumps(report)
    code = main(index=index, audit=[sys.executable, "-c", f"print({text!r})"])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([{"name": "a", "version": "1.0", "vulns": []}], 0, "0 against 1 packages; 0 could not"),
        ([{"name": "a", "version": "1.0", "vulns": [FINDING]}], 1, "a 1.0: PYSEC-1, mended in 2.0"),
        ([{"name": "a", "skip_reason": "not found"}], 0, "0 against 0 packages; 1 could not"),
    ],
)
def test_findings_fail_and_what_was_not_looked_up_is_counted(
    index: str, packages: object, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, printed = audited(index, {"dependencies": packages}, capsys)

    assert ended == code
    assert said in printed


def test_an_audit_that_breaks_off_says_so_and_fails_nothing(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(index, "no report", capsys) == (0, f"{NOT_ASKED}\n")


def test_an_index_without_advisories_is_asked_once(
    agent_server: AgentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    agent_server.card("index", Raw(b"{}"))
    url = f"{agent_server.url('index')}/.well-known/agent-card.json"

    assert main(index=url, audit=["must-not-be-started"]) == 0
    assert capsys.readouterr().out == f"{NOT_ASKED}\n"
    assert agent_server.card_fetches("index") == 1
    with agent_server.refused_url() as nobody:
        assert main(index=nobody, audit=["must-not-be-started"]) == 0
