"""One sample task from its submission to its end, with a person who answers what it asks."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.console import Console

from a2a_project.demo.client import Client
from delegation.terminal import TaskDisplay
from examples.samples import Sample

# Time for the watcher to see what is asked before the person in the demo answers.
THINKING_SECONDS = 1.0
SAMPLE_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who acts for a customer: one gives tasks and answers questions, the other approves."""

    owner: Client
    approver: Client


async def play(sample: Sample, people: People, console: Console) -> list[str]:
    """Submit the sample, follow it to its end and return what was not as it should be (nothing, when all is well)."""
    body = {"message": sample["message"]} | ({"agent": sample["agent"]} if sample["agent"] else {})
    submitted = await people.owner.post("tasks", body)
    task_id = submitted["task_id"]
    try:
        numbers = await asyncio.wait_for(follow(task_id, sample, people, console), SAMPLE_SECONDS)
    except TimeoutError:
        return [f"it did not end within {SAMPLE_SECONDS:.0f} s"]
    task = await people.owner.get(f"tasks/{task_id}")
    delegations = await people.owner.get(f"tasks/{task_id}/delegations")
    return complaints(sample, task=task, delegations=delegations["results"], numbers=numbers)


async def follow(task_id: str, sample: Sample, people: People, console: Console) -> list[int]:
    """Show the task's events until it ends, answering on the way. Returns the events' numbers as they came."""
    numbers = []
    with TaskDisplay(console, f"{sample['customer']}: {sample['title']}") as display:
        async for event in people.owner.events(task_id):
            numbers.append(event["seq"])
            display.show(event)
            if display.tree.ended:
                break
            await answer(event, sample, people)
    return numbers


async def answer(event: Mapping[str, Any], sample: Sample, people: People) -> None:
    """Say what the sample's person says to the question in the event, if it is one."""
    data, answers = event["data"], sample["answers"]
    if event["type"] == "approval.requested" and (word := answers["approval"]):
        await asyncio.sleep(THINKING_SECONDS)
        await people.approver.post(f"approvals/{data['approval_id']}/{word}", {"comment": "Seen in the demo."})
    elif event["type"] == "clarification.requested" and (text := answers["clarification"]):
        await asyncio.sleep(THINKING_SECONDS)
        await people.owner.post(f"clarifications/{data['clarification_id']}/answer", {"answer": text})


def complaints(
    sample: Sample, *, task: Mapping[str, Any], delegations: Sequence[Mapping[str, Any]], numbers: Sequence[int]
) -> list[str]:
    """Compare what came of a task with what the sample says must come of it."""
    expected = sample["expected"]
    found = []
    error = (task["error"] or {}).get("code")
    if (task["status"], error) != (expected["status"], expected["error"]):
        found.append(f"it ended {task['status']} {error or ''} instead of {expected['status']}".replace("  ", " "))
    missing = Counter(expected["actions"]) - Counter(hop["action"] for hop in delegations)
    found += [f"nobody decided {action}" for action in missing]
    if (depth := max((hop["depth"] for hop in delegations), default=0)) != expected["depth"]:
        found.append(f"it reached depth {depth} instead of {expected['depth']}")
    result = str(task["result"])
    found += [f"the result does not say {text!r}" for text in expected["result_contains"] if text not in result]
    if not numbers or numbers[0] != 1 or any(later != earlier + 1 for earlier, later in pairwise(numbers)):
        found.append(f"the events came as {list(numbers)}")
    return found
