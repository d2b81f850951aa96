"""Budgets of tokens and money: reserved before a call, settled after it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from security.limits.budget import Allowance, BudgetAccount, BudgetLine, Spend
from security.limits.commands import (
    AsyncStore,
    Reserve,
    Settle,
    Store,
    check_one_customer,
    checked_id,
    milliseconds,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStanding:
    """Tell how an account stands: what was spent, and what is held for calls under way, this one's included."""

    account: BudgetAccount
    allowance: Allowance
    spent: Spend
    held: Spend


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAdmission:
    """Tell whether the call may be made. The estimate is held on every account, or on none.

    ``refused`` is the first account, in the order asked, that cannot cover it; None where all can. ``unknown`` is an
    account that the store does not have: ask again with what is recorded of it.
    """

    standings: tuple[BudgetStanding, ...]
    refused: BudgetStanding | None = None
    unknown: BudgetAccount | None = None

    @property
    def admitted(self) -> bool:
        return self.refused is None and self.unknown is None


class BudgetLedger:
    """Keep the budgets of tasks and of customers' months."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reserve(
        self, lines: Iterable[BudgetLine], *, reservation_id: str, estimate: Spend, now: datetime, lease_seconds: float
    ) -> BudgetAdmission:
        """Hold the estimate until the call is settled, released, or the lease is over.

        The same id again replaces its own hold and renews the lease; one that is settled is admitted and holds nothing.

        Raises:
            LimiterUnavailable: the ledger is out of reach.
            ValueError: accounts of several customers, or none.
        """
        command = _reserve_command(lines, reservation_id, estimate, now, lease_seconds)
        return _admission(command, self._store.run(command))

    def settle(self, accounts: Iterable[BudgetAccount], *, reservation_id: str, actual: Spend, now: datetime) -> bool:
        """Count what the call took, also where its lease was over; tell whether it is the first time.

        Settle before the same figures are committed to the database: a reservation counts once, and an account that
        was lost begins with what the database knows.

        Raises:
            LimiterUnavailable: the ledger is out of reach.
        """
        return self._store.run(_settle_command(accounts, reservation_id, actual, now)) == [1]

    def release(self, accounts: Iterable[BudgetAccount], *, reservation_id: str, now: datetime) -> None:
        """Drop the hold of a call that was not made, or took nothing. Raises LimiterUnavailable."""
        self._store.run(_settle_command(accounts, reservation_id, None, now))


class AsyncBudgetLedger:
    """The same, from an event loop."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store

    async def reserve(
        self, lines: Iterable[BudgetLine], *, reservation_id: str, estimate: Spend, now: datetime, lease_seconds: float
    ) -> BudgetAdmission:
        """Hold the estimate; see BudgetLedger.reserve."""
        command = _reserve_command(lines, reservation_id, estimate, now, lease_seconds)
        return _admission(command, await self._store.run(command))

    async def settle(
        self, accounts: Iterable[BudgetAccount], *, reservation_id: str, actual: Spend, now: datetime
    ) -> bool:
        """Count what the call took; see BudgetLedger.settle."""
        return await self._store.run(_settle_command(accounts, reservation_id, actual, now)) == [1]

    async def release(self, accounts: Iterable[BudgetAccount], *, reservation_id: str, now: datetime) -> None:
        """Drop the hold; see BudgetLedger.release."""
        await self._store.run(_settle_command(accounts, reservation_id, None, now))


def _reserve_command(
    lines: Iterable[BudgetLine], reservation_id: str, estimate: Spend, now: datetime, lease_seconds: float
) -> Reserve:
    found, now_ms = tuple(lines), milliseconds(now)
    _check_accounts([line.account for line in found])
    return Reserve(
        lines=found,
        reservation_id=checked_id(reservation_id),
        estimate=estimate,
        now_ms=now_ms,
        expires_ms=now_ms + int(lease_seconds * 1000),
    )


def _settle_command(
    accounts: Iterable[BudgetAccount], reservation_id: str, actual: Spend | None, now: datetime
) -> Settle:
    found = tuple(accounts)
    _check_accounts(found)
    return Settle(accounts=found, reservation_id=checked_id(reservation_id), actual=actual, now_ms=milliseconds(now))


def _check_accounts(accounts: Sequence[BudgetAccount]) -> None:
    check_one_customer(account.customer_id for account in accounts)
    if not accounts or len(set(accounts)) < len(accounts):
        raise ValueError("an account twice, or none at all")


def _admission(command: Reserve, reply: list[int]) -> BudgetAdmission:
    if reply[0] < 0:
        return BudgetAdmission(standings=(), unknown=command.lines[-reply[0] - 1].account)
    standings = tuple(
        BudgetStanding(
            account=line.account,
            allowance=line.allowance,
            spent=Spend(tokens=tokens, micro_usd=micro_usd),
            held=Spend(tokens=held_tokens, micro_usd=held_micro_usd),
        )
        for line, tokens, micro_usd, held_tokens, held_micro_usd in zip(
            command.lines, reply[1::4], reply[2::4], reply[3::4], reply[4::4], strict=True
        )
    )
    return BudgetAdmission(standings=standings, refused=standings[reply[0] - 1] if reply[0] else None)
