"""Whom a hop may delegate to: rank, rules for pairs, the person's reach, and that of each agent on the path."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.policy.verdict import Colleague, Situation, candidates, may_receive
from security.authorisation import RANKS, Employee, Ruling, may_delegate, may_give_work, may_invoke
from security.roles import Role

RANKED = sorted(RANKS, key=lambda rank: RANKS[rank])


def colleague(agent_type: str, seniority: str) -> Colleague:
    return Colleague(
        customer_id="techcorp",
        agent_type=agent_type,
        seniority=seniority,
        enabled=True,
        name=agent_type,
        skills=(),
        description="",
        requires_approval=False,
    )


STAFF = {kind: colleague(kind, rank) for kind, rank in (
    ("director", "director"), ("manager", "manager"), ("writer", "senior"), ("editor", "senior"), ("seo", "specialist"),
)}  # fmt: skip
NO, YES = Ruling(authorized=False, reason="deny rule 1: no"), Ruling(authorized=True, reason="allow rule 2: yes")


def situation(*path: str, reach: set[str] | None = None, **rulings: Ruling) -> Situation:
    """Return where the last agent on the path stands; ``rulings`` are named from__to."""
    pairs = {tuple(name.split("__")): ruling for name, ruling in rulings.items()}
    return Situation(
        agent=STAFF[path[-1]],
        depth=len(path) - 1,
        path=path,
        roster=STAFF,
        hops_left=10,
        rulings=pairs,  # type: ignore[arg-type]
        reach=None if reach is None else frozenset(reach),
    )


def names(of: Situation) -> set[str]:
    return {each.agent_type for each in candidates(of)}


def test_a_specialist_cannot_delegate_to_a_manager_and_a_manager_can_to_a_specialist() -> None:
    refused = may_receive(STAFF["manager"], situation("seo"))

    assert not refused.authorized
    assert "seniority" in refused.reason
    assert may_receive(STAFF["seo"], situation("manager")).authorized


def test_an_allow_rule_lets_work_go_up_and_is_named() -> None:
    ruling = may_receive(STAFF["manager"], situation("seo", seo__manager=YES))

    assert ruling == YES


def test_a_deny_rule_stops_what_rank_would_allow_and_is_named() -> None:
    assert may_receive(STAFF["seo"], situation("manager", manager__seo=NO)) == NO
    assert names(situation("manager", manager__seo=NO)) == {"writer", "editor"}


def test_a_rule_never_reaches_the_disabled_or_another_customers() -> None:
    boss = Employee(customer_id="techcorp", agent_type="boss", seniority="executive", enabled=True)
    always = {("boss", "x"): YES}
    for target in (
        Employee(customer_id="acmecorp", agent_type="x", seniority="specialist", enabled=True),
        Employee(customer_id="techcorp", agent_type="x", seniority="specialist", enabled=False),
    ):
        assert not may_delegate(source=boss, target=target, rulings=always).authorized


def test_what_an_agent_on_the_path_may_not_reach_it_does_not_reach_through_another() -> None:
    refused = may_receive(STAFF["seo"], situation("manager", "writer", manager__seo=NO))

    assert not refused.authorized
    assert refused.reason == "manager on the path may not: deny rule 1: no"
    upwards = situation("seo", "manager", seo__manager=YES)
    assert names(upwards) == set(), "the specialist may reach the manager, and nobody of its staff through it"


def test_an_agent_on_the_path_that_is_employed_no_more_reaches_nobody() -> None:
    assert names(situation("gone", "manager")) == set()


def test_the_persons_reach_bounds_every_hop() -> None:
    within = situation("manager", reach={"manager", "seo"})

    assert names(within) == {"seo"}
    assert "reach" in may_receive(STAFF["writer"], within).reason
    assert not may_invoke(customer_id="techcorp", target=STAFF["writer"], reach={"seo"}).authorized


@given(
    path=st.lists(st.sampled_from(sorted(STAFF)), min_size=1, max_size=4, unique=True),
    reach=st.none() | st.sets(st.sampled_from(sorted(STAFF))),
    rulings=st.dictionaries(st.tuples(*[st.sampled_from(sorted(STAFF))] * 2), st.sampled_from([NO, YES])),
)
def test_a_delegation_never_widens_rights(
    path: list[str], reach: set[str] | None, rulings: dict[tuple[str, str], Ruling]
) -> None:
    """Whoever is added below, the path reaches no agent that it did not reach before."""
    named = {"__".join(pair): ruling for pair, ruling in rulings.items()}
    for target in candidates(situation(*path, reach=reach, **named)):
        deeper = situation(*path, target.agent_type, reach=reach, **named)
        before = {
            each
            for each in STAFF
            if each not in deeper.path and may_receive(STAFF[each], situation(*path, reach=reach, **named)).authorized
        }
        assert names(deeper) <= before


@pytest.mark.parametrize(("role", "granted", "restricted"), [*product(Role, (True, False), (True, False))])
def test_who_may_have_an_agent_work_for_them(role: Role, granted: bool, restricted: bool) -> None:
    target = Employee(
        customer_id="techcorp", agent_type="writer", seniority="senior", enabled=True, restricted=restricted
    )

    ruling = may_give_work(role=role, granted=granted, target=target)

    assert ruling.authorized == (granted or role == "owner" or (role == "operator" and not restricted))
    assert not may_give_work(role=role, granted=granted, within=False, target=target).authorized
