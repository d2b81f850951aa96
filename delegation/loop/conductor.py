"""One hop from claim to settlement: guard, call, read, scan, judge, settle."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError

from delegation.errors import DeadlineExceeded, HopBudgetExceeded, InvalidAgentResponse
from delegation.gateway import AgentReply, ReplyState
from delegation.loop import account as accounts
from delegation.loop import pauses
from delegation.loop.account import Account
from delegation.loop.admission import Gate
from delegation.loop.asking import Asker
from delegation.loop.budgets import GRACE_SECONDS, Budgets
from delegation.loop.caller import Caller, is_answered
from delegation.loop.counting import count
from delegation.loop.hop_run import HopRun, situation_of
from delegation.loop.places import Places
from delegation.loop.postponing import postponed
from delegation.loop.pushing import PushAddresses
from delegation.loop.roster import AgentRecord, Roster, Rosters
from delegation.loop.screener import Screener, words_of
from delegation.policy.approval import Terms, terms
from delegation.policy.decision import Decision, DecisionInvalid, read_decision
from delegation.policy.verdict import Verdict, judge, problem_for_agent
from delegation.states import Action, HopStatus
from delegation.store import ClaimedHop, Settled, Settlement
from delegation.store.records import Row
from security.errors import BudgetExceeded, PlatformError
from security.leakage import Detector

log = structlog.get_logger(__name__)

# What the hop's column holds; an agent whose task cannot be named again cannot be asked how it stands.
_REMOTE_ID_LENGTH = 255


class Heard(NamedTuple):
    """An agent's answer to one call, read and judged. Exactly one of the three tells how it goes on."""

    decision: Decision | None = None
    verdict: Verdict | None = None
    remote_task_id: str = ""
    works_on: bool = False
    will_push: bool = False


class Settle(Protocol):
    def __call__(
        self, settlement: Settlement, *, meanwhile: Callable[[], None] | None = None
    ) -> Awaitable[Settled]: ...


class Conductor:
    """Runs hops. Everything it needs comes in here; it keeps no state of its own between hops."""

    def __init__(
        self,
        *,
        asker: Asker,
        rosters: Rosters,
        push: PushAddresses | None,
        polling: pauses.Polling,
        polling_beside_push: pauses.Polling,
        gate: Gate,
        budgets: Budgets,
        detector: Callable[[], Awaitable[Detector]],
        inputs: Callable[[ClaimedHop], Awaitable[list[Row]]],
        settle: Settle,
        places: Places,
        agent_timeout_seconds: float,
        question_expiry_seconds: float,
    ) -> None:
        self._asker = asker
        self._caller = Caller(ready=asker.prepared, push=push, agent_timeout_seconds=agent_timeout_seconds)
        self._rosters = rosters
        self._polling = polling
        self._polling_beside_push = polling_beside_push
        self._gate = gate
        self._budgets = budgets
        self._screener = Screener(detector)
        self._inputs = inputs
        self._settle = settle
        self._places = places
        self._question_expiry_seconds = question_expiry_seconds

    async def advance(self, hop: ClaimedHop) -> list[ClaimedHop]:
        """Run the hop, settle it, and return the hops that go on in this worker; their places are taken."""
        run = HopRun(hop)
        try:
            settlement, reserved = await self._concluded(run)
        finally:
            await self.forget(hop)
        following: list[ClaimedHop] = []
        try:
            await self._account_for(run, settlement)
            following = await self._committed(run, settlement, reserved)
        finally:
            if not following:
                for child in reserved:
                    self._places.leave(child)
                    await self.forget(child)
        return following

    async def _committed(self, run: HopRun, settlement: Settlement, following: list[ClaimedHop]) -> list[ClaimedHop]:
        hop = run.hop
        prepare = self.expect(following, run.roster) if following and run.roster else None
        try:
            settled = await self._settle(settlement, meanwhile=prepare)
            if not settled.affordable:
                # Branches beside this one have used up what was left when it decided.
                refusal = HopBudgetExceeded(internal=f"{len(settlement.new_hops)} more hops than are left")
                settlement, following = accounts.failed(run.account(), refusal, run.decision), []
                settled = await self._settle(settlement)
        except DatabaseError:
            log.exception("settlement refused", hop_id=str(hop.id))
            settlement, following = accounts.failed(Account(hop=hop, at=_now()), PlatformError()), []
            settled = await self._settle(settlement)
        if not settled.held:
            log.info("claim lost", hop_id=str(hop.id))
            for child in following:
                await self.forget(child, elsewhere=True)
            return []
        count(settlement, settled, known=run.known_agents)
        if settled.resumed is not None:
            # It may be one more of its agent's than there are places for: its call waits then.
            self._places.take(settled.resumed)
            if run.roster is not None:
                self.expect([settled.resumed], run.roster)
            return [settled.resumed]
        return [accounts.knowing(child, hop_count=settled.hop_count) for child in following]

    def expect(self, hops: Sequence[ClaimedHop], roster: Roster) -> Callable[[], None]:
        """Begin to count the calls of hops that are being committed, and return what makes these calls meanwhile.

        Then each is advanced or forgotten.
        """
        for hop in hops:
            self._gate.expect(hop, roster, now=_now())
            self._caller.expect(hop)
        return partial(self._caller.prepare, hops, roster)

    async def forget(self, hop: ClaimedHop, *, elsewhere: bool = False) -> None:
        """Take back what was begun for a hop that comes to no call here (``elsewhere``: another worker makes it)."""
        self._caller.forget(hop)
        await self._gate.forget(hop, elsewhere=elsewhere)

    async def _concluded(self, run: HopRun) -> tuple[Settlement, list[ClaimedHop]]:
        """Return how the hop ends, also where it ends in an error.

        Raises:
            OperationalError, InterfaceError: the database is away, which is nothing that the task should end by.
        """
        try:
            return await self._outcome(run)
        except PlatformError as failure:
            error, said = await self._screener.failure(run, failure)
            told = {"code": error.code, "internal": error.internal_message, "said": said}
            pause = pauses.before_retry(error, hop=run.hop, now=_now())
            if pause is not None:
                log.info("hop retries", hop_id=str(run.hop.id), **told)
                return postponed(run.account(), error, pause_seconds=pause), []
            log.info("hop failed", hop_id=str(run.hop.id), **told)
            return accounts.failed(run.account(), error, run.decision), []
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # The edge of one hop: whatever breaks in it must end this hop, and no other.
            log.exception("hop broke", hop_id=str(run.hop.id))
            return accounts.failed(run.account(), PlatformError()), []

    async def _outcome(self, run: HopRun) -> tuple[Settlement, list[ClaimedHop]]:
        hop = run.hop
        if _now() >= hop.task.deadline_at:
            raise DeadlineExceeded(internal=f"deadline {hop.task.deadline_at:%Y-%m-%d %H:%M:%S}")
        roster = await self._rosters.of(hop.task.customer_id)
        run.meet(roster)
        inputs = await self._inputs(hop)
        until = await self._turn(run, roster, inputs)
        if until is not None:
            return accounts.held(hop, at=_now(), until=until), []
        await self._budget(run, roster)
        heard = await self._hear(run, roster, inputs)
        account = run.account()
        if heard.works_on:
            polling = self._polling_beside_push if heard.will_push else self._polling
            due_at = account.at + timedelta(seconds=polling.pause_after(hop.polls))
            return accounts.parked(account, remote_task_id=heard.remote_task_id, due_at=due_at), []
        decision, verdict = heard.decision, heard.verdict
        if decision is None or verdict is None:
            raise PlatformError(internal="an answer that is neither a decision nor work in progress")
        expires_at = accounts.expiry(
            account.at, seconds=self._question_expiry_seconds, deadline_at=hop.task.deadline_at
        )
        match decision.action:
            case Action.HANDLE:
                return accounts.handled(account, decision), []
            case Action.ASK_CLARIFICATION:
                asked = accounts.asked(account, decision, expires_at=expires_at, remote_task_id=heard.remote_task_id)
                return asked, []
            case _:
                targets = [roster.agents[referral.subtask.delegated_to] for referral in verdict.referrals]
                if decision.action == Action.PARALLEL:
                    names = [target.agent_type for target in targets]
                    await self._gate.admit_split(hop, roster, names, now=account.at)
                asked_on = terms(
                    roster.rules,
                    at=account.at,
                    expiry_seconds=self._question_expiry_seconds,
                    deadline_at=hop.task.deadline_at,
                )
                return self._referred(account, decision, verdict, targets, asked_on)

    def _referred(
        self, account: Account, decision: Decision, verdict: Verdict, targets: list[AgentRecord], asked_on: Terms
    ) -> tuple[Settlement, list[ClaimedHop]]:
        free_to_run = [place for place, referral in enumerate(verdict.referrals) if not referral.needs_approval]
        here = self._places.reserved(targets, free_to_run)
        return accounts.referred(account, decision, verdict, targets, here=here, terms=asked_on)

    async def _budget(self, run: HopRun, roster: Roster) -> None:
        """Hold what the call may take. Raises BudgetExceeded; the call that is not made then counts nowhere."""
        seconds = self._caller.time_limit(run.agent) + GRACE_SECONDS
        try:
            await self._budgets.hold(run.hop, run.agent, roster.terms, seconds=seconds, now=_now())
        except BudgetExceeded:
            await self._gate.give_back(run.hop, roster)
            raise
        run.budgeted = roster.terms

    async def _account_for(self, run: HopRun, settlement: Settlement) -> None:
        """Settle the call's budget before its record is committed; a call that goes on holds until it is looked at."""
        terms, changes = run.budgeted, settlement.changes
        due_at = changes.get("due_at") if changes["status"] == HopStatus.WAITING else None
        if terms is None:
            return
        if due_at is None:
            await self._budgets.settle(run.hop, run.agent, terms, run.usage, now=_now())
        else:
            seconds = (due_at - _now()).total_seconds() + 2 * GRACE_SECONDS
            goes_on = run.hop._replace(polls=run.hop.polls + 1)
            await self._budgets.hold(goes_on, run.agent, terms, seconds=seconds, now=_now())

    async def _turn(self, run: HopRun, roster: Roster, inputs: list[Row]) -> datetime | None:
        """Count the call, once a hop: neither a poll nor an answer to its question makes another of it.

        Returns when to try again, None where the call may be made now. Raises RateLimitExceeded.
        """
        if run.hop.polls or is_answered(inputs):
            return None
        return await self._gate.admit(run.hop, roster, now=_now())

    async def _hear(self, run: HopRun, roster: Roster, inputs: list[Row]) -> Heard:
        """Call the agent, and once more where its decision cannot be accepted.

        Raises:
            PlatformError: the call failed, the answer leaks, or the second decision is no better than the first.
        """
        hop, agent = run.hop, run.agent
        situation = situation_of(hop, agent, roster)
        call = self._caller.first_call(hop, agent, roster, situation, inputs)
        problem = ""
        refusal = PlatformError()
        for correction in (False, True):
            if correction:
                call = self._caller.call(hop, agent, roster, situation, inputs=inputs, problem=problem)
            cut_short = call.timeout_seconds < self._caller.time_limit(run.agent)
            reply = await self._asker.ask(run, call, cut_short=cut_short, correction=correction)
            if reply.state == ReplyState.WORKING:
                if correction:
                    # Parked, it would be forgotten that this was the second try, and the agent corrected without end.
                    raise refusal
                await self._screener.progress(run, words=words_of(reply), remote_id=_remote_id(reply))
                return Heard(works_on=True, remote_task_id=_remote_id(reply), will_push=reply.will_push)
            waits = reply.state == ReplyState.INPUT_REQUIRED
            remote_id = _remote_id(reply) if waits else ""
            try:
                decision = await self._screener.decision(run, _decision(reply), remote_id=remote_id)
            except DecisionInvalid as error:
                refusal, problem = InvalidAgentResponse(internal=str(error)), str(error)
                await self._screener.words(run, words_of(reply))
            else:
                verdict = judge(decision, situation)
                run.rule(verdict)
                if verdict.refusal is None:
                    return Heard(decision=decision, verdict=verdict, remote_task_id=remote_id)
                refusal, problem = verdict.refusal, problem_for_agent(verdict.refusal, situation)
        raise refusal


def _decision(reply: AgentReply) -> Decision:
    """Return what the agent decided; an A2A agent that asks for input has asked a question."""
    if reply.state == ReplyState.INPUT_REQUIRED:
        return Decision(action=Action.ASK_CLARIFICATION, question=reply.text.strip() or "The agent needs more input.")
    return read_decision(data=reply.data, text=reply.text, files=reply.files)


def _remote_id(reply: AgentReply) -> str:
    """Return the agent's own task id. Raises InvalidAgentResponse where it works on and gives none to ask by."""
    remote_id = reply.remote_task_id or ""
    if len(remote_id) > _REMOTE_ID_LENGTH or (reply.state == ReplyState.WORKING and not remote_id):
        raise InvalidAgentResponse(internal=f"a task id of {len(remote_id)} characters")
    return remote_id


def _now() -> datetime:
    return datetime.now(UTC)
