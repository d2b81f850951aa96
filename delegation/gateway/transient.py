"""The failures that another try may mend."""

from delegation.errors import AgentUnavailable


class Transient(AgentUnavailable):
    """The agent could not be reached just now: refused, dropped, 429, 502, 503 or 504."""


class StaleConnection(Transient):
    """An idle connection turned out to be closed before a byte of the answer came."""
