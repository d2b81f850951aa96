"""Calls are made ahead while their hop is being committed: only for hops that are still to come, and never outdated."""

from datetime import timedelta

import orjson
from django.utils import timezone

from delegation.gateway import AgentCall
from delegation.loop.caller import Caller
from delegation.loop.hop_run import situation_of
from delegation.loop.roster import Roster
from delegation.store import ClaimedHop
from delegation.store.records import Row
from security.errors import PlatformError
from tests.delegation.loop.test_admission import hop, roster


def alive(*path: str) -> ClaimedHop:
    made = hop("acmecorp", *path)
    return made._replace(task=made.task._replace(deadline_at=timezone.now() + timedelta(hours=1)))


class Making:
    """Counts the calls that are made ready, and marks them."""

    def __init__(self, *, fails: bool = False) -> None:
        self.made: list[AgentCall] = []
        self.fails = fails
        self.caller = Caller(ready=self._ready, push=None, agent_timeout_seconds=30)

    def _ready(self, call: AgentCall) -> AgentCall:
        if self.fails:
            raise PlatformError(internal="no key")
        self.made.append(call)
        return call._replace(max_tries=99)

    def first_call(self, of: ClaimedHop, team: Roster, *, inputs: list[Row] | None = None) -> AgentCall:
        agent = team.agents[of.agent_type]
        return self.caller.first_call(of, agent, team, situation_of(of, agent, team), inputs or [])

    @staticmethod
    def was_ahead(call: AgentCall) -> bool:
        return call.max_tries == 99


def test_a_call_made_ahead_is_the_one_that_is_made_once() -> None:
    making, team, child = Making(), roster("acmecorp"), alive("manager", "writer")
    making.caller.expect(child)
    making.caller.prepare([child], team)

    first, second = making.first_call(child, team), making.first_call(child, team)

    assert making.was_ahead(first)
    assert not making.was_ahead(second)
    assert first.context["delegation_id"] == child.id
    shown = orjson.loads(orjson.dumps(first.context["candidates"]))
    assert [colleague["type"] for colleague in shown] == ["editor"]
    assert (first.message_id, first.url, first.instruction) == (second.message_id, second.url, second.instruction)


def test_whoever_began_or_was_forgotten_meanwhile_is_not_prepared() -> None:
    making, team = Making(), roster("acmecorp")
    begun, forgotten, stranger = alive("manager", "writer"), alive("manager", "editor"), alive("manager", "clerk")
    for each in (begun, forgotten, stranger):
        making.caller.expect(each)
    making.first_call(begun, team)
    making.caller.forget(forgotten)

    making.caller.prepare([begun, forgotten, stranger], team)

    assert making.made == []


def test_what_is_known_anew_or_was_brought_meanwhile_makes_another_call() -> None:
    making, team = Making(), roster("acmecorp")
    changed, answered = alive("manager", "writer"), alive("manager", "writer")
    for each in (changed, answered):
        making.caller.expect(each)
    making.caller.prepare([changed, answered], team)

    assert not making.was_ahead(making.first_call(changed, roster("acmecorp")))
    answer: Row = {"kind": "answer", "question": "Which?", "answer": "Blue"}
    assert not making.was_ahead(making.first_call(answered, team, inputs=[answer]))


def test_what_cannot_be_made_ahead_is_made_in_its_turn() -> None:
    making, team, child = Making(fails=True), roster("acmecorp"), alive("manager", "writer")
    making.caller.expect(child)

    making.caller.prepare([child], team)

    assert making.first_call(child, team).message_id == str(child.id)
