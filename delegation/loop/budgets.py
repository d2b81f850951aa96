"""What a call may cost, held before it and settled after it. A customer without budgets costs nothing here."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.db.models import Sum

from delegation.loop.roster import AgentRecord
from delegation.models import Task
from delegation.policy.decision import Usage
from delegation.store import ClaimedHop
from security.errors import BudgetExceeded
from security.limiting import Terms
from security.limits import AsyncBudgetLedger, BudgetAccount, BudgetLine, LimiterUnavailable, Spend

log = structlog.get_logger(__name__)
# How much the newest call counts in the average of an agent's calls.
_NEWEST = 0.2
_CHARACTERS_PER_TOKEN = 4
# A call that is not settled so long after its time is over was left by a worker that is gone.
GRACE_SECONDS = 60.0

ReadSpent = Callable[[UUID | None, str, datetime], Awaitable[Spend]]


class Budgets:
    """Holds and settles for the hops of one event loop; it learns what each agent's calls take."""

    def __init__(self, ledger: AsyncBudgetLedger, *, spent: ReadSpent) -> None:
        self._ledger = ledger
        self._spent = spent
        self._usual: dict[UUID, Spend] = {}

    async def hold(self, hop: ClaimedHop, agent: AgentRecord, terms: Terms, *, seconds: float, now: datetime) -> None:
        """Hold what the call will take for so many seconds; a hop that holds already holds on.

        Raises:
            BudgetExceeded: the task's or the month's budget does not cover it. What is under way is never refused.
        """
        if not terms.has_budget:
            return
        estimate = agent.expected or self._usual.get(agent.id) or _first_guess(hop)
        lines = _lines(hop, terms)
        try:
            short = await self._reserve(lines, hop, estimate, seconds=seconds, now=now)
        except LimiterUnavailable as error:
            log.warning("call not budgeted", hop_id=str(hop.id), internal=error.internal_message)
            return
        if short is not None and not hop.polls:
            raise BudgetExceeded(internal=f"{short.name} of {hop.task.customer_id} does not cover {estimate}")

    async def settle(self, hop: ClaimedHop, agent: AgentRecord, terms: Terms, usage: Usage, *, now: datetime) -> None:
        """Count what the call took instead of what was held, once."""
        if not terms.has_budget:
            return
        tokens = usage.input_tokens + usage.output_tokens
        actual = Spend.of_call(tokens=tokens, cost_usd=usage.cost_usd)
        if tokens or usage.cost_usd:
            self._usual[agent.id] = _average(self._usual.get(agent.id, actual), actual)
        accounts = [line.account for line in _lines(hop, terms)]
        try:
            await self._ledger.settle(accounts, reservation_id=str(hop.id), actual=actual, now=now)
        except LimiterUnavailable as error:
            log.warning("call not settled", hop_id=str(hop.id), internal=error.internal_message)

    async def _reserve(
        self, lines: list[BudgetLine], hop: ClaimedHop, estimate: Spend, *, seconds: float, now: datetime
    ) -> BudgetAccount | None:
        """Return the account that does not cover the estimate. One that the ledger has lost begins with the database's.

        Raises LimiterUnavailable.
        """
        while True:
            admission = await self._ledger.reserve(
                lines, reservation_id=str(hop.id), estimate=estimate, now=now, lease_seconds=seconds
            )
            if admission.unknown is None:
                return admission.refused.account if admission.refused else None
            lines = [
                BudgetLine(
                    account=line.account,
                    allowance=line.allowance,
                    recorded=await self._recorded(line.account, hop) if line.recorded is None else line.recorded,
                )
                for line in lines
            ]

    async def _recorded(self, account: BudgetAccount, hop: ClaimedHop) -> Spend:
        of_task = account == BudgetAccount.of_task(customer_id=hop.task.customer_id, task_id=str(hop.task.id))
        return await self._spent(hop.task.id if of_task else None, hop.task.customer_id, hop.started_at)


def read_spent(task_id: UUID | None, customer_id: str, at: datetime) -> Spend:
    """Return what the database knows to be spent: by the task, or where none is named by all of the month's tasks."""
    tasks = Task.objects.of_customer(customer_id)
    tasks = tasks.filter(id=task_id) if task_id else tasks.filter(id__gte=_first_id_of_month(at))
    sums = tasks.aggregate(tokens=Sum("input_tokens") + Sum("output_tokens"), cost_usd=Sum("cost_usd"))
    return Spend.of_call(tokens=sums["tokens"] or 0, cost_usd=sums["cost_usd"] or 0)


def _first_id_of_month(at: datetime) -> UUID:
    """Return the lowest time-ordered id of the month, by which the primary key is an index of time."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return UUID(int=int(first.timestamp() * 1000) << 80)


def _lines(hop: ClaimedHop, terms: Terms) -> list[BudgetLine]:
    """Return the accounts that the call is on: those of the time when it began, also when it ends in another month."""
    customer_id, lines = hop.task.customer_id, []
    if terms.task is not None:
        account = BudgetAccount.of_task(customer_id=customer_id, task_id=str(hop.task.id))
        lines.append(BudgetLine(account=account, allowance=terms.task, recorded=None))
    if terms.month is not None:
        account = BudgetAccount.of_month(customer_id=customer_id, at=hop.started_at)
        lines.append(BudgetLine(account=account, allowance=terms.month, recorded=None))
    return lines


def _first_guess(hop: ClaimedHop) -> Spend:
    """Return what a call takes at least, of an agent that nobody knows yet."""
    return Spend(tokens=len(hop.instruction) // _CHARACTERS_PER_TOKEN + 1, micro_usd=1)


def _average(usual: Spend, actual: Spend) -> Spend:
    return Spend(
        tokens=round(usual.tokens + _NEWEST * (actual.tokens - usual.tokens)),
        micro_usd=round(usual.micro_usd + _NEWEST * (actual.micro_usd - usual.micro_usd)),
    )
