"""What every demo agent shares: the request it is given, the decision it answers, and how it picks a colleague."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

EXTENSION_URI = "https://a2a-delegation.dev/extensions/delegation/v1"
SENIORITIES = ("specialist", "senior", "manager", "director", "executive")

# A colleague needs time too: with less than this left, an agent finishes the work itself.
HAND_OVER_SECONDS = 3.0


class MalformedContextError(ValueError):
    """The delegation context of a message has the wrong shape; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Hold one answer: `action` says which of the optional fields are set."""

    action: str
    confidence: float
    reason: str
    result: str | None = None
    delegated_to: str | None = None
    instruction: str | None = None
    subtasks: tuple[Mapping[str, str], ...] = ()
    question: str | None = None
    options: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Give the JSON object of the protocol extension, without the fields that are not set."""
        optional = {
            "result": self.result,
            "delegated_to": self.delegated_to,
            "instruction": self.instruction,
            "subtasks": [dict(subtask) for subtask in self.subtasks] or None,
            "question": self.question,
            "options": list(self.options) or None,
        }
        decided = {"action": self.action, "confidence": round(self.confidence, 3), "reason": self.reason}
        return decided | {name: value for name, value in optional.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    agent_type: str
    name: str
    seniority: str
    skills: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildResult:
    """Hold what one parallel child came to; `result` is its text, `error` says why it failed."""

    agent_type: str
    status: str
    result: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """Describe one agent of a team and the function that decides for it."""

    agent_type: str
    name: str
    seniority: str
    skills: tuple[str, ...]
    description: str
    decide: Callable[["Request"], Decision]
    requires_approval: bool = False
    answers_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Hold what an agent was asked. `colleagues` are only those it may hand work to."""

    employee: Employee
    instruction: str
    now: datetime
    delegation_id: str = ""
    colleagues: tuple[Colleague, ...] = ()
    results: tuple[ChildResult, ...] = ()
    answers: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())


def read_request(
    *, employee: Employee, instruction: str, context: Mapping[str, object] | None, now: datetime
) -> Request:
    """Build the request of `employee` from the instruction and the extension's data part, if there was one.

    Raises MalformedContextError where the data part is not of the extension's shape.
    """
    context = context or {}
    inputs = _mappings(context.get("inputs"), where="inputs")
    problems = tuple(_text(item.get("problem")) for item in inputs if item.get("kind") == "correction")
    return Request(
        employee=employee,
        instruction=instruction,
        now=now,
        delegation_id=_text(context.get("delegation_id")),
        colleagues=_colleagues(employee, context, problems, now),
        results=tuple(_child_result(item) for item in inputs if item.get("kind") == "result"),
        answers=tuple(_text(item.get("answer")) for item in inputs if item.get("kind") == "answer"),
        problems=problems,
    )


def may_delegate(*, giver: str, taker: str) -> bool:
    """Tell whether seniority `giver` may hand work to `taker`: to its own rank or below."""
    return taker in SENIORITIES and SENIORITIES.index(taker) <= SENIORITIES.index(giver)


def choose(colleagues: Sequence[Colleague], *skills: str) -> Colleague | None:
    """Pick who has the first of `skills` that anyone has; of several the most specialised one."""
    for skill in skills:
        able = [colleague for colleague in colleagues if normal(skill) in map(normal, colleague.skills)]
        if able:
            return min(able, key=lambda colleague: (len(colleague.skills), colleague.agent_type))
    return None


def normal(skill: str) -> str:
    """Write a skill in one way: 'Data analysis' and 'data_analysis' are 'data-analysis'."""
    return "-".join(skill.casefold().replace("_", " ").replace("-", " ").split())


def confidence(successes: int, trials: int) -> float:
    """Estimate by Laplace's rule of succession how far to trust work of which `successes` of `trials` checks held."""
    return (successes + 1) / (trials + 2)


def handle(result: str, *, reason: str, confidence: float) -> Decision:
    return Decision(action="handle", confidence=confidence, reason=reason, result=result)


def delegate(to: Colleague, instruction: str, *, reason: str, confidence: float) -> Decision:
    return Decision(
        action="delegate",
        confidence=confidence,
        reason=reason,
        delegated_to=to.agent_type,
        instruction=instruction,
    )


def parallel(subtasks: Sequence[tuple[Colleague, str]], *, reason: str, confidence: float) -> Decision:
    given = tuple({"delegated_to": to.agent_type, "instruction": instruction} for to, instruction in subtasks)
    return Decision(action="parallel", confidence=confidence, reason=reason, subtasks=given)


def ask(question: str, *, reason: str, confidence: float, options: Sequence[str] = ()) -> Decision:
    return Decision(
        action="ask_clarification", confidence=confidence, reason=reason, question=question, options=tuple(options)
    )


def _colleagues(
    employee: Employee, context: Mapping[str, object], problems: Sequence[str], now: datetime
) -> tuple[Colleague, ...]:
    """Keep the candidates to whom the house rules allow handing work: not upwards, not back, not too deep or late."""
    path = context.get("path") or ()
    if not isinstance(path, list | tuple):
        raise MalformedContextError("path is not a list")
    too_deep = _number(context, "delegation_depth", 0) + 1 > _number(context, "max_depth", 5)
    if too_deep or _seconds_left(context, now) < HAND_OVER_SECONDS:
        return ()
    known = [_colleague(item) for item in _mappings(context.get("candidates"), where="candidates")]
    excluded = {employee.agent_type, *map(str, path)}
    return tuple(
        colleague
        for colleague in known
        if colleague.agent_type not in excluded
        and may_delegate(giver=employee.seniority, taker=colleague.seniority)
        and not any(colleague.agent_type in problem for problem in problems)
    )


def _seconds_left(context: Mapping[str, object], now: datetime) -> float:
    deadline = context.get("deadline")
    if not deadline:
        return float("inf")
    try:
        at = datetime.fromisoformat(str(deadline))
    except ValueError as error:
        raise MalformedContextError("deadline is not an ISO 8601 time") from error
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()


def _colleague(item: Mapping[str, object]) -> Colleague:
    skills = item.get("skills") or ()
    if not isinstance(skills, list | tuple):
        raise MalformedContextError("the skills of a candidate are not a list")
    return Colleague(
        agent_type=_text(item.get("type")),
        name=_text(item.get("name") or item.get("type")),
        seniority=_text(item.get("seniority") or "specialist").casefold(),
        skills=tuple(map(str, skills)),
        description=_text(item.get("description")),
    )


def _child_result(item: Mapping[str, object]) -> ChildResult:
    return ChildResult(
        agent_type=_text(item.get("agent_type")),
        status=_text(item.get("status")),
        result=_text(item.get("result")),
        error=_text(item.get("error")),
    )


def _mappings(value: object, *, where: str) -> list[Mapping[str, object]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise MalformedContextError(f"{where} is not a list of objects")
    return value


def _number(context: Mapping[str, object], name: str, default: float) -> float:
    value = context.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedContextError(f"{name} is not a number")
    return float(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
