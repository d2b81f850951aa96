"""Whatever workers, people and time do to tasks, in any order: a stateful test of store, services and sweep."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from delegation.errors import Conflict, HopBudgetExceeded
from delegation.loop import account as accounts
from delegation.loop.account import Account
from delegation.loop.inputs import answers_to, read_inputs
from delegation.loop.roster import read_roster
from delegation.loop.sweeper import Sweeper
from delegation.models import Approval, Clarification, Hop, Task
from delegation.policy.approval import Terms
from delegation.policy.decision import Decision, Subtask, Usage
from delegation.policy.verdict import Referral, Verdict
from delegation.services.branches import branches_cancel
from delegation.services.questions import approval_vote, clarification_answer
from delegation.services.tasks import task_cancel, task_execute, task_submit
from delegation.states import TASK_ENDED, Action, HopStatus, QuestionStatus, TaskStatus
from delegation.store import ClaimedHop, Settlement, store_for_database
from delegation.store.rows import new_id
from security.errors import PlatformError
from security.models import Membership, Role
from security.principal import Principal
from security.services import principal_of_user
from tests.chaos.invariants import Observed, check_change, check_rows
from tests.delegation.rows import employ
from tests.people import Cast

BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEAM = ("lead", "writer", "editor", "clerk")
TASKS_AT_MOST, DEEPEST, HOP_BUDGET = 3, 3, 9
QUESTION_SECONDS, ESCALATION_SECONDS, DEADLINE_SECONDS = 60, 20, 300
# Enough for whatever is open to be answered, called and joined, level by level.
ROUNDS_TO_END = 40

someone = st.integers(0, 9)
which = st.sampled_from([0, 1])


@dataclass(slots=True)
class Delegator:
    """A worker process, as far as the database knows it."""

    id: UUID = field(default_factory=new_id)
    held: list[ClaimedHop] = field(default_factory=list)
    batch: list[tuple[Settlement, list[ClaimedHop]]] = field(default_factory=list)
    """What it will commit next, with the children that it would run on with."""
    superfluous: list[tuple[UUID, UUID]] = field(default_factory=list)
    """(task, split): what it will cancel next."""
    sweeper: Sweeper = field(init=False)

    def __post_init__(self) -> None:
        self.sweeper = Sweeper(worker_id=self.id)

    @property
    def running(self) -> list[UUID]:
        return [hop.id for hop in self.held] + [settlement.hop.id for settlement, _ in self.batch]


class Tasks(RuleBasedStateMachine):
    """Two workers at a time, three people, a clock that only the rules move. A dead worker's commits may still come."""

    people: Cast
    approvers: tuple[Principal, ...]

    def __init__(self) -> None:
        super().__init__()
        # Each example begins with an empty database, and leaves it so.
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = BEGIN
        self.store = store_for_database()
        self.roster = read_roster("techcorp").agents
        self.workers = [Delegator(), Delegator()]
        self.dead: list[Delegator] = []
        for worker in self.workers:
            worker.sweeper.register(self.now)
        self.seen = Observed.now()

    def teardown(self) -> None:
        try:
            self.run_to_the_end()
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            if connection.vendor == "postgresql":
                # These outlast the transaction.
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock_all()")

    # -- people

    @precondition(lambda self: Task.objects.count() < TASKS_AT_MOST)
    @rule(start=st.booleans())
    def submit(self, start: bool) -> None:
        alice = self.people.alice.principal
        task_submit(principal=alice, message="Write.", agent_type="lead", start=start, now=self.now)

    @precondition(lambda self: Task.objects.filter(status=TaskStatus.SUBMITTED, hop_count=0).exists())
    @rule(one=someone)
    def execute(self, one: int) -> None:
        waiting = Task.objects.filter(status=TaskStatus.SUBMITTED, hop_count=0)
        for task in picked(waiting, one):
            task_execute(principal=self.people.alice.principal, task_id=task.id, now=self.now)

    @rule(one=someone, seldom=st.sampled_from([False, False, False, True]))
    def cancel(self, one: int, seldom: bool) -> None:
        for task in picked(Task.objects.exclude(status__in=TASK_ENDED), one) if seldom else []:
            task_cancel(principal=self.people.alice.principal, task_id=task.id, now=self.now)

    @precondition(lambda self: Approval.objects.filter(status=QuestionStatus.OPEN).exists())
    @rule(one=someone, approver=which, approved=st.sampled_from([True, True, False]))
    def vote(self, one: int, approver: int, approved: bool) -> None:
        for approval in picked(Approval.objects.filter(status=QuestionStatus.OPEN), one):
            self.vote_on(approval, self.approvers[approver], approved=approved)

    def vote_on(self, approval: Approval, approver: Principal, *, approved: bool = True) -> None:
        voted = approval.votes.filter(user_id=approver.user_id).exists()
        try:
            approval_vote(principal=approver, approval_id=approval.id, approved=approved, now=self.now)
        except Conflict:
            assert voted, "an open approval refuses a vote"
        else:
            assert not voted, "a vote counts twice"

    @precondition(lambda self: Clarification.objects.filter(status=QuestionStatus.OPEN).exists())
    @rule(one=someone)
    def answer(self, one: int) -> None:
        for question in picked(Clarification.objects.filter(status=QuestionStatus.OPEN), one):
            self.answer_to(question)

    def answer_to(self, question: Clarification) -> None:
        alice = self.people.alice.principal
        clarification_answer(principal=alice, clarification_id=question.id, answer="blue", now=self.now)

    # -- time

    @rule(seconds=st.sampled_from([1, 5, 25, 70]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # -- workers

    @rule(place=which, limit=st.integers(1, 4))
    def claim(self, place: int, limit: int) -> None:
        worker = self.workers[place]
        claims = self.store.claim(owner=worker.id, limit=limit, now=self.now)
        assert len(claims.hops) <= limit
        for hop in claims.hops:
            check_inputs(hop)
        worker.held += claims.hops

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(place=which, one=someone, reached=st.sampled_from(["handle", "handle", "fail", "ask", "park", "hand back"]))
    def conclude(self, place: int, one: int, reached: str) -> None:
        worker = self.either(place, "held")
        for hop in taken(worker.held, one):
            worker.batch.append((self.concluded(hop, reached), []))

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(place=which, one=someone, approval=st.booleans(), slots=st.integers(0, 2))
    def delegate(self, place: int, one: int, approval: bool, slots: int) -> None:
        self.refer(self.either(place, "held"), one, asking=[approval], slots=slots)

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(
        place=which,
        one=someone,
        asking=st.lists(st.sampled_from([False, False, True]), min_size=2, max_size=3),
        quorum=st.sampled_from([None, 1, 1, 2]),
        slots=st.integers(0, 3),
    )
    def split(self, place: int, one: int, asking: list[bool], quorum: int | None, slots: int) -> None:
        self.refer(self.either(place, "held"), one, asking=asking, quorum=quorum, slots=slots)

    @precondition(lambda self: any(worker.batch for worker in self.workers))
    @rule(place=which)
    def commit(self, place: int) -> None:
        self.commit_of(self.either(place, "batch"))

    @precondition(lambda self: any(worker.superfluous for worker in self.workers))
    @rule(place=which)
    def cancel_the_rest(self, place: int) -> None:
        """Cancel the branches that no split waits for, which the worker does once it has committed."""
        worker = self.either(place, "superfluous")
        while worker.superfluous:
            task_id, split_id = worker.superfluous.pop()
            branches_cancel(task_id=task_id, split_id=split_id, now=self.now)

    @rule(place=which)
    def sweep(self, place: int) -> None:
        """Let one worker sweep; to it the other one looks dead, as after a long pause."""
        worker = self.workers[place]
        worker.sweeper.sweep(self.now, worker.running)

    @rule(place=which)
    def kill(self, place: int) -> None:
        """Kill the worker. What it has sent to the database may be carried out later yet."""
        self.dead.append(self.workers[place])
        self.workers[place] = Delegator()
        self.workers[place].sweeper.register(self.now)

    @precondition(lambda self: self.dead)
    @rule(one=someone)
    def commit_of_a_dead_worker(self, one: int) -> None:
        for worker in taken(self.dead, one):
            self.commit_of(worker)

    # -- always

    @invariant()
    def everything_holds(self) -> None:
        before, self.seen = self.seen, Observed.now()
        check_change(before, self.seen)
        check_rows()

    # -- how it is done

    def either(self, place: int, having: str) -> Delegator:
        """Return the worker of this place, or the other where that one has none of what is asked for."""
        worker, other = self.workers[place], self.workers[1 - place]
        return worker if getattr(worker, having) else other

    def account(self, hop: ClaimedHop) -> Account:
        return Account(hop=hop, at=self.now, seconds=0.1, usage=Usage(input_tokens=1, cost_usd=0.5))

    def concluded(self, hop: ClaimedHop, reached: str) -> Settlement:
        account = self.account(hop)
        match reached:
            case "handle":
                return accounts.handled(account, Decision(action=Action.HANDLE, result="done"))
            case "fail":
                return accounts.failed(account, PlatformError())
            case "ask":
                asked = Decision(action=Action.ASK_CLARIFICATION, question="Which colour?")
                return accounts.asked(account, asked, expires_at=self.now + timedelta(seconds=QUESTION_SECONDS))
            case "park":
                return accounts.parked(account, remote_task_id="remote", due_at=self.now + timedelta(seconds=2))
            case _:
                return accounts.handed_back(hop, at=self.now)

    def refer(self, worker: Delegator, one: int, *, asking: list[bool], quorum: int | None = None, slots: int) -> None:
        """Have a hop delegate, or split into as many branches as there are answers to whether people are asked."""
        for hop in taken([hop for hop in worker.held if hop.depth < DEEPEST], one):
            worker.held.remove(hop)
            subtasks = tuple(Subtask(delegated_to=TEAM[place], instruction="A part.") for place in range(len(asking)))
            action = Action.DELEGATE if len(asking) == 1 else Action.PARALLEL
            referrals = tuple(
                Referral(subtask=subtask, rule="a rule" if asked else "")
                for subtask, asked in zip(subtasks, asking, strict=True)
            )
            settled = accounts.referred(
                self.account(hop),
                Decision(action=action, subtasks=subtasks, quorum=quorum),
                Verdict(referrals=referrals),
                [self.roster[subtask.delegated_to] for subtask in subtasks],
                here=[place for place, asked in enumerate(asking) if not asked][:slots],
                terms=Terms(
                    required=len(asking) % 2 + 1,
                    expires_at=self.now + timedelta(seconds=QUESTION_SECONDS),
                    escalates_at=self.now + timedelta(seconds=ESCALATION_SECONDS),
                    escalates_to=Role.APPROVER,
                ),
            )
            worker.batch.append(settled)

    def commit_of(self, worker: Delegator) -> None:
        """Commit the worker's batch; exactly the settlements whose claims stand may write."""
        batch, worker.batch = worker.batch, []
        standing = {id(settlement) for settlement, _ in batch if claim_stands(settlement.hop)}
        outcomes = self.store.commit([], [settlement for settlement, _ in batch])[1]
        for (settlement, following), settled in zip(batch, outcomes, strict=True):
            hop = settlement.hop
            if not settled.affordable:
                refusal = accounts.failed(self.account(hop), HopBudgetExceeded())
                worker.batch.append((refusal, []))
                continue
            assert settled.held == (id(settlement) in standing), f"{hop.agent_type}: held is {settled.held}"
            worker.held += following if settled.held else []
            if settled.leaves_branches and settlement.ends_branch is not None:
                worker.superfluous.append((hop.task.id, settlement.ends_branch.split_id))
        if worker.batch:
            self.commit_of(worker)

    def run_to_the_end(self) -> None:
        """From wherever it stands, a worker and helpful people bring every task to its end."""
        (worker,) = self.workers = [Delegator()]
        worker.sweeper.register(self.now)
        for _ in range(ROUNDS_TO_END):
            for step in (self.help_all, self.carry_on_with_all, self.sweep_a_second_later):
                step(worker)
                self.everything_holds()
            if not Task.objects.exclude(status__in=TASK_ENDED).exists():
                return
        left = Task.objects.exclude(status__in=TASK_ENDED)
        hops = [str(hop) for hop in Hop.objects.filter(task__in=left).order_by("id")]
        raise AssertionError(f"stuck: {[str(task) for task in left]} {hops}")

    def help_all(self, _: Delegator) -> None:
        """Start, approve and answer whatever waits for people."""
        for task in Task.objects.filter(status=TaskStatus.SUBMITTED, hop_count=0):
            task_execute(principal=self.people.alice.principal, task_id=task.id, now=self.now)
        for approval in Approval.objects.filter(status=QuestionStatus.OPEN):
            for approver in self.approvers:
                if Approval.objects.filter(id=approval.id, status=QuestionStatus.OPEN).exists():
                    self.vote_on(approval, approver)
        for question in Clarification.objects.filter(status=QuestionStatus.OPEN):
            self.answer_to(question)

    def carry_on_with_all(self, worker: Delegator) -> None:
        """Claim all there is and have it handled."""
        worker.held += self.store.claim(owner=worker.id, limit=100, now=self.now).hops
        self.everything_holds()
        worker.batch += [(self.concluded(hop, "handle"), []) for hop in worker.held]
        worker.held = []
        self.commit_of(worker)

    def sweep_a_second_later(self, worker: Delegator) -> None:
        self.now += timedelta(seconds=1)
        worker.sweeper.sweep(self.now, worker.running)


def picked(rows: Any, one: int) -> list[Any]:
    """Return one of the rows, if there is any."""
    found = list(rows.order_by("id"))
    return [found[one % len(found)]] if found else []


def taken(things: list[Any], one: int) -> list[Any]:
    """Remove one of the things and return it, if there is any."""
    return [things.pop(one % len(things))] if things else []


def claim_stands(hop: ClaimedHop) -> bool:
    held = Hop.objects.filter(id=hop.id, status=HopStatus.RUNNING, owner=hop.owner, claim=hop.claim)
    return held.exclude(task__status__in=TASK_ENDED).exists()


def check_inputs(hop: ClaimedHop) -> None:
    """Whoever goes on after a split that waited for all is given an outcome of every branch."""
    if hop.resumes_id is None:
        return
    before = Hop.objects.get(id=hop.resumes_id)
    attempt, answers = sync_to_async(store_for_database().attempt), sync_to_async(answers_to)
    given = async_to_sync(read_inputs)(before.id, attempt=attempt, answers=answers)
    if before.action == Action.ASK_CLARIFICATION:
        assert given[-1]["answer"] == "blue"
    elif before.wanted_branches is None:
        branches = Hop.objects.filter(parent_id=before.id, attempt=1).count()
        assert len(given) >= branches
        assert before.pending_branches == 0


@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_every_transition_keeps_what_must_hold(people: Cast, settings: Any) -> None:
    settings.A2A_TASK_DEADLINE_SECONDS = DEADLINE_SECONDS
    settings.A2A_HOP_BUDGET = HOP_BUDGET
    settings.A2A_LIMIT_CUSTOMER_TASKS_PER_DAY = 1_000_000
    for agent_type in TEAM:
        employ(agent_type)
    dave = get_user_model().objects.create_user(username="dave")
    Membership.objects.create(user=dave, customer_id="techcorp", role=Role.APPROVER)
    Tasks.people = people
    Tasks.approvers = (people.bob.principal, principal_of_user(dave))
    run_state_machine_as_test(Tasks, settings=EFFORT)


EFFORT = settings(
    max_examples=int(float(os.environ.get("CHAOS_SECONDS", "20"))),
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
