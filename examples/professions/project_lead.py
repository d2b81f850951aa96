"""The project lead: schedules steps by their durations and dependencies; everything else it coordinates."""

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from examples.agent import Decision, Request, confidence, handle
from examples.professions import coordinator
from examples.wording import amount, listed
from examples.worksheet import Worksheet, items

_STEP = re.compile(
    r"(?P<name>.+?)\s*[(:,]\s*(?P<count>\d+)\s*(?P<unit>days?|weeks?)(?:[,;]?\s*after\s+(?P<after>[^)]+))?\)?\.?",
    re.IGNORECASE,
)
DAYS_A_WEEK = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    name: str
    days: int
    after: tuple[str, ...]


def decide(request: Request) -> Decision:
    written = items(Worksheet.read(request.instruction).request)
    steps = {step.name.casefold(): step for line in written if (step := read_step(line)) is not None}
    if request.results or not steps:
        return coordinator.decide(request)
    try:
        ends = finish_days(steps)
    except CycleError as error:
        circle = listed(map(str, error.args[1]))
        return handle(f"No schedule: {circle} wait for one another.", reason="The steps form a circle.", confidence=0.9)
    lines = [f"The project takes {amount(max(ends.values()), 'working day')}."]
    lines += [f"- {step.name}: day {ends[key] - step.days + 1} to {ends[key]}" for key, step in steps.items()]
    lines.append(f"Critical path: {' -> '.join(steps[key].name for key in critical_path(steps, ends))}")
    reason = f"Scheduled {len(steps)} of {amount(len(written), 'step')} by what they wait for."
    return handle("\n".join(lines), reason=reason, confidence=confidence(len(steps), len(written)))


def read_step(line: str) -> Step | None:
    """Read 'build (2 weeks, after design and approval)'; None where no duration is named."""
    match = _STEP.fullmatch(line.strip())
    if match is None:
        return None
    days = int(match["count"]) * (DAYS_A_WEEK if match["unit"].casefold().startswith("week") else 1)
    after = re.split(r",|\band\b", match["after"] or "")
    return Step(name=match["name"].strip(), days=days, after=tuple(n.strip().casefold() for n in after if n.strip()))


def finish_days(steps: dict[str, Step]) -> dict[str, int]:
    """Give the working day on which each step ends, the first day being 1. Raises CycleError."""
    order = TopologicalSorter({key: [name for name in step.after if name in steps] for key, step in steps.items()})
    ends: dict[str, int] = {}
    for key in order.static_order():
        start = max((ends[name] for name in steps[key].after if name in ends), default=0)
        ends[key] = start + steps[key].days
    return ends


def critical_path(steps: dict[str, Step], ends: dict[str, int]) -> list[str]:
    """Go back from the step that ends last, each time to the one that was waited for longest."""
    key: str | None = max(ends, key=lambda name: ends[name])
    path: list[str] = []
    while key is not None:
        path.append(key)
        waited_for = [name for name in steps[key].after if name in ends]
        key = max(waited_for, key=lambda name: ends[name], default=None)
    return path[::-1]
