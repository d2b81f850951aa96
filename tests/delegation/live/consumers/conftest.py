"""A server that commits for real, with the cast and their agents behind it."""

import pytest

from delegation.models import Agent, Task
from tests.agents import AgentServer
from tests.delegation.live.consumers.watching import submitted
from tests.people import Cast, team
from tests.web import WebServer


@pytest.fixture
def people(web: WebServer, people: Cast) -> Cast:
    return people


@pytest.fixture
def agents(people: Cast, agent_server: AgentServer) -> dict[str, Agent]:
    return team(agent_server)


@pytest.fixture
def task(people: Cast, agents: dict[str, Agent]) -> Task:
    return submitted(people.alice)
