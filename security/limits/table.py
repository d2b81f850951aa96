"""How much is allowed to whom: the defaults, what overrides them, and the hits that are counted against them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

_DAY, _HOUR = 86_400, 3_600


class LimitType(StrEnum):
    CUSTOMER_TASKS = "customer_tasks"
    AGENT_CALLS = "agent_calls"
    DELEGATION_PAIR = "delegation_pair"


# What tells the counters of one customer apart: nothing, the agent, the agent that delegates and its target.
_PARTS = {LimitType.CUSTOMER_TASKS: 0, LimitType.AGENT_CALLS: 1, LimitType.DELEGATION_PAIR: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Allow so many in any span of ``window_seconds``; 0 allows none."""

    allowed: int
    window_seconds: int

    def __post_init__(self) -> None:
        if self.allowed < 0 or self.window_seconds < 1:
            raise ValueError(f"a quota of {self.allowed} in {self.window_seconds} s")


@dataclass(frozen=True, slots=True)
class Scope:
    """Name a counter, or as the key of an override all counters that begin with ``parts``.

    ``parts`` are () for a customer's tasks, (agent,) for calls, (agent, target) for delegations.
    """

    limit_type: LimitType
    customer_id: str
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.customer_id or len(self.parts) > _PARTS[self.limit_type]:
            raise ValueError(f"no counter {self.limit_type} of {self.customer_id!r} is named by {self.parts}")

    @property
    def key(self) -> str:
        """Return the counter's key; names are quoted, so that no two counters can share one."""
        return _key(self.limit_type, self.customer_id, self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Count ``amount`` against one counter, under the quota that holds for it at this moment.

    ``operation_id`` is given where it is another than the check's, so that several operations are admitted together.
    ``ahead`` is how much others wait for that came before: where the hit is refused, it is told when its turn comes.
    """

    scope: Scope
    quota: Quota
    amount: int = 1
    operation_id: str = ""
    ahead: int = 0

    def __post_init__(self) -> None:
        if self.amount < 1 or len(self.scope.parts) != _PARTS[self.scope.limit_type]:
            raise ValueError(f"a hit of {self.amount} on {self.scope}")


def _defaults() -> Mapping[LimitType, Quota]:
    return MappingProxyType(
        {
            LimitType.CUSTOMER_TASKS: Quota(allowed=1000, window_seconds=_DAY),
            LimitType.AGENT_CALLS: Quota(allowed=100, window_seconds=_HOUR),
            LimitType.DELEGATION_PAIR: Quota(allowed=50, window_seconds=_HOUR),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTable:
    """Know the quota of every counter: the override that names it most closely, else the default of its type."""

    defaults: Mapping[LimitType, Quota] = field(default_factory=_defaults)
    overrides: Mapping[Scope, Quota] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        *,
        customer_tasks_per_day: int,
        agent_calls_per_hour: int,
        delegations_per_hour: int,
        overrides: Mapping[Scope, Quota] | None = None,
    ) -> Self:
        """Return the table with these defaults."""
        defaults = {
            LimitType.CUSTOMER_TASKS: Quota(allowed=customer_tasks_per_day, window_seconds=_DAY),
            LimitType.AGENT_CALLS: Quota(allowed=agent_calls_per_hour, window_seconds=_HOUR),
            LimitType.DELEGATION_PAIR: Quota(allowed=delegations_per_hour, window_seconds=_HOUR),
        }
        return cls(defaults=MappingProxyType(defaults), overrides=MappingProxyType(dict(overrides or {})))

    def quota(self, scope: Scope) -> Quota:
        if self.overrides:
            for length in range(len(scope.parts), -1, -1):
                found = self.overrides.get(Scope(scope.limit_type, scope.customer_id, scope.parts[:length]))
                if found is not None:
                    return found
        return self.defaults[scope.limit_type]

    def customer_tasks(self, *, customer_id: str, amount: int = 1) -> Hit:
        return self._hit(Scope(LimitType.CUSTOMER_TASKS, customer_id), amount)

    def agent_calls(self, *, customer_id: str, agent: str, amount: int = 1) -> Hit:
        return self._hit(Scope(LimitType.AGENT_CALLS, customer_id, (agent,)), amount)

    def delegation_pair(self, *, customer_id: str, agent_from: str, agent_to: str, amount: int = 1) -> Hit:
        return self._hit(Scope(LimitType.DELEGATION_PAIR, customer_id, (agent_from, agent_to)), amount)

    def _hit(self, scope: Scope, amount: int) -> Hit:
        return Hit(scope=scope, quota=self.quota(scope), amount=amount)


@lru_cache(maxsize=4096)
def _key(limit_type: LimitType, customer_id: str, parts: tuple[str, ...]) -> str:
    tail = "".join(f":{quote(part, safe='')}" for part in parts)
    return f"a2a:limit:{slot_tag(customer_id)}:{limit_type}{tail}"


def slot_tag(customer_id: str) -> str:
    """Return the part of a key in braces: a Redis cluster keeps what shares it on one node, as scripts require."""
    return f"{{{quote(customer_id, safe='')}}}"
