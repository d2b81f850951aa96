"""This installation's limits: how much is allowed, by its settings, and where it is counted."""

from functools import cache

from django.conf import settings

from security.limits import Limiter, LimitTable, MemoryStore, RedisStore


@cache
def limiter() -> Limiter:
    """Return what counts for this process: on Redis together with all others, without it alone."""
    return Limiter(RedisStore(url=settings.REDIS_URL) if settings.REDIS_URL else MemoryStore())


def limit_table() -> LimitTable:
    """Return the quotas by default."""
    return _table(
        settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY,
        settings.A2A_LIMIT_AGENT_CALLS_PER_HOUR,
        settings.A2A_LIMIT_PAIR_PER_HOUR,
    )


@cache
def _table(tasks_per_day: int, calls_per_hour: int, delegations_per_hour: int) -> LimitTable:
    return LimitTable.of(
        customer_tasks_per_day=tasks_per_day,
        agent_calls_per_hour=calls_per_hour,
        delegations_per_hour=delegations_per_hour,
    )
