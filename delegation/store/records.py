"""What goes into the store and what comes back: plain data, the same for every database.

Rows are dicts by column name, ready for JSON: ids as text, times as ISO 8601, JSON columns as Python values.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Required, TypedDict
from uuid import UUID

Row = dict[str, Any]
# An agent by its customer and its type.
AgentKey = tuple[str, str]
NO_LIMIT = 2**31 - 1
# What is told of a hop that has ended to the one that goes on from it.
ATTEMPT_COLUMNS = (
    "id resumes_id branch parent_id attempt agent_type instruction status action result error_code error_message"
).split()
# What the log of authorisations holds of a name that an agent made up, and of why it may be called.
TARGET_LENGTH, REASON_LENGTH = 64, 200


class TaskFacts(NamedTuple):
    """What a hop needs to know of its task."""

    id: UUID
    customer_id: str
    created_by: int | None
    """Whose task it is: their rights bound every hop's."""
    message: str
    priority: str
    trace_id: str
    created_at: datetime
    deadline_at: datetime
    hop_budget: int
    hop_count: int
    cost_usd: float


class ClaimedHop(NamedTuple):
    """A hop that this worker runs. ``owner`` and ``claim`` are what its settlement is held against."""

    id: UUID
    task: TaskFacts
    owner: UUID
    claim: int
    parent_id: UUID | None
    join_id: UUID | None
    branch: int | None
    resumes_id: UUID | None
    depth: int
    attempt: int
    agent_type: str
    path: tuple[str, ...]
    instruction: str
    priority: int
    remote_task_id: str
    polls: int
    tries: int
    started_at: datetime


class Claims(NamedTuple):
    """What one look brought: the hops claimed, and of their tasks the newest event numbers.

    ``passed_by`` counts hops that would have been claimed, had not another worker been at their tasks.
    """

    hops: tuple[ClaimedHop, ...]
    last_seqs: dict[UUID, tuple[str, int]]
    passed_by: int = 0


class NewTask(NamedTuple):
    """A task to be saved with its first hop (none when it is not to start yet), its events and its rulings."""

    task: Row
    hops: Sequence[Row]
    events: Sequence[Row]
    authorizations: Sequence[Row]


class BranchEnd(NamedTuple):
    """One branch of a split is over. If it was the last needed, the hop ``resume_id`` goes on from the split.

    ``owner`` is the worker that would go on with it at once; the store may leave it to a claim all the same.
    """

    split_id: UUID
    resume_id: UUID
    succeeded: bool
    owner: UUID | None = None


class HopChanges(TypedDict, total=False):
    """The columns that a settlement writes to its own hop, each time: one left out gets its default."""

    status: Required[str]
    action: str
    delegated_to: str
    confidence: float | None
    reason: str
    result: object
    error_code: str
    error_message: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    findings: int
    pending_branches: int
    wanted_branches: int | None
    remote_task_id: str
    polls: int
    tries: int
    due_at: datetime | None
    completed_at: datetime


HOP_CHANGES = tuple(HopChanges.__annotations__)


class LoggedDecision(TypedDict):
    """What the log of decisions tells of the hop beyond what its settlement says: the rest is taken from there.

    ``seconds`` is how long the agent took, None where it was never called.
    """

    id: UUID
    status: str
    seconds: float | None
    summary: str


class LoggedRuling(TypedDict):
    """One yes or no of the settled hop's agent, for the log of authorisations."""

    id: UUID
    target: str
    action: str
    authorized: bool
    reason: str
    at: datetime


class Settlement(NamedTuple):
    """Everything that one decision (or failure) of one hop changes. What follows from the hop is not said again.

    ``ve_id`` is the virtual employee that was called. The new hops are its children, made by ``rows.hop_row``.
    """

    hop: ClaimedHop
    at: datetime
    changes: HopChanges
    events: Sequence[tuple[str, Row]] = ()
    """Type and data, in order; the store numbers them."""
    new_hops: Sequence[Row] = ()
    approvals: Sequence[Row] = ()
    clarifications: Sequence[Row] = ()
    ve_id: str = ""
    decision: LoggedDecision | None = None
    rulings: Sequence[LoggedRuling] = ()
    leakages: Sequence[Row] = ()
    ends_task: str | None = None
    """The task's last status, where it ends with this hop: by its result or its error."""
    ends_branch: BranchEnd | None = None
    depth_reached: int = 0


class Settled(NamedTuple):
    """What became of a settlement. ``held`` is False where the claim was lost: then nothing was written."""

    held: bool
    last_seq: int = 0
    hop_count: int = 0
    depth_reached: int = 0
    joined: bool = False
    """This settlement ended the last branch needed: the split's continuation waits to be claimed, or is ``resumed``."""
    resumed: ClaimedHop | None = None
    """The continuation, claimed from its birth by the owner that the branch's end named."""
    affordable: bool = True
    """False where the new hops would be more than the task's budget: then nothing was written either."""
    leaves_branches: bool = False
    """The split goes on while some of its branches are still open: they are to be cancelled."""


LOST = Settled(held=False)
NOTHING_TAKEN: Mapping[AgentKey, int] = {}


class DatabaseAway(Exception):
    """The connection is broken: whether the last commit went through is unknown."""


class LoopStore(Protocol):
    """``Store`` for an event loop. It says itself whose rows it is about.

    Commits wait for each other, as claims and attempts do, but not these for those.
    """

    async def commit(
        self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]
    ) -> tuple[list[bool], list[Settled]]:
        """Do as ``Store.commit``.

        Raises:
            DatabaseAway
            DatabaseError: the database refuses it.
        """

    async def claim(
        self, *, owner: UUID, limit: int, now: datetime, agent_limit: int, taken: Mapping[AgentKey, int]
    ) -> Claims: ...

    async def attempt(self, hop_id: UUID, *, customer_id: str) -> list[Row]: ...

    async def close(self) -> None: ...


class Store(Protocol):
    """The hot path's statements. Synchronous: each caller brings a thread of its own."""

    def commit(self, tasks: Sequence[NewTask], settlements: Sequence[Settlement]) -> tuple[list[bool], list[Settled]]:
        """Save new tasks and settlements in one transaction.

        Returns, in the order given, whether each task was saved (False: its idempotency key is taken) and what became
        of each settlement.
        """

    def claim(
        self,
        *,
        owner: UUID,
        limit: int,
        now: datetime,
        agent_limit: int = NO_LIMIT,
        taken: Mapping[AgentKey, int] = NOTHING_TAKEN,
    ) -> Claims:
        """Claim up to ``limit`` hops that are pending or due, each customer in turn, and start their tasks.

        A customer's hops come by priority, of the same priority the due ones first, in the order they fell due. Of an
        agent there are claimed no more than its limit (or ``agent_limit``) leaves of those ``taken``.
        """

    def attempt(self, hop_id: UUID) -> list[Row]:
        """Return the hop, and where it is a split those of its branches, in no order, with ``ATTEMPT_COLUMNS``."""
