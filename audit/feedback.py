"""What auditors say of findings, and what that tells of the rules."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from audit.models import LeakageLog, LeakFeedback


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """How often auditors agreed with one rule."""

    kind: str
    confirmed: int
    false_alarms: int

    @property
    def judged(self) -> int:
        return self.confirmed + self.false_alarms

    @property
    def false_alarm_rate(self) -> float:
        """Return the share of false alarms among what was judged, 0 to 1."""
        return self.false_alarms / self.judged


def feedback_give(
    *, finding: LeakageLog, verdict: LeakFeedback.Verdict, note: str, by_id: int, by: str, now: datetime
) -> LeakFeedback:
    """Put on record what the auditor thinks of the finding, in the place of what anybody thought before."""
    said = {"verdict": verdict, "note": note, "by_id": by_id, "by": by, "at": now}
    copied = {"customer_id": finding.customer_id, "kind": str(finding.metadata.get("kind", "")), "first_at": now}
    feedback, _ = LeakFeedback.objects.update_or_create(
        finding=finding, defaults=said, create_defaults={**said, **copied}
    )
    return feedback


def rule_records(feedback: QuerySet[LeakFeedback]) -> list[RuleRecord]:
    """Return each rule's record in this feedback, the one with the most false alarms first."""
    false = Count("pk", filter=Q(verdict=LeakFeedback.Verdict.FALSE_ALARM))
    rows = feedback.order_by().values_list("kind").annotate(judged=Count("pk"), false_alarms=false)
    records = [
        RuleRecord(kind=kind, confirmed=judged - false_alarms, false_alarms=false_alarms)
        for kind, judged, false_alarms in rows
    ]
    return sorted(records, key=lambda record: (-record.false_alarms, -record.judged, record.kind))
