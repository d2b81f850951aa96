"""How much each customer may do: named limits that are counted together, and budgets of tokens and money.

Nothing here knows Django; quotas, overrides and the time come in as data. ``Limiter(MemoryStore())`` counts within one
process, ``Limiter(RedisStore(url=...))`` for all.
"""

from security.limits.admission import Admission, Standing
from security.limits.budget import Allowance, BudgetAccount, BudgetLine, Spend, micro
from security.limits.commands import AsyncStore, Store
from security.limits.errors import LimiterUnavailable
from security.limits.headers import exceeded, rate_limit, rate_limit_headers, rate_limit_policy
from security.limits.ledger import AsyncBudgetLedger, BudgetAdmission, BudgetLedger, BudgetStanding
from security.limits.limiter import AsyncLimiter, Limiter
from security.limits.memory import AsyncMemoryStore, MemoryStore
from security.limits.redis_store import AsyncRedisStore, RedisStore
from security.limits.table import Hit, LimitTable, LimitType, Quota, Scope

__all__ = [
    "Admission",
    "Allowance",
    "AsyncBudgetLedger",
    "AsyncLimiter",
    "AsyncMemoryStore",
    "AsyncRedisStore",
    "AsyncStore",
    "BudgetAccount",
    "BudgetAdmission",
    "BudgetLedger",
    "BudgetLine",
    "BudgetStanding",
    "Hit",
    "LimitTable",
    "LimitType",
    "Limiter",
    "LimiterUnavailable",
    "MemoryStore",
    "Quota",
    "RedisStore",
    "Scope",
    "Spend",
    "Standing",
    "Store",
    "exceeded",
    "micro",
    "rate_limit",
    "rate_limit_headers",
    "rate_limit_policy",
]
