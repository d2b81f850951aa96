"""The role matrix and the rules of rank, every combination tried."""

from itertools import product

import pytest

from security.authorisation import RANKS, Employee, may_delegate, may_invoke
from security.errors import AuthFailed
from security.models import Role
from security.principal import Principal
from security.roles import ROLE_MATRIX, Permission

EXPECTED = {
    "owner": "task_view task_submit task_cancel approve answer agent_view agent_edit audit_view people_view rule_edit "
    "key_edit leak_judge leak_edit",
    "operator": "task_view task_submit task_cancel answer agent_view agent_edit",
    "approver": "task_view approve answer agent_view",
    "auditor": "task_view agent_view audit_view people_view leak_judge",
    "viewer": "task_view agent_view",
}


@pytest.mark.parametrize(("role", "permission"), [*product(Role, Permission)])
def test_a_role_grants_what_the_matrix_says_and_nothing_else(role: Role, permission: Permission) -> None:
    person = Principal(user_id=1, username="pat", customer_id="techcorp", role=role)
    granted = permission in EXPECTED[role].split()

    assert person.may(permission) == granted
    if granted:
        person.require(permission)
    else:
        with pytest.raises(AuthFailed) as refusal:
            person.require(permission)
        assert "techcorp" not in refusal.value.user_message


def test_every_role_has_its_row() -> None:
    assert set(ROLE_MATRIX) == set(Role) == set(EXPECTED)


def employee(seniority: str = "senior", *, customer_id: str = "techcorp", enabled: bool = True) -> Employee:
    return Employee(customer_id=customer_id, agent_type="writer", seniority=seniority, enabled=enabled)


@pytest.mark.parametrize(("source", "target"), [*product(RANKS, RANKS)])
def test_work_goes_sideways_or_down_never_up(source: str, target: str) -> None:
    ranks = "executive director manager senior specialist".split()

    ruling = may_delegate(source=employee(source), target=employee(target))

    assert ruling.authorized == (ranks.index(target) >= ranks.index(source))
    assert "seniority" in ruling.reason


@pytest.mark.parametrize("target", [employee(customer_id="acmecorp"), employee(enabled=False)])
def test_strangers_and_the_disabled_are_never_called(target: Employee) -> None:
    assert not may_invoke(customer_id="techcorp", target=target).authorized
    assert not may_delegate(source=employee("executive"), target=target).authorized
