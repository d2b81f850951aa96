"""The leak scan of what an agent said, before anything else sees it."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

import orjson

from delegation.loop.findings import Scanned, finding_rows
from delegation.policy.decision import Decision, Subtask
from delegation.store.records import ClaimedHop, Row
from security.leak_rules import LeakRules
from security.leakage import Action, DetectionType, Detector, Finding, Severity, redact, redact_json

# What cannot hold anything: an id made by a machine for this one purpose.
_UUID = re.compile(r"(?:[a-z]{1,12}[-_])?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z")
_REMOTE_ID = "remote_task_id"
_TENANT = DetectionType.TENANT


class Screen(NamedTuple):
    """For whom and with what an agent's words are scanned."""

    hop: ClaimedHop
    ve_id: str
    detector: Detector
    rules: LeakRules
    at: datetime

    def scanned(self, texts: Iterable[tuple[str, str]]) -> list[Scanned]:
        """Return those of the (field, text) in which something was found, with what is done about it."""
        customer_id = self.hop.task.customer_id
        return [
            Scanned(field=field, text=text, ruled=tuple(self.rules.ruled(text, findings, at=self.at)))
            for field, text in texts
            if (found := self.detector.scan(text, customer_id=customer_id)) and (findings := _worth(found))
        ]

    def rows(self, found: Sequence[Scanned], *, blocked: bool) -> tuple[Row, ...]:
        """Return the rows of the leakage log for what was found in an answer that goes on or is blocked."""
        key = self.rules.allowed.key
        told = finding_rows(found, hop=self.hop, ve_id=self.ve_id, key=key, at=self.at, blocked=blocked)
        return tuple(told)


def _worth(found: list[Finding]) -> list[Finding]:
    """Leave out everyday words that are also a customer's name: a row about them would tell who is a customer."""
    return [each for each in found if each.detection_type is not _TENANT or each.severity is not Severity.INFO]


class Screened(NamedTuple):
    """What the scan found, for the record, and whether it must not go on."""

    rows: tuple[Row, ...] = ()
    blocked: bool = False
    severities: tuple[str, ...] = ()

    @property
    def findings(self) -> int:
        """Return how many findings there are that are more than information."""
        return sum(severity != Severity.INFO for severity in self.severities)


_CLEAN = Screened()


def screen(decision: Decision, *, on: Screen, known: Container[str], remote_id: str = "") -> tuple[Decision, Screened]:
    """Scan each text of the decision, redact what the customer's policy wants redacted, and say whether to block it.

    ``known`` are the names of agents: they leak nothing. ``remote_id`` is what the agent calls its own task.
    """
    found = on.scanned(_texts(decision, known, remote_id))
    if not found:
        return decision, _CLEAN
    screened = _judged(found, on)
    cleaned = {each.field: each for each in found}
    return (_withheld if screened.blocked else _with_texts)(decision, cleaned), screened


def screen_words(words: str, *, on: Screen) -> tuple[str, Screened]:
    """Scan what an agent said about a failure of its own; return what of it may be logged."""
    found = on.scanned([("error", words)] if words else [])
    if not found:
        return words, _CLEAN
    # Whatever was found is of no use to those who read a log, and must not be in it.
    return redact(words, [ruled.finding for ruled in found[0].ruled]), _judged(found, on)


def screen_remote_id(remote_id: str, *, on: Screen) -> Screened:
    """Scan the name of an agent's own task, which is kept to ask for it by."""
    found = on.scanned(_remote_id(remote_id))
    return _judged(found, on) if found else _CLEAN


def _judged(found: list[Scanned], on: Screen) -> Screened:
    everything = [ruled for each in found for ruled in each.ruled]
    # A name cannot be redacted and still name the same.
    renamed = any(each.field == _REMOTE_ID and each.to_redact for each in found)
    blocked = renamed or any(ruled.action is Action.BLOCKED for ruled in everything)
    return Screened(
        rows=on.rows(found, blocked=blocked),
        blocked=blocked,
        severities=tuple(ruled.finding.severity for ruled in everything),
    )


def _texts(decision: Decision, known: Container[str], remote_id: str) -> Iterator[tuple[str, str]]:
    """Yield each text of the decision under a name that finds it again; an agent's own name leaks nothing."""
    if decision.reason:
        yield "reason", decision.reason
    if isinstance(decision.result, str):
        yield "result", decision.result
    elif decision.result is not None:
        yield "result", orjson.dumps(decision.result).decode()
        yield from _escaped_addresses(decision.result)
    if decision.question:
        yield "question", decision.question
    for place, option in enumerate(decision.options):
        yield f"options.{place}", option
    for place, subtask in enumerate(decision.subtasks):
        if subtask.delegated_to not in known:
            yield f"delegated_to.{place}", subtask.delegated_to
        if subtask.instruction:
            yield f"subtasks.{place}", subtask.instruction
    if remote_id:
        yield from _remote_id(remote_id)


def _escaped_addresses(result: object) -> Iterator[tuple[str, str]]:
    """Yield the addresses of files as they read without their escapes, where they have any."""
    for place, file in enumerate(_files(result)):
        if "%" in (address := str(file.get("url", ""))):
            yield f"files.{place}", unquote(address)


def _files(result: object) -> list[dict[str, object]]:
    files = result.get("files") if isinstance(result, dict) else None
    return [file if isinstance(file, dict) else {} for file in files] if isinstance(files, list) else []


def _remote_id(remote_id: str) -> list[tuple[str, str]]:
    return [] if _UUID.match(remote_id) else [(_REMOTE_ID, remote_id)]


def _with_texts(decision: Decision, cleaned: dict[str, Scanned]) -> Decision:
    def text(field: str, said: str) -> str:
        return cleaned[field].redacted if field in cleaned else said

    result = decision.result
    if "result" in cleaned and cleaned["result"].to_redact:
        found = cleaned["result"]
        result = found.redacted if isinstance(result, str) else redact_json(found.text, found.to_redact)
    for place, file in enumerate(_files(result)):
        if (found_in := cleaned.get(f"files.{place}")) and found_in.to_redact:
            file["url"] = found_in.redacted
    return decision._replace(
        reason=text("reason", decision.reason),
        result=result,
        question=text("question", decision.question),
        options=tuple(text(f"options.{n}", option) for n, option in enumerate(decision.options)),
        subtasks=tuple(
            subtask._replace(
                delegated_to=text(f"delegated_to.{n}", subtask.delegated_to),
                instruction=subtask.instruction and text(f"subtasks.{n}", subtask.instruction),
            )
            for n, subtask in enumerate(decision.subtasks)
        ),
    )


def _withheld(decision: Decision, cleaned: dict[str, Scanned]) -> Decision:
    """Return what may be kept of a blocked decision: that it was made, and to whom it was to go; no text of it."""
    return decision._replace(
        reason="",
        result=None,
        question="",
        options=(),
        subtasks=tuple(
            Subtask(
                delegated_to=cleaned[name].masked if (name := f"delegated_to.{n}") in cleaned else each.delegated_to
            )
            for n, each in enumerate(decision.subtasks)
        ),
    )
