"""What a customer employs (agents), what it asks for (tasks), and what came of it (hops, questions, events)."""

from delegation.models.agents import Agent
from delegation.models.events import TaskEvent
from delegation.models.questions import Approval, ApprovalRules, ApprovalVote, Clarification
from delegation.models.rights import AgentGrant, DelegationRule
from delegation.models.tasks import Hop, Task
from delegation.models.workers import Worker

__all__ = [
    "Agent",
    "AgentGrant",
    "Approval",
    "ApprovalRules",
    "ApprovalVote",
    "Clarification",
    "DelegationRule",
    "Hop",
    "Task",
    "TaskEvent",
    "Worker",
]
