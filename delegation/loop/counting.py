"""The metrics of what has been committed."""

from collections.abc import Container

from delegation import metrics
from delegation.store.records import Settled, Settlement


def count(settlement: Settlement, settled: Settled, *, known: Container[str]) -> None:
    """Count what has been committed. Agents that do not exist are counted as one: their names are an agent's whim."""
    task = settlement.hop.task
    if settlement.decision is not None:
        action, status = settlement.changes.get("action", ""), settlement.decision["status"]
        for target in settlement.changes.get("delegated_to", "").split(", "):
            named = target if not target or target in known else "unknown"
            metrics.delegations(settlement.hop.agent_type, named, action, status).inc()
    if settlement.ends_task is not None:
        seconds = (settlement.at - task.created_at).total_seconds()
        metrics.task_duration(settled.hop_count, settled.depth_reached).observe(seconds)
