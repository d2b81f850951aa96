"""Budgets: held before a call, counted after it, freed when the call came to nothing."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from security.limits import (
    Allowance,
    AsyncBudgetLedger,
    AsyncMemoryStore,
    BudgetAccount,
    BudgetAdmission,
    BudgetLedger,
    BudgetLine,
    MemoryStore,
    Spend,
    Store,
)
from tests.security.limits.conftest import NOW
from tests.security.limits.test_concurrency import admitted_of


class Budgets:
    """A customer's month with 1000 tokens and one dollar, and a task with 300 tokens."""

    def __init__(self, store: Store, customer: str) -> None:
        self.ledger = BudgetLedger(store)
        self.task = BudgetAccount.of_task(customer_id=customer, task_id="7")
        self.month = BudgetAccount.of_month(customer_id=customer, at=NOW)
        self.accounts = [self.task, self.month]

    def reserve(self, call: str, tokens: int, *, micro_usd: int = 0, minutes: int = 0) -> BudgetAdmission:
        return self.ledger.reserve(
            [
                BudgetLine(account=self.task, allowance=Allowance(tokens=300)),
                BudgetLine(account=self.month, allowance=Allowance(tokens=1000, micro_usd=1_000_000)),
            ],
            reservation_id=call,
            estimate=Spend(tokens=tokens, micro_usd=micro_usd),
            now=NOW + timedelta(minutes=minutes),
            lease_seconds=60,
        )

    def settle(self, call: str, tokens: int, *, micro_usd: int = 0) -> bool:
        actual = Spend(tokens=tokens, micro_usd=micro_usd)
        return self.ledger.settle(self.accounts, reservation_id=call, actual=actual, now=NOW)

    def figures(self) -> list[tuple[int, int]]:
        """Return tokens spent and held, of the task and of the month."""
        standings = self.reserve("looks only", 0).standings
        self.ledger.release(self.accounts, reservation_id="looks only", now=NOW)
        return [(standing.spent.tokens, standing.held.tokens) for standing in standings]


@pytest.fixture
def budgets(store: Store, customer: str) -> Budgets:
    return Budgets(store, customer)


def test_an_estimate_is_held_on_every_account_until_it_is_settled(budgets: Budgets) -> None:
    assert budgets.reserve("a", 100).admitted
    assert budgets.figures() == [(0, 100), (0, 100)]
    assert budgets.settle("a", 120)
    assert budgets.figures() == [(120, 0), (120, 0)]


def test_what_is_held_cannot_be_held_again(budgets: Budgets) -> None:
    assert budgets.reserve("a", 200).admitted
    admission = budgets.reserve("b", 101)
    assert admission.refused is not None
    assert admission.refused.account == budgets.task
    assert budgets.figures() == [(0, 200), (0, 200)]
    assert budgets.reserve("b", 100).admitted


def test_a_refusal_holds_nothing_on_the_accounts_that_could_cover_it(budgets: Budgets) -> None:
    admission = budgets.reserve("a", 1, micro_usd=1_000_001)
    assert admission.refused is not None
    assert admission.refused.account == budgets.month
    assert budgets.figures() == [(0, 0), (0, 0)]


def test_a_released_call_frees_what_it_held(budgets: Budgets) -> None:
    budgets.reserve("a", 300)
    budgets.ledger.release(budgets.accounts, reservation_id="a", now=NOW)
    budgets.ledger.release(budgets.accounts, reservation_id="a", now=NOW)
    assert budgets.figures() == [(0, 0), (0, 0)]


def test_what_a_dead_process_held_is_free_when_its_lease_is_over(budgets: Budgets) -> None:
    assert budgets.reserve("dead", 300).admitted
    assert not budgets.reserve("next", 1).admitted
    assert budgets.reserve("next", 300, minutes=1).admitted


def test_a_call_that_outlives_its_lease_is_counted_all_the_same(budgets: Budgets) -> None:
    budgets.reserve("slow", 100)
    budgets.reserve("next", 50, minutes=2)
    assert budgets.settle("slow", 130)
    assert budgets.figures() == [(130, 50), (130, 50)]


def test_a_call_that_is_taken_over_renews_its_hold_and_holds_it_once(budgets: Budgets) -> None:
    budgets.reserve("a", 200)
    assert budgets.reserve("a", 250).admitted
    assert budgets.figures() == [(0, 250), (0, 250)]
    assert not budgets.reserve("a", 301).admitted
    assert budgets.figures() == [(0, 250), (0, 250)]


def test_a_call_is_counted_once_however_often_it_is_settled(budgets: Budgets) -> None:
    budgets.reserve("a", 100)
    assert budgets.settle("a", 100)
    assert not budgets.settle("a", 100)
    assert budgets.reserve("a", 5000).admitted
    assert not budgets.settle("a", 100)
    assert budgets.figures() == [(100, 0), (100, 0)]


def test_what_was_really_taken_may_exceed_and_then_nothing_more_is_covered(budgets: Budgets) -> None:
    budgets.reserve("a", 100)
    budgets.settle("a", 400)
    admission = budgets.reserve("b", 0)
    assert admission.refused is not None
    assert admission.refused.spent.tokens == 400


def test_money_is_counted_beside_tokens(budgets: Budgets) -> None:
    assert budgets.reserve("a", 0, micro_usd=600_000).admitted
    budgets.settle("a", 0, micro_usd=400_001)
    assert not budgets.reserve("b", 0, micro_usd=600_000).admitted
    assert budgets.reserve("b", 0, micro_usd=599_999).admitted


def test_an_account_that_was_never_met_begins_with_what_is_recorded(store: Store, customer: str) -> None:
    ledger, month = BudgetLedger(store), BudgetAccount.of_month(customer_id=customer, at=NOW)
    for recorded, spent in ((900, 900), (5, 900)):
        line = BudgetLine(account=month, allowance=Allowance(tokens=1000), recorded=Spend(tokens=recorded))
        admission = ledger.reserve([line], reservation_id="a", estimate=Spend(tokens=100), now=NOW, lease_seconds=60)
        assert admission.standings[0].spent.tokens == spent
        assert admission.admitted


def test_an_account_that_was_lost_is_not_begun_by_a_settlement(store: Store, customer: str) -> None:
    ledger, month = BudgetLedger(store), BudgetAccount.of_month(customer_id=customer, at=NOW)
    assert ledger.settle([month], reservation_id="a", actual=Spend(tokens=7), now=NOW)
    line = BudgetLine(account=month, allowance=Allowance(), recorded=Spend(tokens=500))
    admission = ledger.reserve([line], reservation_id="b", estimate=Spend(), now=NOW, lease_seconds=60)
    assert admission.standings[0].spent.tokens == 500


def test_sums_beyond_reason_stay_numbers(store: Store, customer: str) -> None:
    ledger, month = BudgetLedger(store), BudgetAccount.of_month(customer_id=customer, at=NOW)
    recorded = Spend(tokens=2**53 - 2, micro_usd=2**53 - 2)
    line = BudgetLine(account=month, allowance=Allowance(), recorded=recorded)
    huge = Spend.of_call(tokens=2**54, cost_usd=1e30)
    assert ledger.reserve([line], reservation_id="a", estimate=huge, now=NOW, lease_seconds=60).admitted
    ledger.settle([month], reservation_id="a", actual=huge, now=NOW)
    admission = ledger.reserve([line], reservation_id="b", estimate=Spend(), now=NOW, lease_seconds=60)
    assert admission.standings[0].spent == Spend(tokens=2**53 - 1, micro_usd=2**53 - 1)
    assert admission.standings[0].held == Spend()


def test_calls_at_once_never_hold_more_than_is_allowed(budgets: Budgets) -> None:
    assert admitted_of(lambda number: budgets.reserve(f"call-{number}", 30).admitted, 80) == 10
    assert budgets.figures() == [(0, 300), (0, 300)]


def test_an_event_loop_keeps_the_same_books(customer: str) -> None:
    store = MemoryStore()
    ledger, month = AsyncBudgetLedger(AsyncMemoryStore(store)), BudgetAccount.of_month(customer_id=customer, at=NOW)
    line = BudgetLine(account=month, allowance=Allowance(tokens=10))

    async def story() -> None:
        for call in ("a", "b"):
            estimate = Spend(tokens=5)
            admission = await ledger.reserve([line], reservation_id=call, estimate=estimate, now=NOW, lease_seconds=60)
            assert admission.admitted
        await ledger.release([month], reservation_id="a", now=NOW)
        assert await ledger.settle([month], reservation_id="b", actual=Spend(tokens=4), now=NOW)

    asyncio.run(story())
    estimate = Spend(tokens=6)
    assert (
        BudgetLedger(store).reserve([line], reservation_id="c", estimate=estimate, now=NOW, lease_seconds=60).admitted
    )


def test_the_month_is_the_calendars_in_utc() -> None:
    night = NOW.replace(day=30, hour=23, minute=59)
    assert BudgetAccount.of_month(customer_id="acme", at=night).key == "a2a:budget:{acme}:month:2026-11"
    after = night + timedelta(minutes=1)
    assert BudgetAccount.of_month(customer_id="acme", at=after).key == "a2a:budget:{acme}:month:2026-12"


def test_a_customer_that_looks_like_an_account_has_its_own() -> None:
    first = BudgetAccount.of_task(customer_id="acme}:task:1", task_id="2").key
    assert first != BudgetAccount.of_task(customer_id="acme", task_id="1}:task:2").key


def test_a_call_is_counted_in_millionths_of_a_dollar() -> None:
    assert Spend.of_call(tokens=3, cost_usd=0.1) + Spend.of_call(cost_usd=Decimal("0.2")) == (
        Spend(tokens=3, micro_usd=300_000)
    )
    assert Spend.of_call(tokens=-5, cost_usd=-1) == Spend()
    assert Spend.of_call(tokens=2**60, cost_usd=1e300) == Spend(tokens=10**12, micro_usd=10**12)
    with pytest.raises(ValueError, match="a cost of"):
        Spend.of_call(cost_usd=float("nan"))


def test_it_takes_no_accounts_of_two_customers_and_none_twice(store: Store) -> None:
    ledger = BudgetLedger(store)
    acme, techcorp = (BudgetAccount.of_month(customer_id=name, at=NOW) for name in ("acme", "techcorp"))
    for accounts, problem in (([acme, techcorp], "several customers"), ([acme, acme], "twice"), ([], "none")):
        with pytest.raises(ValueError, match=problem):
            ledger.settle(accounts, reservation_id="a", actual=Spend(), now=NOW)
