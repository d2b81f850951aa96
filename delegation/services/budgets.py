"""What a task may use of tokens and money, and what is left of it."""

from dataclasses import dataclass

from delegation.models import Task
from security.limiting import terms_of

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Tokens, or US dollars."""

    allowed: float
    used: float

    @property
    def left(self) -> float:
        return max(0, round(self.allowed - self.used, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBudget:
    """None: as much as it likes."""

    tokens: Part | None
    cost_usd: Part | None


def task_budget(task: Task) -> TaskBudget | None:
    """Return how the task stands under its customer's budget for one task, None where there is none."""
    allowance = terms_of(task.customer_id).task
    if allowance is None:
        return None
    used = task.input_tokens + task.output_tokens
    money = allowance.micro_usd
    return TaskBudget(
        tokens=None if allowance.tokens is None else Part(allowed=allowance.tokens, used=used),
        cost_usd=None if money is None else Part(allowed=money / _MICRO, used=float(task.cost_usd)),
    )
