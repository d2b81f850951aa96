"""Budgets as values: what was spent, what is held for calls under way, and the rules by which both change.

A call's estimate is held before it, and becomes what it really took once it is settled. Money is counted in millionths
of a dollar, whole numbers that add up the same in every order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

from security.limits.table import slot_tag

# One call takes no more (a million dollars, a million million tokens); what claims to is counted as this.
LARGEST_CALL = 10**12
# Redis' scripts count in double precision: a sum stops here, long past every allowance.
LARGEST_SUM = 2**53 - 1
_DAY_MS = 86_400_000
_MICRO_USD = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """An amount of tokens and money (millionths of a dollar)."""

    tokens: int = 0
    micro_usd: int = 0

    @classmethod
    def of_call(cls, *, tokens: int = 0, cost_usd: float | Decimal = 0) -> Self:
        """Return what one call took or may take; a claim beyond reason is cut at LARGEST_CALL, a negative one at 0.

        Raises:
            ValueError: the cost is not a finite number.
        """
        return cls(tokens=_clamped(tokens), micro_usd=_clamped(micro(cost_usd)))

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            tokens=min(self.tokens + other.tokens, LARGEST_SUM),
            micro_usd=min(self.micro_usd + other.micro_usd, LARGEST_SUM),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What may be spent in all; None is no limit."""

    tokens: int | None = None
    micro_usd: int | None = None

    def covers(self, spend: Spend) -> bool:
        """Tell whether so much in all is allowed."""
        return (self.tokens is None or spend.tokens <= self.tokens) and (
            self.micro_usd is None or spend.micro_usd <= self.micro_usd
        )


@dataclass(frozen=True, slots=True)
class BudgetAccount:
    """Name what a budget is counted on; ``keep_ms`` is how long its figures are kept after their last change."""

    customer_id: str
    name: str
    keep_ms: int

    @classmethod
    def of_task(cls, *, customer_id: str, task_id: str) -> Self:
        return cls(customer_id, f"task:{quote(task_id, safe='')}", 3 * _DAY_MS)

    @classmethod
    def of_month(cls, *, customer_id: str, at: datetime) -> Self:
        """Return the customer's account of the calendar month in UTC."""
        return cls(customer_id, f"month:{at.astimezone(UTC):%Y-%m}", 40 * _DAY_MS)

    @property
    def key(self) -> str:
        return f"a2a:budget:{slot_tag(self.customer_id)}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """Ask one account to cover a call.

    ``recorded`` is what the database knows to be spent: an account that the store has not met, or has lost, begins
    with it. None: it is to be asked only then, which the answer says.
    """

    account: BudgetAccount
    allowance: Allowance
    recorded: Spend | None = Spend()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    spend: Spend
    expires_ms: int


def _no_holds() -> Mapping[str, Hold]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Where an account stands: what was spent, and what is held by reservation id."""

    spent: Spend = Spend()
    holds: Mapping[str, Hold] = field(default_factory=_no_holds)

    @property
    def held(self) -> Spend:
        return sum((hold.spend for hold in self.holds.values()), Spend())


def lapsed(balance: Balance, *, now_ms: int) -> Balance:
    """Return the balance without the holds whose time is over: whoever made them is gone."""
    live = {key: hold for key, hold in balance.holds.items() if hold.expires_ms > now_ms}
    return balance if len(live) == len(balance.holds) else replace(balance, holds=MappingProxyType(live))


def affordable(balance: Balance, *, reservation_id: str, estimate: Spend, allowance: Allowance) -> bool:
    """Tell whether the estimate fits beside all else; an earlier hold of the same reservation makes room for it."""
    others = without_hold(balance, reservation_id=reservation_id)
    return allowance.covers(others.spent + others.held + estimate)


def with_hold(balance: Balance, *, reservation_id: str, hold: Hold) -> Balance:
    return replace(balance, holds=MappingProxyType({**balance.holds, reservation_id: hold}))


def without_hold(balance: Balance, *, reservation_id: str) -> Balance:
    if reservation_id not in balance.holds:
        return balance
    kept = {key: hold for key, hold in balance.holds.items() if key != reservation_id}
    return replace(balance, holds=MappingProxyType(kept))


def with_spent(balance: Balance, actual: Spend) -> Balance:
    return replace(balance, spent=balance.spent + actual)


def micro(cost_usd: float | Decimal) -> int:
    """Return an amount of dollars in millionths, at most LARGEST_CALL. Raises ValueError for what is not finite."""
    cost = Decimal(str(cost_usd))
    if not cost.is_finite():
        raise ValueError(f"a cost of {cost_usd}")
    return int(min(cost * _MICRO_USD, Decimal(LARGEST_CALL)).to_integral_value(ROUND_HALF_EVEN))


def _clamped(amount: int) -> int:
    return min(max(amount, 0), LARGEST_CALL)
