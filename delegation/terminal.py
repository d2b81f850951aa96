"""A task's progress in the terminal: a tree that grows event by event, or plain lines where there is no screen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

REASON_LENGTH = 110
ENDED = frozenset({"completed", "failed", "canceled", "rejected"})
# What agents say is text of strangers: an escape sequence in it must not reach the terminal.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
STYLES = {
    "running": ("◌", "cyan"),
    "waiting": ("◷", "yellow"),
    "completed": ("●", "green"),
    "failed": ("✗", "red"),
    "canceled": ("○", "dim"),
}
WAITS = {
    "agent": "waits for the agent's answer",
    "rate_limit": "waits for its turn under a rate limit",
    "branches": "waits for its branches",
    "answer": "waits for an answer",
    "approval": "waits for approval",
    "retry": "waits to call the agent again",
}


@dataclass(slots=True, kw_only=True)
class HopView:
    """What the tree shows of one hop."""

    agent_type: str
    parent_id: str | None
    depth: int
    attempt: int = 1
    status: str = "running"
    facts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # What it waits for; gone as soon as it goes on.
    waits: str = ""


class TaskTree:
    """Gather a task's events, in their order, into what a person wants to see."""

    def __init__(self, title: str) -> None:
        self.title = clean(title)
        self.status = "submitted"
        self.outcome = ""
        self.hops: dict[str, HopView] = {}

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one event ({seq, type, at, data}); types that are unknown here change nothing."""
        kind, _, what = str(event["type"]).partition(".")
        data = event["data"]
        match kind:
            case "task":
                self._apply_task(what, data)
            case "hop":
                self._apply_hop(what, data)
            case "approval":
                self._apply_approval(what, data)
            case "clarification":
                self._apply_clarification(what, data)

    def line(self, event: Mapping[str, Any]) -> str:
        """Return the event as one line of plain text, indented by the hop's depth; apply it first."""
        hop = self.hops.get(event["data"].get("delegation_id", ""))
        kind, _, what = str(event["type"]).partition(".")
        if hop is None:
            return f"{kind} {what}{self._outcome_text() if self.ended else ''}"
        again = f" (call {hop.attempt})" if hop.attempt > 1 else ""
        if kind == "hop":
            told = {"decided": hop.facts + hop.notes, "failed": hop.notes, "waiting": [hop.waits]}.get(what, [])
            return indented(hop, " · ".join([f"{hop.agent_type}{again} {what}", *told]))
        return indented(hop, " · ".join([f"{hop.agent_type}{again} {kind}", *(hop.notes[-1:] or [hop.waits])]))

    def __rich__(self) -> Tree:
        """Draw the tree as it stands."""
        glyph, style = STYLES.get(self.status, ("◌", "cyan"))
        label = Text.assemble((f"{glyph} ", style), (self.title, "bold"), (f"  {self.status}", style))
        label.append(self._outcome_text(), style="red" if self.status == "failed" else "")
        root = Tree(label, guide_style="dim")
        branches: dict[str | None, Tree] = {None: root}
        for hop_id, hop in self.hops.items():
            above = branches.get(hop.parent_id, root)
            branches[hop_id] = above.add(hop_label(hop))
        return root

    def _apply_task(self, what: str, data: Mapping[str, Any]) -> None:
        self.status = {"created": "submitted"}.get(what, what)
        if what == "completed":
            self.outcome = f"{data['hop_count']} calls, ${float(data['cost_usd']):.6f}"
        elif error := data.get("error"):
            self.outcome = clean(f"{error['code']}: {error['message']}")

    def _apply_hop(self, what: str, data: Mapping[str, Any]) -> None:
        hop_id = data["delegation_id"]
        if what == "started":
            hop = self.hops.setdefault(hop_id, HopView(agent_type="", parent_id=data["parent_id"], depth=data["depth"]))
            hop.agent_type, hop.attempt, hop.status = clean(data["agent_type"]), data["attempt"], "running"
            hop.waits = ""
            self._end_earlier_call(hop)
        elif hop_id in self.hops and what != "reported":
            hop = self.hops[hop_id]
            hop.status = {"decided": "completed"}.get(what, what)
            hop.waits = WAITS.get(data["waiting_for"], "waits") if what == "waiting" else ""
            hop.notes += hop_notes(what, data)
            if what == "decided":
                hop.facts = decision_facts(data)

    def _end_earlier_call(self, hop: HopView) -> None:
        """Show the call that this one goes on from as done: it has what it waited for."""
        same = (hop.parent_id, hop.agent_type, hop.attempt - 1)
        for earlier in self.hops.values():
            if (earlier.parent_id, earlier.agent_type, earlier.attempt) == same and earlier.status == "waiting":
                earlier.status, earlier.waits = "completed", ""

    def _apply_approval(self, what: str, data: Mapping[str, Any]) -> None:
        if what == "requested":
            self.hops[data["delegation_id"]] = HopView(
                agent_type=clean(data["agent_to"]),
                parent_id=data["parent_id"],
                depth=data["depth"],
                status="waiting",
                waits=WAITS["approval"],
            )
        elif hop := self.hops.get(data["delegation_id"]):
            by = f" by {clean(str(data['by']))}" if data.get("by") else ""
            comment = f": {clean(data['comment'])}" if data.get("comment") else ""
            hop.notes.append(f"{what}{by}{comment}")
            hop.waits = ""

    def _apply_clarification(self, what: str, data: Mapping[str, Any]) -> None:
        hop = self.hops.get(data["delegation_id"])
        if hop is None:
            return
        match what:
            case "requested":
                hop.notes.append(f"asks: {shortened(data['question'])}")
            case "answered":
                hop.waits = ""
                hop.notes.append(f"answered by {clean(str(data['by']))}: {shortened(data['answer'])}")
            case _:
                hop.notes.append(f"the question has {clean(what)}")

    def _outcome_text(self) -> str:
        return f"  {self.outcome}" if self.outcome else ""


class TaskDisplay:
    """Show a task while it runs: a live tree on a terminal, one line an event anywhere else."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.tree = TaskTree(title)
        self.live = Live(self.tree, console=console, refresh_per_second=8) if is_screen(console) else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        else:
            self.console.print(self.tree.title, markup=False, highlight=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def show(self, event: Mapping[str, Any]) -> None:
        """Apply the event and bring it onto the screen."""
        self.tree.apply(event)
        if not self.live:
            self.console.print(f"  {self.tree.line(event)}", markup=False, highlight=False, soft_wrap=True)


def indented(hop: HopView, text: str) -> str:
    return "  " * hop.depth + text


def is_screen(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


def clean(text: str) -> str:
    """Return the text without control and direction characters."""
    return CONTROL.sub(" ", text).strip()


def shortened(text: str) -> str:
    words = clean(text)
    return words if len(words) <= REASON_LENGTH else f"{words[: REASON_LENGTH - 1]}…"


def decision_facts(data: Mapping[str, Any]) -> list[str]:
    """Return what was decided: the action and whom it names, the confidence, the time it took."""
    to = ", ".join(clean(name) for name in data.get("delegated_to") or [])
    facts = [f"{data['action']} → {to}" if to else str(data["action"])]
    if (confidence := data.get("confidence")) is not None:
        facts.append(f"{confidence:.0%} sure")
    if (seconds := data.get("execution_time_seconds")) is not None:
        facts.append(f"{seconds:.2f} s")
    return facts


def hop_notes(what: str, data: Mapping[str, Any]) -> list[str]:
    """Return what is worth a line of its own about a hop."""
    match what:
        case "decided":
            findings = data.get("findings")
            leak = [f"{findings} finding(s) of the leak detector"] if findings else []
            return [shortened(data["reason"]), *leak] if data.get("reason") else leak
        case "failed":
            return [shortened(f"{data['error']['code']}: {data['error']['message']}")]
        case _:
            return []


def hop_label(hop: HopView) -> Text:
    glyph, style = STYLES.get(hop.status, ("◌", "cyan"))
    label = Text.assemble((f"{glyph} ", style), (hop.agent_type, "bold"))
    if hop.attempt > 1:
        label.append(f" (call {hop.attempt})", style="dim")
    for fact in hop.facts:
        label.append(f"  {fact}")
    for note in hop.notes:
        label.append(f"\n  {note}", style="red" if hop.status == "failed" else "dim")
    if hop.waits:
        label.append(f"\n  {hop.waits}", style="yellow")
    return label
