"""This installation's limits: what holds for each customer, and where it is counted."""

import time
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from django.conf import settings

from security.limits import (
    Allowance,
    AsyncMemoryStore,
    AsyncRedisStore,
    BudgetLedger,
    Limiter,
    LimitTable,
    LimitType,
    MemoryStore,
    Quota,
    RedisStore,
    Scope,
    Store,
    micro,
)
from security.models import Customer, RateLimit, WhenLimited
from security.rows import customer_rows

# A change is seen by every process so soon; in return, a request needs no query to know its customer's terms.
TERMS_REMEMBERED_SECONDS = 1.0
_REMEMBERED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for a customer: may it work at all, under which quotas, within which budgets (None: unlimited)."""

    active: bool
    waits: bool
    table: LimitTable
    task: Allowance | None = None
    month: Allowance | None = None

    @property
    def has_budget(self) -> bool:
        return self.task is not None or self.month is not None


_remembered: dict[str, tuple[float, Terms]] = {}


def forget_terms() -> None:
    """Read every customer's terms again."""
    _remembered.clear()


def terms_of(customer_id: str) -> Terms:
    """Return the customer's terms, as of at most a second ago. One that does not exist may do nothing."""
    found = _remembered.get(customer_id)
    if found is not None and time.monotonic() - found[0] < TERMS_REMEMBERED_SECONDS:
        return found[1]
    read_at, terms = time.monotonic(), read_terms(customer_id)
    if len(_remembered) >= _REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[customer_id] = (read_at, terms)
    return terms


def read_terms(customer_id: str) -> Terms:
    """Return the customer's terms as they stand now."""
    with customer_rows(customer_id):
        return _terms(customer_id)


def _terms(customer_id: str) -> Terms:
    customer = Customer.objects.filter(id=customer_id).first()
    if customer is None:
        return Terms(active=False, waits=False, table=limit_table())
    return Terms(
        active=customer.is_active,
        waits=customer.when_limited == WhenLimited.WAIT,
        table=_table(customer_id),
        task=_allowance(customer.task_tokens, customer.task_cost_usd),
        month=_allowance(customer.month_tokens, customer.month_cost_usd),
    )


@cache
def store() -> Store:
    """Return where this process counts: on Redis together with all others, without it alone."""
    return RedisStore(url=settings.REDIS_URL) if settings.REDIS_URL else _memory()


def async_store() -> AsyncRedisStore | AsyncMemoryStore:
    """Return the same for one event loop. Its user closes it."""
    return AsyncRedisStore(url=settings.REDIS_URL) if settings.REDIS_URL else AsyncMemoryStore(_memory())


def limiter() -> Limiter:
    return Limiter(store())


def ledger() -> BudgetLedger:
    return BudgetLedger(store())


def forget_counts() -> None:
    """Begin anew, as a new process does; what Redis counts stays."""
    store.cache_clear()
    _memory.cache_clear()


@cache
def _memory() -> MemoryStore:
    return MemoryStore()


def _table(customer_id: str) -> LimitTable:
    defaults = limit_table()
    overrides = {
        _scope(row): Quota(
            allowed=row.allowed,
            window_seconds=row.window_seconds or defaults.defaults[LimitType(row.limit_type)].window_seconds,
        )
        for row in RateLimit.objects.filter(customer_id=customer_id)
    }
    return LimitTable(defaults=defaults.defaults, overrides=overrides) if overrides else defaults


def _scope(row: RateLimit) -> Scope:
    return Scope(LimitType(row.limit_type), row.customer_id, tuple(filter(None, (row.agent, row.target))))


def limit_table() -> LimitTable:
    """Return the quotas by default, those of the settings."""
    return _defaults(
        settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY,
        settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR,
        settings.A2A_LIMIT_PAIR_PER_HOUR,
    )


@cache
def _defaults(tasks_per_day: int, calls_per_hour: int, delegations_per_hour: int) -> LimitTable:
    return LimitTable.of(
        customer_tasks_per_day=tasks_per_day,
        agent_calls_per_hour=calls_per_hour,
        delegations_per_hour=delegations_per_hour,
    )


def _allowance(tokens: int | None, cost_usd: Decimal | None) -> Allowance | None:
    if tokens is None and cost_usd is None:
        return None
    return Allowance(tokens=tokens, micro_usd=None if cost_usd is None else micro(cost_usd))
