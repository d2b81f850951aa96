"""What can go wrong on a task's path, each class with its code.

PlatformError (security.errors)
├── AgentError                    the fault lies with the agent that was called
│   ├── AgentTimeout
│   ├── AgentUnavailable          refused, dropped, 5xx, circuit open
│   ├── AgentFailed               the agent itself reports failure or refuses the work
│   ├── InvalidAgentResponse      not JSON, not A2A, or not a decision
│   └── AgentResponseTooLarge
├── DelegationRefused             the decision cannot be carried out
│   ├── MaxDepthExceeded
│   ├── DelegationCycle
│   ├── HopBudgetExceeded
│   ├── ApprovalRejected
│   └── QuestionExpired
├── DeadlineExceeded              the task's time is over
├── Conflict                      the state has moved on
├── Overloaded                    more work waits than may
└── PayloadTooLarge, MethodNotAllowed, UnsupportedMediaType, ServiceUnavailable     at the doors
"""

from typing import Self

from security.errors import PlatformError

_MOST_SAID = 16_384


class AgentError(PlatformError):
    """``said`` is what the agent itself said of it. Nobody has scanned that: it is no part of any message."""

    status = 502
    said: str = ""

    def quoting(self, said: str | bytes) -> Self:
        """Keep the agent's own words with the error, the beginning of them where they are many."""
        self.said = (said.decode(errors="replace") if isinstance(said, bytes) else said)[:_MOST_SAID]
        return self


class AgentTimeout(AgentError):
    code = "AGENT_TIMEOUT"
    message = "The agent took too long to respond. Please try again."
    status = 504
    retryable = True


class AgentUnavailable(AgentError):
    code = "AGENT_UNAVAILABLE"
    message = "The selected agent is currently unavailable. Try another agent."
    status = 503
    retryable = True

    def __init__(self, *, internal: str = "", detail: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(internal=internal, detail=detail)
        self.retry_after_seconds = retry_after_seconds


class AgentFailed(AgentError):
    code = "AGENT_FAILED"
    message = "The agent could not complete the work."


class InvalidAgentResponse(AgentError):
    code = "INVALID_JSON"
    message = "Agent returned invalid response format. Please try again."


class AgentResponseTooLarge(AgentError):
    code = "RESPONSE_TOO_LARGE"
    message = "The agent's answer was too large to accept."


class DelegationRefused(PlatformError):
    status = 409


class MaxDepthExceeded(DelegationRefused):
    code = "MAX_DEPTH_EXCEEDED"
    message = "Task became too complex. Breaking down into simpler subtasks recommended."


class DelegationCycle(DelegationRefused):
    code = "DELEGATION_CYCLE"
    message = "The agents passed the task round in a circle."


class HopBudgetExceeded(DelegationRefused):
    code = "HOP_BUDGET_EXCEEDED"
    message = "The task used up the number of agent calls it may make."


class ApprovalRejected(DelegationRefused):
    code = "APPROVAL_REJECTED"
    message = "A person rejected a delegation that this task needed."


class QuestionExpired(DelegationRefused):
    code = "QUESTION_EXPIRED"
    message = "A question or approval was not answered in time."


class DeadlineExceeded(PlatformError):
    code = "DEADLINE_EXCEEDED"
    message = "The task could not be finished before its deadline."
    status = 504


class Conflict(PlatformError):
    code = "CONFLICT"
    message = "That is no longer possible: the state has changed in the meantime."
    status = 409


class Overloaded(PlatformError):
    code = "OVERLOADED"
    message = "There is more work waiting than we can take. Please try again shortly."
    status = 503
    retryable = True

    def __init__(self, *, internal: str = "", detail: str = "", retry_after_seconds: float = 1) -> None:
        super().__init__(internal=internal, detail=detail)
        self.retry_after_seconds = retry_after_seconds


class PayloadTooLarge(PlatformError):
    code = "PAYLOAD_TOO_LARGE"
    message = "What was sent is too large."
    status = 413


class MethodNotAllowed(PlatformError):
    code = "METHOD_NOT_ALLOWED"
    message = "This address does not support that method."
    status = 405


class UnsupportedMediaType(PlatformError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "This address takes JSON."
    status = 415


class ServiceUnavailable(PlatformError):
    code = "SERVICE_UNAVAILABLE"
    message = "The service is not ready. Please try again shortly."
    status = 503
    retryable = True
