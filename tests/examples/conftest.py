"""Both demo teams on loopback, and the stand-in for the platform that drives samples through them."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.applications import Starlette

from examples.samples import Sample
from examples.server import application
from examples.team import TEAMS, roster
from tests.examples.a2a_client import PATIENCE_SECONDS, A2AClient, served
from tests.examples.delegation import Run

LATE_SECONDS = 0.4


@pytest.fixture(scope="session")
def teams() -> Iterator[dict[str, A2AClient]]:
    """Serve both teams; the late agent is `LATE_SECONDS` late."""

    def build(customer: str) -> Callable[[str], Starlette]:
        return lambda url: application(TEAMS[customer], base_url=url, late_seconds=LATE_SECONDS)

    with (
        httpx.Client(timeout=PATIENCE_SECONDS) as http,
        served(build("techcorp")) as techcorp,
        served(build("acmecorp")) as acmecorp,
    ):
        yield {"techcorp": A2AClient(http, techcorp), "acmecorp": A2AClient(http, acmecorp)}


@pytest.fixture(scope="session")
def techcorp(teams: dict[str, A2AClient]) -> A2AClient:
    return teams["techcorp"]


@pytest.fixture(scope="session")
def acmecorp(teams: dict[str, A2AClient]) -> A2AClient:
    return teams["acmecorp"]


@pytest.fixture
def drive(teams: dict[str, A2AClient]) -> Callable[[Sample], tuple[Run, str]]:
    """Run a sample from its first agent; a sample without one starts with the most senior of the team."""

    def run(sample: Sample) -> tuple[Run, str]:
        run = Run(teams[sample["customer"]], sample["customer"], sample["answers"]["clarification"])
        first = sample["agent"] or str(roster(sample["customer"])[0]["agent_type"])
        return run, run.hop(first, sample["message"])

    return run
