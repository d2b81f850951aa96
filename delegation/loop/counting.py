"""The metrics of what has been committed."""

from delegation import metrics
from delegation.store.records import Settled, Settlement


def count(settlement: Settlement, settled: Settled, *, known: frozenset[str]) -> None:
    """Count what has been committed. Agents that do not exist are counted as one: their names are an agent's whim."""
    task = settlement.hop.task
    for row in settlement.decisions:
        targets = str(row["delegated_to_type"]).split(", ")
        for target in targets:
            action = row["decision_action"] or ""
            named = target if not target or target in known else "unknown"
            metrics.DELEGATIONS.labels(settlement.hop.agent_type, named, action, row["status"]).inc()
    if settlement.end is not None:
        seconds = (settlement.at - task.created_at).total_seconds()
        metrics.TASK_DURATION.labels(settled.hop_count, settled.depth_reached).observe(seconds)
