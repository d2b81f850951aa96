"""What the limiter answers: admitted or not, and how each limit stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from security.limits.table import Hit, LimitType


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Tell what is left of one limit.

    ``reset_seconds`` is the time until some of what is used becomes free again, 0 where none is used.
    ``retry_after_seconds`` is the time until this limit admits the amount that was asked for, 0 where it does now;
    the whole window where the amount is more than the limit ever allows.
    """

    limit_type: LimitType
    customer_id: str
    parts: tuple[str, ...]
    allowed: int
    window_seconds: int
    remaining: int
    reset_seconds: float
    retry_after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Tell whether the operation may go on. All hits were counted, or none.

    ``refused`` is None where it may; else the limit to wait for, of several that refuse the one that takes longest.
    """

    standings: tuple[Standing, ...]
    refused: Standing | None = None

    @property
    def admitted(self) -> bool:
        return self.refused is None

    @property
    def retry_after_seconds(self) -> float:
        """Return when the same may be tried again, 0 where it was admitted."""
        return self.refused.retry_after_seconds if self.refused else 0.0


def admission_from_reply(*, hits: Sequence[Hit], reply: Sequence[int]) -> Admission:
    """Read a store's reply to Acquire."""
    standings = tuple(
        Standing(
            limit_type=hit.scope.limit_type,
            customer_id=hit.scope.customer_id,
            parts=hit.scope.parts,
            allowed=hit.quota.allowed,
            window_seconds=hit.quota.window_seconds,
            remaining=max(0, hit.quota.allowed - used),
            reset_seconds=reset_ms / 1000,
            retry_after_seconds=retry_ms / 1000,
        )
        for hit, used, reset_ms, retry_ms in zip(hits, reply[1::3], reply[2::3], reply[3::3], strict=True)
    )
    refused = None if reply[0] else max(standings, key=lambda standing: standing.retry_after_seconds)
    return Admission(standings=standings, refused=refused)
