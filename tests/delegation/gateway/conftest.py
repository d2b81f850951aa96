from collections.abc import Iterator

import pytest

from tests.agents import AgentServer


@pytest.fixture
def server() -> Iterator[AgentServer]:
    with AgentServer() as agents:
        yield agents
