"""What gathers while one hop runs."""

from collections.abc import Container
from datetime import UTC, datetime

from delegation import metrics
from delegation.errors import AgentUnavailable
from delegation.loop.account import Account
from delegation.loop.roster import AgentRecord, Roster
from delegation.loop.screening import Screened
from delegation.policy.decision import NO_USAGE, Decision
from delegation.policy.verdict import Situation, Verdict
from delegation.store import ClaimedHop
from delegation.store.records import LoggedRuling, Row
from delegation.store.rows import logged_ruling
from security.authorisation import Ruling
from security.errors import AuthFailed, CustomerDisabled, LeakageDetected, PlatformError
from security.leak_rules import LeakRules
from security.limiting import Terms


def situation_of(hop: ClaimedHop, agent: AgentRecord, roster: Roster) -> Situation:
    """Return where the hop stands when its agent decides."""
    task = hop.task
    return Situation(
        agent=agent,
        depth=hop.depth,
        path=hop.path,
        roster=roster.agents,
        rules=roster.rules,
        used_pairs=roster.used_pairs,
        rulings=roster.rulings,
        reach=roster.reach_of(task.created_by),
        hops_left=max(0, task.hop_budget - task.hop_count),
    )


class HopRun:
    """What gathers while one hop runs, and goes on record however it ends."""

    def __init__(self, hop: ClaimedHop) -> None:
        self.hop = hop
        self.decision: Decision | None = None
        self.seconds: float | None = None
        self.roster: Roster | None = None
        self._agent: AgentRecord | None = None
        self.usage = NO_USAGE
        self.budgeted: Terms | None = None
        self._rulings: list[LoggedRuling] = []
        self._leakages: list[Row] = []
        self._findings = 0

    @property
    def known_agents(self) -> Container[str]:
        return self.roster.agents if self.roster else ()

    @property
    def leak_rules(self) -> LeakRules:
        return self.roster.leaks if self.roster else LeakRules()

    @property
    def agent(self) -> AgentRecord:
        if self._agent is None:
            raise PlatformError(internal="the agent is not known yet")
        return self._agent

    def meet(self, roster: Roster) -> None:
        """Find the agent and rule whether it may be called; a hop that goes on has been ruled on before.

        What an agent is at work on when it is disabled may be finished: whoever wants it otherwise cancels it.

        Raises:
            AgentUnavailable: the customer has no such agent any more, or it is disabled.
            CustomerDisabled
            AuthFailed: it may not be called.
        """
        hop = self.hop
        self.roster = roster
        self._agent = roster.agents.get(hop.agent_type)
        if hop.polls and self._agent is not None:
            return
        ruling = roster.call_ruling(hop.agent_type, path=hop.path, user_id=hop.task.created_by)
        if not (hop.tries and ruling.authorized):
            self._record(ruling, action="invoke", target=hop.agent_type)
        if self._agent is None:
            raise AgentUnavailable(internal=ruling.reason)
        if not roster.terms.active:
            raise CustomerDisabled(internal=f"{hop.task.customer_id} is disabled")
        if not self._agent.enabled:
            raise AgentUnavailable(internal=ruling.reason)
        if not ruling.authorized:
            raise AuthFailed(internal=ruling.reason)

    def decide(self, decision: Decision) -> None:
        """Keep the decision as it may be recorded."""
        self.decision = decision
        if decision.usage is not NO_USAGE:
            self.usage += decision.usage

    def note(self, screened: Screened) -> None:
        """Keep what the scan of an answer found. Raises LeakageDetected where the answer must not go on."""
        self._leakages += screened.rows
        self._findings += screened.findings
        for severity in screened.severities:
            metrics.LEAKAGE_DETECTED.labels(severity, self.hop.task.customer_id).inc()
        if screened.blocked:
            raise LeakageDetected(internal=f"{len(screened.rows)} findings in {self.hop.agent_type}'s answer")

    def rule(self, verdict: Verdict) -> None:
        for target, ruling in verdict.rulings:
            self._record(ruling, action="delegate_to", target=target)

    def account(self) -> Account:
        return Account(
            hop=self.hop,
            at=_now(),
            agent=self._agent,
            seconds=self.seconds,
            rulings=tuple(self._rulings),
            leakages=tuple(self._leakages),
            findings=self._findings,
            usage=self.usage,
        )

    def _record(self, ruling: Ruling, *, action: str, target: str) -> None:
        logged = logged_ruling(
            target=target, action=action, authorized=ruling.authorized, reason=ruling.reason, at=_now()
        )
        self._rulings.append(logged)


def _now() -> datetime:
    return datetime.now(UTC)
