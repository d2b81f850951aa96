"""What was found in an agent's words, as rows of the leakage log that hold nothing of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.models import PREVIEW_LENGTH
from delegation.store.records import ClaimedHop, Row
from delegation.store.rows import new_id
from security.leak_rules import Ruled
from security.leakage import Action, Finding, Severity, previews, redact, value_fingerprint

# So many findings of one text have a row of their own; an agent that leaks a whole table must not flood the log.
_OWN_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """One text in which something was found, and what is done about each finding."""

    field: str
    text: str
    ruled: tuple[Ruled, ...]

    @property
    def to_redact(self) -> list[Finding]:
        return [ruled.finding for ruled in self.ruled if ruled.action.rank >= Action.REDACTED.rank]

    @property
    def redacted(self) -> str:
        """Return the text without what the policy wants gone."""
        return redact(self.text, self.to_redact)

    @property
    def masked(self) -> str:
        """Return the text without anything that was found."""
        return redact(self.text, [ruled.finding for ruled in self.ruled])


def finding_rows(
    found: Sequence[Scanned], *, hop: ClaimedHop, ve_id: str, key: bytes, at: datetime, blocked: bool
) -> Iterator[Row]:
    """Yield a row for each finding; beyond fifty in a text, and for what is only information, one for each rule.

    Of an answer that is ``blocked`` nothing is kept but the surroundings of what was found.
    """
    for scanned in found:
        redacted = not blocked and any(ruled.action is Action.REDACTED for ruled in scanned.ruled)
        masked = scanned.masked if redacted else ""
        for ruled, count, preview in _told(scanned):
            finding = ruled.finding
            shown, masked = (masked, "") if ruled.action is Action.REDACTED else ("", masked)
            yield {
                "id": new_id(),
                "task_id": hop.task.id,
                "customer_id": hop.task.customer_id,
                "hop_id": hop.id,
                "agent_type": hop.agent_type,
                "agent_ve_id": ve_id,
                "severity": finding.severity,
                "detection_type": finding.detection_type,
                "detected_content_preview": preview[:PREVIEW_LENGTH],
                "confidence": finding.confidence,
                "action_taken": ruled.action,
                # The whole answer stands in the first of its rows alone.
                "redacted_response": shown,
                "metadata": _metadata(scanned, ruled, count=count, key=key),
                "created_at": at,
            }


def _told(scanned: Scanned) -> Iterator[tuple[Ruled, int, str]]:
    """Yield the findings that get a row, how many each stands for, and its preview."""
    worth = [ruled for ruled in scanned.ruled if ruled.finding.severity != Severity.INFO]
    own = {id(ruled) for ruled in worth[:_OWN_ROWS]}
    others = [ruled for ruled in scanned.ruled if id(ruled) not in own]
    counts = Counter(_alike(ruled) for ruled in others)
    first = {_alike(ruled): ruled for ruled in reversed(others)}
    told = [*((ruled, 1) for ruled in worth[:_OWN_ROWS]), *((first[case], count) for case, count in counts.items())]
    every = [ruled.finding for ruled in scanned.ruled]
    shown = previews(scanned.text, every, of=[ruled.finding for ruled, _ in told])
    for (ruled, count), preview in zip(told, shown, strict=True):
        yield ruled, count, preview


def _alike(ruled: Ruled) -> tuple[str, Severity, Action]:
    return ruled.finding.kind, ruled.finding.severity, ruled.action


def _metadata(scanned: Scanned, ruled: Ruled, *, count: int, key: bytes) -> Row:
    finding = ruled.finding
    told: Row = {"kind": finding.kind, "field": scanned.field, "start": finding.start, "end": finding.end}
    if count > 1:
        return told | {"count": count}
    # By this the same value is known again, to be judged or allowed, and nothing of it can be read.
    told["fingerprint"] = value_fingerprint(scanned.text[finding.start : finding.end], key)
    return told | ({"allowed_by": ruled.allowed_by} if ruled.allowed_by else {})
