"""A team whose agents answer the platform alone: each sees only the calls that were signed for it."""

from collections.abc import Iterable, MutableMapping
from typing import Any

from examples.verifier import Application, PlatformKeys, Receive, Send, VerifiedCalls

KEYS_PATH = "/.well-known/jwks.json"


class GuardedTeam:
    """Put a verifier before each agent of an application that serves them beneath `/<agent_type>/`."""

    def __init__(self, app: Application, *, customer: str, agent_types: Iterable[str], platform: str) -> None:
        keys = PlatformKeys(platform.rstrip("/") + KEYS_PATH)
        self._app = app
        self._doors = {
            agent_type: VerifiedCalls(app, keys=keys, expected_agent=f"{customer}/{agent_type}")
            for agent_type in agent_types
        }

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer as the agent that the path begins with; where there is none, there is nothing to guard."""
        agent_type = scope.get("path", "").partition("/")[2].partition("/")[0]
        await self._doors.get(agent_type, self._app)(scope, receive, send)
