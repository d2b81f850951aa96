"""The metrics that workers and doors count; their names, labels and buckets are a contract with dashboards."""

from functools import cache

from prometheus_client import Counter, Histogram

TASKS_CREATED = Counter("a2a_tasks_created_total", "Tasks created", ["customer_id", "priority"])
DELEGATIONS = Counter(
    "a2a_delegations_total", "Delegation decisions", ["agent_from", "agent_to", "decision_action", "result"]
)
RATE_LIMIT_HITS = Counter("a2a_rate_limit_hits_total", "Rate limit hits", ["limit_type", "customer_id"])
UNCOUNTED_CALLS = Counter("a2a_uncounted_calls_total", "Calls let through while the limiter was out of reach")
LEAKAGE_DETECTED = Counter("a2a_leakage_detected_total", "Leakage detection events", ["severity", "customer_id"])
TASK_DURATION = Histogram(
    "a2a_task_duration_seconds",
    "Task execution duration",
    ["agent_count", "delegation_depth"],
    buckets=(5, 10, 30, 60, 300, 600, 1800),
)
AGENT_RESPONSE_TIME = Histogram(
    "a2a_agent_response_time_seconds", "Agent response time", ["agent_type"], buckets=(1, 5, 10, 30, 60)
)

# For what is counted with every hop: to look the labels up takes as long as to count.
delegations = cache(DELEGATIONS.labels)
task_duration = cache(TASK_DURATION.labels)
agent_response_time = cache(AGENT_RESPONSE_TIME.labels)

OWN = (
    TASKS_CREATED,
    DELEGATIONS,
    RATE_LIMIT_HITS,
    UNCOUNTED_CALLS,
    LEAKAGE_DETECTED,
    TASK_DURATION,
    AGENT_RESPONSE_TIME,
)
