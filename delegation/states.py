"""The states of a task and of a hop, what may follow what, and the words that agents decide in."""

from django.db.models import TextChoices


class TaskStatus(TextChoices):
    """One to one with A2A's task states."""

    SUBMITTED = "submitted"
    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"


class HopStatus(TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class QuestionStatus(TextChoices):
    """The states of approvals and clarifications together; each uses those that fit it."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELED = "canceled"


class Action(TextChoices):
    HANDLE = "handle"
    DELEGATE = "delegate"
    PARALLEL = "parallel"
    ASK_CLARIFICATION = "ask_clarification"


class Seniority(TextChoices):
    EXECUTIVE = "executive"
    DIRECTOR = "director"
    MANAGER = "manager"
    SENIOR = "senior"
    SPECIALIST = "specialist"


class Priority(TextChoices):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


# What a worker compares: the higher is claimed first among one customer's hops.
PRIORITY_RANK = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2, Priority.URGENT: 3}

TASK_TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.SUBMITTED: frozenset({TaskStatus.WORKING, TaskStatus.FAILED, TaskStatus.CANCELED}),
    TaskStatus.WORKING: frozenset(
        {TaskStatus.INPUT_REQUIRED, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.REJECTED}
    ),
    TaskStatus.INPUT_REQUIRED: frozenset(
        {TaskStatus.WORKING, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.REJECTED}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELED: frozenset(),
    TaskStatus.REJECTED: frozenset(),
}

HOP_TRANSITIONS: dict[HopStatus, frozenset[HopStatus]] = {
    HopStatus.PENDING: frozenset({HopStatus.RUNNING, HopStatus.FAILED, HopStatus.CANCELED}),
    HopStatus.RUNNING: frozenset(
        {HopStatus.PENDING, HopStatus.WAITING, HopStatus.COMPLETED, HopStatus.FAILED, HopStatus.CANCELED}
    ),
    HopStatus.WAITING: frozenset(
        {HopStatus.PENDING, HopStatus.RUNNING, HopStatus.COMPLETED, HopStatus.FAILED, HopStatus.CANCELED}
    ),
    HopStatus.COMPLETED: frozenset(),
    HopStatus.FAILED: frozenset(),
    HopStatus.CANCELED: frozenset(),
}

TASK_ENDED = frozenset(status for status, following in TASK_TRANSITIONS.items() if not following)
TASK_ALIVE = tuple(status for status in TaskStatus if status not in TASK_ENDED)
HOP_ENDED = frozenset(status for status, following in HOP_TRANSITIONS.items() if not following)
