"""A customer is switched off while its people watch."""

from django.utils import timezone

from security.switches import customer_switch
from tests.agents import AgentServer
from tests.delegation.live.consumers.watching import close_code, received, submitted, watching
from tests.people import Cast, team
from tests.web import WebServer


def test_its_sockets_are_closed_and_no_others(web: WebServer, people: Cast, agent_server: AgentServer) -> None:
    team(agent_server)
    task = submitted(people.alice)
    with (
        watching(web, f"/ws/tasks/{task.pk}/", people.alice) as one_task,
        watching(web, "/ws/tasks/", people.alice) as all_tasks,
        watching(web, "/ws/tasks/", people.zoe) as other,
    ):
        received(one_task, 1)
        customer_switch(customer_id="techcorp", active=False, by="root", now=timezone.now())

        assert [close_code(each) for each in (one_task, all_tasks)] == [4401, 4401]
        assert other.close_code is None
