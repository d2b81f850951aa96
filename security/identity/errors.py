"""What can go wrong with keys and credentials.

PlatformError (security.errors)
├── SealBroken                    a sealed text cannot be opened: altered, moved, or its secret is gone
├── AgentCredentialUnusable       the agent's own credential is refused, or its files cannot be read
└── TokenEndpointUnavailable      the agent's authorisation server cannot be asked just now
"""

from security.errors import PlatformError


class SealBroken(PlatformError):
    pass


class AgentCredentialUnusable(PlatformError):
    code = "AGENT_CREDENTIAL_UNUSABLE"
    message = "The agent's own credential did not work. Its owner must check or replace it."
    status = 502


class TokenEndpointUnavailable(PlatformError):
    """To the caller the same as an agent that cannot be reached."""

    code = "AGENT_UNAVAILABLE"
    message = "The selected agent is currently unavailable. Try another agent."
    status = 503
    retryable = True
