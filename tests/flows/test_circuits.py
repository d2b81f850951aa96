"""An agent that does not answer is left alone, then tried with one call."""

from django.utils import timezone

from delegation.models import Agent
from tests.agents import Drop, handle
from tests.flows.conftest import Story


def test_after_five_failures_the_agent_is_called_no_more_until_it_has_had_a_pause(story: Story) -> None:
    story.agents.script("marketing-manager", Drop())
    for _ in range(5):
        assert story.ended(story.submit()).error_code == "AGENT_UNAVAILABLE"
    tried = len(story.agents.calls("marketing-manager"))
    agent = Agent.objects.get(agent_type="marketing-manager")
    assert agent.circuit_open_until is not None
    assert agent.circuit_open_until > timezone.now()

    assert story.ended(story.submit()).error_code == "AGENT_UNAVAILABLE"

    assert len(story.agents.calls("marketing-manager")) == tried


def test_an_agent_that_answers_again_is_called_again(story: Story) -> None:
    Agent.objects.filter(agent_type="marketing-manager").update(circuit_open_until=timezone.now())
    story.agents.script("marketing-manager", [handle("back")])

    assert story.ended(story.submit()).result == "back"

    assert Agent.objects.get(agent_type="marketing-manager").circuit_open_until is None
    assert story.ended(story.submit()).result == "back"


def test_other_agents_go_on(story: Story) -> None:
    story.agents.script("marketing-manager", Drop())
    for _ in range(5):
        story.ended(story.submit())

    assert story.ended(story.submit(agent_type="copywriter")).status == "completed"
