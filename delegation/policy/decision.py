"""What an agent decided: the answer read, wherever its JSON stands, and held against the rules of design."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

from delegation.states import Action

SUBTASKS = range(2, 11)
MAX_NESTING = 64
MAX_OPTIONS = 20
_LARGEST_COUNT = 2**53
_LARGEST_COST_USD = 1_000_000
# A brace or fence in prose seldom begins a decision; looking at a few is enough, and bounds the work on hostile text.
_MAX_PLACES = 32
_DECISION_KEYS = {"confidence", "reason", "result", "delegated_to", "instruction", "subtasks", "question", "usage"}
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\r?\n(.*?)```", re.DOTALL)
_BROKEN_FENCE = re.compile(r"```[a-zA-Z]*\s*\{")
# Strings are matched first, so that a comma within one is never taken for a trailing comma. One that is never closed
# runs to the end: trying again at each of its quotes would take quadratic time.
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+"?)|,(?=\s*+[}\]])', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ACTIONS = {action.value: action for action in Action}
_INTEGERS = range(-(2**63), 2**64)


class DecisionInvalid(ValueError):
    """The answer tries to be a decision and is none; the text says what was wrong, for the agent to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


NO_USAGE = Usage()


class Subtask(NamedTuple):
    """What goes to one colleague; without an instruction of its own it is the task's."""

    delegated_to: str
    instruction: str | None = None


class Decision(NamedTuple):
    """One of the four actions. ``subtasks`` holds one entry for delegate, 2 to 10 for parallel.

    ``quorum`` is how many branches of a split must succeed for it to go on; None waits for all of them to end.
    """

    action: Action
    confidence: float | None = None
    reason: str = ""
    result: object = None
    subtasks: tuple[Subtask, ...] = ()
    quorum: int | None = None
    question: str = ""
    options: tuple[str, ...] = ()
    usage: Usage = NO_USAGE


def read_decision(*, data: tuple[object, ...], text: str, files: tuple[dict[str, str], ...] = ()) -> Decision:
    """Read the decision out of an answer's data parts and text. An answer that is no decision at all is handled work.

    Its result is the text, or the data where there is no text; of more than one of text, data and files it is an object
    with these keys.

    Raises:
        DecisionInvalid: it tries to be a decision and breaks a rule.
    """
    for part in data:
        if isinstance(part, dict) and "action" in part:
            return checked(part)
    if (candidate := _decision_in(text)) is not None:
        return checked(candidate)
    result = _handled(text, [part for part in data if part is not None], list(files))
    if result is None:
        raise DecisionInvalid("The answer is empty: give a decision, or text, or an artifact.")
    return Decision(action=Action.HANDLE, result=_storable(result))


def _handled(text: str, data: list[object], files: list[dict[str, str]]) -> object:
    """Return what an answer that is no decision brings, or None where that is nothing."""
    given: dict[str, object] = {"text": text} if text.strip() else {}
    if data:
        given["data"] = data[0] if len(data) == 1 else data
    if files:
        given["files"] = files
    alone = len(given) == 1 and not files
    return next(iter(given.values())) if alone else given or None


def _decision_in(text: str) -> dict[str, object] | None:
    """Return the JSON object in the text that means to be a decision, or None where there is none."""
    stripped = text.strip()
    if not stripped or '"action"' not in stripped:
        if stripped.startswith("{") and _loads(stripped) is _BROKEN:
            raise DecisionInvalid("The answer begins like JSON but cannot be parsed.")
        return None
    for whole in (stripped, *(match[1].strip() for match in islice(_FENCE.finditer(stripped), _MAX_PLACES))):
        value = _loads(whole)
        if isinstance(value, dict) and "action" in value:
            return value
    for found in _objects_within(stripped):
        if found.get("action") in _ACTIONS.values() or _DECISION_KEYS & found.keys():
            return found
    if stripped.startswith("{") or _BROKEN_FENCE.match(stripped):
        raise DecisionInvalid("The answer looks like a decision, but its JSON cannot be parsed.")
    return None


_BROKEN = object()


def _loads(text: str) -> object:
    """Return the JSON value that the text is (forgiving a trailing comma), or ``_BROKEN``."""
    if not text.startswith(("{", "[")):
        return _BROKEN
    for attempt in (text, _repaired(text)):
        try:
            value: object = json.loads(attempt, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            continue
        return value
    return _BROKEN


def _repaired(text: str) -> str:
    """Return the text, of the same length, with a space for each trailing comma."""
    return _TRAILING_COMMA.sub(lambda match: match[1] or " ", text)


def _objects_within(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects that stand in prose and name an action.

    Quotes in the prose may hide where strings begin, so the text as it is comes first at each brace. Attempts that fail
    late are what costs time: together they may read the text twice.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    position = max(text.find("{"), 0)
    repaired = text[:position] + _repaired(text[position:])
    effort = 2 * len(text)
    for _ in range(_MAX_PLACES):
        position = text.find("{", position)
        if position < 0 or effort <= 0:
            return
        end = position + 1
        for attempt in (text, repaired):
            try:
                value, end = decoder.raw_decode(attempt, position)
            except json.JSONDecodeError as error:
                effort -= error.pos - position
            except (ValueError, RecursionError):
                effort -= len(text) - position
            else:
                if isinstance(value, dict) and "action" in value:
                    yield value
                break
        position = end


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def checked(raw: dict[str, object]) -> Decision:
    """Hold a decision's JSON object against the rules.

    Raises:
        DecisionInvalid: with every rule named in words that the agent can act on.
    """
    action = raw.get("action")
    known = _ACTIONS.get(action) if isinstance(action, str) else None
    if known is None:
        raise DecisionInvalid(f"action must be one of {', '.join(_ACTIONS)}.")
    return Decision(
        action=known,
        confidence=_confidence(raw.get("confidence")),
        reason=_text(raw, "reason", required=False),
        usage=_usage(raw.get("usage")),
        **_READERS[known](raw),
    )


def _read_handle(raw: dict[str, object]) -> dict[str, Any]:
    if raw.get("result") is None:
        raise DecisionInvalid("handle needs a result: text or JSON.")
    return {"result": _storable(raw["result"])}


def _read_delegate(raw: dict[str, object]) -> dict[str, Any]:
    return {"subtasks": (_subtask(raw),)}


def _read_parallel(raw: dict[str, object]) -> dict[str, Any]:
    subtasks = raw.get("subtasks")
    if not isinstance(subtasks, list) or len(subtasks) not in SUBTASKS:
        raise DecisionInvalid(f"parallel needs subtasks: a list of {SUBTASKS.start} to {SUBTASKS.stop - 1}.")
    if not all(isinstance(subtask, dict) for subtask in subtasks):
        raise DecisionInvalid("Each subtask must be an object {delegated_to, instruction}.")
    return {
        "subtasks": tuple(_subtask(subtask) for subtask in subtasks),
        "quorum": _quorum(raw.get("join", "all"), branches=len(subtasks)),
    }


def _quorum(value: object, *, branches: int) -> int | None:
    if value is None or value == "all":
        return None
    if value == "any":
        return 1
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= branches:
        return value
    raise DecisionInvalid(f'join must be "all", "any" or a number from 1 to {branches}.')


def _read_question(raw: dict[str, object]) -> dict[str, Any]:
    options = raw.get("options")
    options = [] if options is None else options
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise DecisionInvalid("options must be a list of texts.")
    if len(options) > MAX_OPTIONS:
        raise DecisionInvalid(f"options must be at most {MAX_OPTIONS}.")
    return {
        "question": _text(raw, "question", required=True),
        "options": tuple(_storable_text(option) for option in options),
    }


_READERS = {
    Action.HANDLE: _read_handle,
    Action.DELEGATE: _read_delegate,
    Action.PARALLEL: _read_parallel,
    Action.ASK_CLARIFICATION: _read_question,
}


def _subtask(raw: dict[str, object]) -> Subtask:
    return Subtask(
        delegated_to=_text(raw, "delegated_to", required=True).strip(),
        instruction=_text(raw, "instruction", required=False) or None,
    )


def _text(raw: dict[str, object], key: str, *, required: bool) -> str:
    value = raw.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise DecisionInvalid(f"{key} must be a text{' that is not empty' if required else ''}.")
    return _storable_text(value)


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DecisionInvalid("confidence must be a number from 0 to 1.")
    return float(value)


def _usage(value: object) -> Usage:
    if value is None:
        return NO_USAGE
    if not isinstance(value, dict):
        raise DecisionInvalid("usage must be an object {input_tokens, output_tokens, cost_usd}.")
    return Usage(
        input_tokens=int(_amount(value, "input_tokens", below=_LARGEST_COUNT)),
        output_tokens=int(_amount(value, "output_tokens", below=_LARGEST_COUNT)),
        cost_usd=_amount(value, "cost_usd", below=_LARGEST_COST_USD),
    )


def _amount(usage: dict[str, object], key: str, *, below: float) -> float:
    value = usage.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < below:
        raise DecisionInvalid(f"usage.{key} must be a number from 0 to below {below}.")
    return value


def _storable(value: object, nesting: int = 0) -> object:
    """Return JSON that any database can keep: no NUL, no lone surrogates, nested at most ``MAX_NESTING`` deep."""
    if nesting > MAX_NESTING:
        raise DecisionInvalid(f"JSON must not be nested deeper than {MAX_NESTING}.")
    match value:
        case str():
            return _storable_text(value)
        case dict():
            return {_storable_text(str(key)): _storable(item, nesting + 1) for key, item in value.items()}
        case list():
            return [_storable(item, nesting + 1) for item in value]
        case int() if value not in _INTEGERS:
            raise DecisionInvalid("Integers must fit into 64 bits; give larger ones as text.")
        case float() if not isfinite(value):
            raise DecisionInvalid("Numbers must be finite.")
        case _:
            return value


def _storable_text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)
