"""One hop from claim to settlement: guard, call, read, scan, judge, settle."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import orjson
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError

from delegation import metrics
from delegation.errors import (
    AgentTimeout,
    AgentUnavailable,
    DeadlineExceeded,
    HopBudgetExceeded,
    InvalidAgentResponse,
)
from delegation.gateway import AgentCall, AgentReply, Gateway, ReplyState
from delegation.loop import account as accounts
from delegation.loop.account import Account
from delegation.loop.admission import Gate
from delegation.loop.budgets import GRACE_SECONDS, Budgets
from delegation.loop.caller import identity_of
from delegation.loop.circuits import Circuits
from delegation.loop.hop_run import HopRun
from delegation.loop.roster import AgentRecord, Roster, Rosters
from delegation.loop.screening import screen
from delegation.policy.approval import terms
from delegation.policy.decision import Decision, DecisionInvalid, read_decision
from delegation.policy.verdict import MAX_DEPTH, Situation, Verdict, candidates, judge, problem_for_agent
from delegation.states import Action
from delegation.store import ClaimedHop, Settled, Settlement
from delegation.store.records import Row
from security.errors import BudgetExceeded, LeakageDetected, PlatformError
from security.leakage import Detector, Policy

log = structlog.get_logger(__name__)

# The first poll of an agent that answers late, and the longest pause between two.
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.2, 30.0
# What the hop's column holds; an agent whose task cannot be named again cannot be asked how it stands.
_REMOTE_ID_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An agent's answer to one call, read and judged. Exactly one of the three tells how it goes on."""

    decision: Decision | None = None
    verdict: Verdict | None = None
    remote_task_id: str = ""
    works_on: bool = False


class Conductor:
    """Runs hops. Everything it needs comes in here; it keeps no state of its own between hops."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        rosters: Rosters,
        circuits: Circuits,
        gate: Gate,
        budgets: Budgets,
        detector: Callable[[], Detector],
        inputs: Callable[[UUID], Awaitable[list[Row]]],
        settle: Callable[[Settlement], Awaitable[Settled]],
        slots: Callable[[], int],
        agent_timeout_seconds: float,
        question_expiry_seconds: float,
    ) -> None:
        self._gateway = gateway
        self._rosters = rosters
        self._circuits = circuits
        self._gate = gate
        self._budgets = budgets
        self._detector = detector
        self._inputs = inputs
        self._settle = settle
        self._slots = slots
        self._agent_timeout_seconds = agent_timeout_seconds
        self._question_expiry_seconds = question_expiry_seconds

    async def advance(self, hop: ClaimedHop) -> list[ClaimedHop]:
        """Run the hop, settle it, and return the hops that go on in this worker."""
        run = HopRun(hop)
        settlement, following = await self._concluded(run)
        await self._account_for(run, settlement)
        try:
            settled = await self._settle(settlement)
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
            return []
        count(settlement, settled, known=run.known_agents)
        return [_knowing(child, hop_count=settled.hop_count) for child in following]

    async def _concluded(self, run: HopRun) -> tuple[Settlement, list[ClaimedHop]]:
        """Return how the hop ends, also where it ends in an error.

        Raises:
            OperationalError, InterfaceError: the database is away, which is nothing that the task should end by.
        """
        try:
            return await self._outcome(run)
        except PlatformError as error:
            log.info("hop failed", hop_id=str(run.hop.id), code=error.code, internal=error.internal_message)
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
        inputs = await self._inputs(hop.resumes_id) if hop.resumes_id else []
        until = await self._turn(run, roster, inputs)
        if until is not None:
            return accounts.held(hop, at=_now(), until=until), []
        await self._budget(run, roster)
        heard = await self._hear(run, roster, inputs)
        account = run.account()
        if heard.works_on:
            pause = min(_FIRST_POLL_SECONDS * 2 ** min(hop.polls, 16), _LONGEST_POLL_SECONDS)
            due_at = account.at + timedelta(seconds=pause)
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
                return accounts.referred(account, decision, verdict, targets, slots=self._slots(), terms=asked_on)

    async def _budget(self, run: HopRun, roster: Roster) -> None:
        """Hold what the call may take. Raises BudgetExceeded; the call that is not made then counts nowhere."""
        seconds = self._time_limit(run.agent) + GRACE_SECONDS
        try:
            await self._budgets.hold(run.hop, run.agent, roster.terms, seconds=seconds, now=_now())
        except BudgetExceeded:
            await self._gate.give_back(run.hop, roster)
            raise
        run.budgeted = roster.terms

    async def _account_for(self, run: HopRun, settlement: Settlement) -> None:
        """Settle the call's budget before its record is committed; a call that goes on holds until it is looked at."""
        terms, due_at = run.budgeted, settlement.changes.due_at
        if terms is None:
            return
        if due_at is None:
            await self._budgets.settle(run.hop, run.agent, terms, run.usage, now=_now())
        else:
            seconds = (due_at - _now()).total_seconds() + 2 * GRACE_SECONDS
            goes_on = replace(run.hop, polls=run.hop.polls + 1)
            await self._budgets.hold(goes_on, run.agent, terms, seconds=seconds, now=_now())

    async def _turn(self, run: HopRun, roster: Roster, inputs: list[Row]) -> datetime | None:
        """Count the call, once a hop: neither a poll nor an answer to its question makes another of it.

        Returns when to try again, None where the call may be made now. Raises RateLimitExceeded.
        """
        if run.hop.polls or _is_answered(inputs):
            return None
        return await self._gate.admit(run.hop, roster, now=_now())

    async def _hear(self, run: HopRun, roster: Roster, inputs: list[Row]) -> Heard:
        """Call the agent, and once more where its decision cannot be accepted.

        Raises:
            PlatformError: the call failed, the answer leaks, or the second decision is no better than the first.
        """
        situation = run.situation(roster)
        problem = ""
        refusal = PlatformError()
        for correction in (False, True):
            reply = await self._reply(run, self._call(run, roster, situation, inputs, problem), correction=correction)
            if reply.state == ReplyState.WORKING:
                if correction:
                    # Parked, it would be forgotten that this was the second try, and the agent corrected without end.
                    raise refusal
                return Heard(works_on=True, remote_task_id=_remote_id(reply))
            try:
                decision = self._screened(run, _decision(reply))
            except DecisionInvalid as error:
                refusal, problem = InvalidAgentResponse(internal=str(error)), str(error)
            else:
                verdict = judge(decision, situation)
                run.rule(verdict)
                if verdict.refusal is None:
                    waits = reply.state == ReplyState.INPUT_REQUIRED
                    return Heard(decision=decision, verdict=verdict, remote_task_id=_remote_id(reply) if waits else "")
                refusal, problem = verdict.refusal, problem_for_agent(verdict.refusal, situation)
        raise refusal

    async def _reply(self, run: HopRun, call: AgentCall, *, correction: bool) -> AgentReply:
        ask = self._gateway.poll if run.hop.polls and not correction else self._gateway.call
        with self._circuits.admitted(run.agent, now=_now()):
            cut_short = call.timeout_seconds < self._time_limit(run.agent)
            return await self._answer(run, ask(call), cut_short=cut_short)

    async def _answer(self, run: HopRun, asking: Awaitable[AgentReply], *, cut_short: bool) -> AgentReply:
        """Wait for the agent; its circuit and its response time learn how that went.

        ``cut_short``: the task's deadline left it less time than it may take, so that being late is not its fault.
        """
        began = time.perf_counter()
        try:
            reply = await asking
        except (AgentUnavailable, AgentTimeout) as error:
            now = _now()
            if now >= run.hop.task.deadline_at or (cut_short and isinstance(error, AgentTimeout)):
                raise DeadlineExceeded(internal=error.internal_message) from error
            await self._circuits.failed(run.agent, error, now=now)
            raise
        else:
            await self._circuits.succeeded(run.agent)
            return reply
        finally:
            seconds = time.perf_counter() - began
            run.seconds = (run.seconds or 0.0) + seconds
            metrics.AGENT_RESPONSE_TIME.labels(run.hop.agent_type).observe(seconds)

    def _time_limit(self, agent: AgentRecord) -> float:
        return agent.timeout_seconds or self._agent_timeout_seconds

    def _call(self, run: HopRun, roster: Roster, situation: Situation, inputs: list[Row], problem: str) -> AgentCall:
        hop, agent = run.hop, run.agent
        timeout = min(self._time_limit(agent), max((hop.task.deadline_at - _now()).total_seconds(), 0.001))
        message_id = hop.id if not problem else uuid5(hop.id, "correction")
        instruction = _said(hop, inputs)
        if problem:
            instruction = f"Your last answer was not accepted: {problem}\n\n{hop.instruction}"
            inputs = [*inputs, {"kind": "correction", "problem": problem}]
        return AgentCall(
            url=agent.endpoint_url,
            message_id=str(message_id),
            context_id=str(hop.task.id),
            customer_id=hop.task.customer_id,
            traceparent=f"00-{hop.task.trace_id}-{hop.id.hex[-16:]}-01",
            instruction=instruction,
            context=_context(hop, roster, situation, inputs),
            timeout_seconds=timeout,
            identity=identity_of(hop, agent, message_id=message_id, timeout_seconds=timeout),
            credential=agent.credential,
            # A task of the agent's that has ended takes no more messages: the correction begins another.
            remote_task_id=None if problem else hop.remote_task_id or None,
            return_immediately=not problem,
        )

    def _screened(self, run: HopRun, decision: Decision) -> Decision:
        screened = screen(
            decision,
            hop=run.hop,
            ve_id=run.agent.ve_id,
            known=run.known_agents,
            detector=self._detector(),
            policy=Policy(),
            at=_now(),
        )
        run.note(screened)
        if screened.blocked:
            raise LeakageDetected(internal=f"{len(screened.rows)} findings in {run.hop.agent_type}'s answer")
        return screened.decision


def count(settlement: Settlement, settled: Settled, *, known: frozenset[str]) -> None:
    """Count what has been committed. Agents that do not exist are counted as one: their names are an agent's whim."""
    task = settlement.hop.task
    for row in settlement.decisions:
        targets = str(row["delegated_to_type"]).split(", ")
        for target in targets:
            action = row["decision_action"] or ""
            named = target if not target or target in known else "unknown"
            metrics.DELEGATIONS.labels(settlement.hop.agent_type, named, action, row["status"]).inc()
    if settlement.end is not None:
        seconds = (settlement.at - task.created_at).total_seconds()
        metrics.TASK_DURATION.labels(settled.hop_count, settled.depth_reached).observe(seconds)


def _knowing(child: ClaimedHop, *, hop_count: int) -> ClaimedHop:
    """Return the child with what the branches beside it have used meanwhile: the budget is the task's."""
    if child.task.hop_count == hop_count:
        return child
    return replace(child, task=replace(child.task, hop_count=hop_count))


def _decision(reply: AgentReply) -> Decision:
    """Return what the agent decided; an A2A agent that asks for input has asked a question."""
    if reply.state == ReplyState.INPUT_REQUIRED:
        return Decision(action=Action.ASK_CLARIFICATION, question=reply.text.strip() or "The agent needs more input.")
    return read_decision(data=reply.data, text=reply.text)


def _remote_id(reply: AgentReply) -> str:
    """Return the agent's own task id. Raises InvalidAgentResponse where it works on and gives none to ask by."""
    remote_id = reply.remote_task_id or ""
    if len(remote_id) > _REMOTE_ID_LENGTH or (reply.state == ReplyState.WORKING and not remote_id):
        raise InvalidAgentResponse(internal=f"a task id of {len(remote_id)} characters")
    return remote_id


def _said(hop: ClaimedHop, inputs: list[Row]) -> str:
    """Return the text for the agent: the instruction, or in a task of its own that goes on, the answer it asked for."""
    return str(inputs[-1]["answer"]) if hop.remote_task_id and _is_answered(inputs) else hop.instruction


def _is_answered(inputs: list[Row]) -> bool:
    return bool(inputs) and inputs[-1]["kind"] == "answer"


def _context(hop: ClaimedHop, roster: Roster, situation: Situation, inputs: list[Row]) -> Mapping[str, object]:
    """Return the data part that goes with the instruction (design: what an agent receives)."""
    return {
        "task_id": str(hop.task.id),
        "delegation_id": str(hop.id),
        "delegation_depth": hop.depth,
        "max_depth": MAX_DEPTH,
        "customer_id": hop.task.customer_id,
        "path": list(hop.path),
        "candidates": _colleagues(roster, situation),
        "inputs": inputs,
        "deadline": hop.task.deadline_at.isoformat(),
    }


def _colleagues(roster: Roster, situation: Situation) -> orjson.Fragment:
    """Return, as JSON, the colleagues that an agent may delegate to from where it stands."""
    place = situation.depth, situation.path
    if place not in roster.shown:
        shown = [
            {
                "type": colleague.agent_type,
                "name": colleague.name,
                "seniority": colleague.seniority,
                "skills": colleague.skills,
                "description": colleague.description,
            }
            for colleague in candidates(situation)
        ]
        roster.shown[place] = orjson.Fragment(orjson.dumps(shown))
    return roster.shown[place]


def _now() -> datetime:
    return datetime.now(UTC)
