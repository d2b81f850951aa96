"""Quotas and the names of counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.limits import Hit, LimitTable, LimitType, Quota, Scope

TIGHT, WIDE = Quota(allowed=1, window_seconds=60), Quota(allowed=9000, window_seconds=86400)
names = st.text(min_size=1, max_size=6, alphabet="ab:{}%/ é")


def test_the_defaults_are_those_of_the_documentation() -> None:
    table = LimitTable()
    quotas = [
        table.customer_tasks(customer_id="acme").quota,
        table.agent_calls(customer_id="acme", agent="editor").quota,
        table.delegation_pair(customer_id="acme", agent_from="editor", agent_to="copywriter").quota,
    ]
    assert [(quota.allowed, quota.window_seconds) for quota in quotas] == [(1000, 86400), (100, 3600), (50, 3600)]
    same = LimitTable.of(customer_tasks_per_day=1000, agent_calls_per_hour=100, delegations_per_hour=50)
    assert same.defaults == table.defaults


def test_the_override_that_names_a_counter_most_closely_holds() -> None:
    table = LimitTable(
        overrides={
            Scope(LimitType.DELEGATION_PAIR, "acme"): Quota(allowed=2, window_seconds=3600),
            Scope(LimitType.DELEGATION_PAIR, "acme", ("editor",)): Quota(allowed=3, window_seconds=3600),
            Scope(LimitType.DELEGATION_PAIR, "acme", ("editor", "copywriter")): Quota(allowed=4, window_seconds=3600),
        }
    )

    def allowed(customer_id: str, agent_from: str, agent_to: str) -> int:
        hit = table.delegation_pair(customer_id=customer_id, agent_from=agent_from, agent_to=agent_to)
        return hit.quota.allowed

    assert allowed("acme", "editor", "copywriter") == 4
    assert allowed("acme", "editor", "analyst") == 3
    assert allowed("acme", "analyst", "copywriter") == 2
    assert allowed("techcorp", "editor", "copywriter") == 50


def test_an_override_of_one_type_leaves_the_others_alone() -> None:
    table = LimitTable(overrides={Scope(LimitType.AGENT_CALLS, "acme"): TIGHT})
    assert table.agent_calls(customer_id="acme", agent="editor").quota == TIGHT
    assert table.customer_tasks(customer_id="acme").quota.allowed == 1000


@given(first=st.tuples(names, names, names), second=st.tuples(names, names, names))
def test_no_two_counters_share_a_key(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    def keys(customer: str, agent: str, target: str) -> set[str]:
        return {
            Scope(LimitType.CUSTOMER_TASKS, customer).key,
            Scope(LimitType.AGENT_CALLS, customer, (agent,)).key,
            Scope(LimitType.DELEGATION_PAIR, customer, (agent, target)).key,
        }

    assert len(keys(*first)) == 3
    if first[0] != second[0]:
        assert not keys(*first) & keys(*second)
    if first != second:
        assert Scope(LimitType.DELEGATION_PAIR, first[0], first[1:]).key != (
            Scope(LimitType.DELEGATION_PAIR, second[0], second[1:]).key
        )


@pytest.mark.parametrize(("allowed", "window_seconds"), [(-1, 60), (1, 0)])
def test_a_quota_is_a_number_in_a_time(allowed: int, window_seconds: int) -> None:
    with pytest.raises(ValueError, match="a quota"):
        Quota(allowed=allowed, window_seconds=window_seconds)


def test_a_counter_has_a_customer_and_the_parts_of_its_type() -> None:
    with pytest.raises(ValueError, match="no counter"):
        Scope(LimitType.CUSTOMER_TASKS, "")
    with pytest.raises(ValueError, match="no counter"):
        Scope(LimitType.CUSTOMER_TASKS, "acme", ("editor",))
    with pytest.raises(ValueError, match="a hit"):
        Hit(scope=Scope(LimitType.DELEGATION_PAIR, "acme", ("editor",)), quota=WIDE)
    with pytest.raises(ValueError, match="a hit"):
        Hit(scope=Scope(LimitType.CUSTOMER_TASKS, "acme"), quota=WIDE, amount=0)
