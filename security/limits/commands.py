"""What a store is asked to do, each in one step that nothing can come between."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from security.limits.budget import BudgetAccount, BudgetLine, Spend
from security.limits.table import Hit, Quota, Scope

# How long a call is known to be settled: past the longest time in which it could be settled a second time.
SETTLED_KEEP_MS = 3 * 86_400_000
_LONGEST_ID = 300


class Acquire(NamedTuple):
    """Count every hit, or none. Reply: 1 or 0, then for each hit used, ms until more is free, ms to wait."""

    hits: tuple[Hit, ...]
    operation_id: str
    now_ms: int


class Admit(NamedTuple):
    """Count every hit, or none, as Acquire does, for who asks no more than that. Reply: 1 or 0."""

    hits: tuple[Hit, ...]
    operation_id: str
    now_ms: int

    @property
    def customer_id(self) -> str:
        return self.hits[0].scope.customer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Take out what the operation counted. Reply: how many counters had it."""

    scopes: tuple[Scope, ...]
    operation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Hold the estimate on every line's account, or on none.

    Reply: 0, or the number of the first line that cannot cover it (from 1), then for each line the tokens and the money
    spent, the tokens and the money held. Below 0 it is but the number of a line whose beginning must be known first.
    """

    lines: tuple[BudgetLine, ...]
    reservation_id: str
    estimate: Spend
    now_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Drop the reservation's holds; with ``actual`` count that as spent, once. Reply: 1 where it was counted."""

    accounts: tuple[BudgetAccount, ...]
    reservation_id: str
    actual: Spend | None
    now_ms: int


Command = Acquire | Admit | GiveBack | Reserve | Settle


class Store(Protocol):
    def run(self, command: Command) -> list[int]:
        """Carry out the command. Raises LimiterUnavailable within 100 ms where the counters are out of reach."""

    def ping(self) -> None:
        """Raise LimiterUnavailable where the counters are out of reach."""


class AsyncStore(Protocol):
    def run(self, command: Command) -> Awaitable[list[int]]:
        """Begin to carry out the command, and return the reply to come; else as Store.run."""

    def ping(self) -> Awaitable[None]:
        """Raise LimiterUnavailable where the counters are out of reach."""


def milliseconds(at: datetime) -> int:
    """Return the time since the epoch. Raises ValueError for a time without its zone."""
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return int(at.timestamp() * 1000)


def checked_id(value: str) -> str:
    """Return the id of an operation or a reservation. Raises ValueError where it cannot be one."""
    if not (0 < len(value) <= _LONGEST_ID and value.isprintable()):
        raise ValueError(f"an id has 1 to {_LONGEST_ID} printable characters")
    return value


def merged(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Return the hits with those of one operation on one counter added up.

    Raises:
        ValueError: two customers in one check, or two quotas for one counter.
    """
    found: dict[tuple[Scope, str], Hit] = {}
    quotas: dict[Scope, Quota] = {}
    for hit in hits:
        if quotas.setdefault(hit.scope, hit.quota) != hit.quota:
            raise ValueError(f"two quotas for {hit.scope}")
        known = found.setdefault((hit.scope, hit.operation_id), hit)
        if known is not hit:
            found[hit.scope, hit.operation_id] = replace(known, amount=known.amount + hit.amount)
    check_one_customer(scope.customer_id for scope in quotas)
    return tuple(found.values())


def check_one_customer(customer_ids: Iterable[str]) -> None:
    """Raise ValueError where several customers would be counted in one step."""
    if len(set(customer_ids)) > 1:
        raise ValueError("several customers in one check")
