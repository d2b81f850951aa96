"""The two demo teams, and the command that serves all agents of one of them in one process.

`python -m examples.team --customer techcorp --port 0` prints one JSON line, `{"customer", "url", "agents"}`, as soon as
the agents can be called, and ends with exit code 0 on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from types import FrameType

import uvicorn

from examples.agent import Employee
from examples.guarded import GuardedTeam
from examples.professions import (
    analyst,
    compliance_officer,
    content_lead,
    coordinator,
    copywriter,
    editor,
    payments_officer,
    project_lead,
    publisher,
    researcher,
    seo_specialist,
    support_agent,
)
from examples.professions.integration_engineer import integration_engineer
from examples.server import application
from examples.verifier import Application

CUSTOMERS: Mapping[str, str] = {"techcorp": "TechCorp", "acmecorp": "AcmeCorp"}
LATE_SECONDS = 3.0
SHUTDOWN_SECONDS = 3

TECHCORP = (
    Employee(
        agent_type="marketing-manager",
        name="Maya",
        seniority="director",
        skills=("coordination", "marketing"),
        description="Takes requests apart, gives each part to who can do it, and joins the results.",
        decide=coordinator.decide,
    ),
    Employee(
        agent_type="content-lead",
        name="Carlos",
        seniority="manager",
        skills=("content-strategy",),
        description="Completes the brief of a text, asks for the audience, and orders its facts.",
        decide=content_lead.decide,
    ),
    Employee(
        agent_type="compliance-officer",
        name="Ines",
        seniority="manager",
        skills=("compliance",),
        description="Finds claims that need proof, and personal data that should not be there.",
        decide=compliance_officer.decide,
    ),
    Employee(
        agent_type="copywriter",
        name="Wren",
        seniority="senior",
        skills=("copywriting",),
        description="Writes headline and text from the facts, within the length asked for.",
        decide=copywriter.decide,
    ),
    Employee(
        agent_type="data-analyst",
        name="Dana",
        seniority="senior",
        skills=("data-analysis",),
        description="Computes totals, means, growth and the best row of any table.",
        decide=analyst.decide,
    ),
    Employee(
        agent_type="seo-specialist",
        name="Sefa",
        seniority="senior",
        skills=("seo",),
        description="Finds keywords, and writes title and description for search engines.",
        decide=seo_specialist.decide,
    ),
    Employee(
        agent_type="editor",
        name="Edda",
        seniority="senior",
        skills=("editing", "fact-checking"),
        description="Recomputes figures from their table, checks texts against their brief, and corrects both.",
        decide=editor.decide,
    ),
    Employee(
        agent_type="publisher",
        name="Paul",
        seniority="specialist",
        skills=("publishing",),
        description="Puts finished texts live. Needs approval.",
        decide=publisher.decide,
        requires_approval=True,
    ),
    Employee(
        agent_type="integration-engineer",
        name="Ignatz",
        seniority="specialist",
        skills=("integration",),
        description="Connects services. Careless: leaks a token and another client's name.",
        decide=integration_engineer(other_client=CUSTOMERS["acmecorp"]),
    ),
)
ACMECORP = (
    Employee(
        agent_type="operations-director",
        name="Olga",
        seniority="director",
        skills=("coordination", "operations"),
        description="Takes requests apart, gives each part to who can do it, and joins the results.",
        decide=coordinator.decide,
    ),
    Employee(
        agent_type="project-lead",
        name="Priya",
        seniority="manager",
        skills=("coordination", "project-planning"),
        description="Schedules steps by duration and dependency, and finds the critical path.",
        decide=project_lead.decide,
    ),
    Employee(
        agent_type="researcher",
        name="Ravi",
        seniority="senior",
        skills=("research",),
        description="Reads sources and draws out what bears on a question. Answers late.",
        decide=researcher.decide,
        answers_late=True,
    ),
    Employee(
        agent_type="financial-analyst",
        name="Fatima",
        seniority="senior",
        skills=("financial-analysis",),
        description="Computes on tables of amounts, in one currency or in several.",
        decide=analyst.decide,
    ),
    Employee(
        agent_type="reviewer",
        name="Rosa",
        seniority="senior",
        skills=("fact-checking", "editing"),
        description="Recomputes figures from their table, and corrects what does not hold.",
        decide=editor.decide,
    ),
    Employee(
        agent_type="support-agent",
        name="Sam",
        seniority="specialist",
        skills=("customer-support",),
        description="Sorts customers' messages by matter and urgency, and drafts replies.",
        decide=support_agent.decide,
    ),
    Employee(
        agent_type="payments-officer",
        name="Petra",
        seniority="specialist",
        skills=("payments",),
        description="Turns invoices into payment orders. Needs approval.",
        decide=payments_officer.decide,
        requires_approval=True,
    ),
)
TEAMS: Mapping[str, tuple[Employee, ...]] = {"techcorp": TECHCORP, "acmecorp": ACMECORP}


def roster(customer: str) -> list[dict[str, object]]:
    """List the agents of a customer's team as a platform registers them; `path` goes after the team's address.

    Raises KeyError for an unknown customer.
    """
    return [
        {
            "agent_type": employee.agent_type,
            "name": employee.name,
            "seniority": employee.seniority,
            "skills": list(employee.skills),
            "description": employee.description,
            "path": f"/{employee.agent_type}/",
            "requires_approval": employee.requires_approval,
        }
        for employee in TEAMS[customer]
    ]


class TeamServer(uvicorn.Server):
    """Tell on standard output when the agents can be called."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self.announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self.announcement, flush=True)


def serve(
    *, customer: str, host: str, port: int, late_seconds: float, stop_with_stdin: bool, platform: str | None
) -> None:
    """Serve a customer's team until SIGTERM, SIGINT or, with `stop_with_stdin`, the end of standard input.

    Raises OSError where the port is taken.
    """
    with socket.create_server((host, port)) as listener:
        # asyncio does so only for sockets it has made itself; else every answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        base_url = f"http://{host}:{listener.getsockname()[1]}"
        app: Application = application(TEAMS[customer], base_url=base_url, late_seconds=late_seconds)
        agents = [str(entry["agent_type"]) for entry in roster(customer)]
        if platform:
            app = GuardedTeam(app, customer=customer, agent_types=agents, platform=platform)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SHUTDOWN_SECONDS)
        server = TeamServer(config, json.dumps({"customer": customer, "url": base_url, "agents": agents}))
        if stop_with_stdin:
            threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
        asyncio.run(server.serve([listener]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="examples.team", description="Serve a demo team of A2A agents.")
    parser.add_argument("--customer", choices=sorted(TEAMS), required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--late-seconds", type=float, default=LATE_SECONDS, help="how late the late agent answers")
    parser.add_argument("--platform", help="its address: agents then answer only what it has signed")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input does")
    given = parser.parse_args(arguments)
    # uvicorn ends gracefully and then raises the signal once more: to this handler.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_cleanly)
    try:
        serve(**vars(given))
    except OSError as error:
        print(f"Cannot serve on {given.host}:{given.port}: {os.strerror(error.errno or 0)}.", file=sys.stderr)
        return 1
    return 0


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True


def _end_cleanly(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
