"""The text of the statement that claims hops."""

from functools import cache

from delegation.store.postgres_sql import ALIVE, rows_of

_DUE = "status = 'waiting' AND due_at IS NOT NULL"


@cache
def claim() -> str:
    """Claim hops, each customer in turn, and begin their tasks.

    Each agent of each customer has a queue. The first CTE hops from queue to queue along the index, so that one with
    10,000 hops costs no more to pass by than one with ten; one whose agent has no place left is not read at all. A
    task that another worker has locked is left for the next look. A submitted task has one hop, its first. For the
    joins see ``postgres_sql.settle``.
    """
    return f"""
    WITH RECURSIVE pending_queues AS (
        (SELECT customer_id, agent_type FROM delegation_hop WHERE status = 'pending'
         ORDER BY customer_id, agent_type LIMIT 1)
        UNION ALL
        SELECT h.customer_id, h.agent_type FROM pending_queues q CROSS JOIN LATERAL (
            SELECT customer_id, agent_type FROM delegation_hop
            WHERE status = 'pending' AND (customer_id, agent_type) > (q.customer_id, q.agent_type)
            ORDER BY customer_id, agent_type LIMIT 1) h),
    oldest_due AS MATERIALIZED (
        SELECT customer_id, agent_type FROM delegation_hop
        WHERE {_DUE} AND owner IS NULL AND due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s + 1),
    -- More is due than can be claimed: then everybody is asked, not only who has waited longest.
    due_queues AS (
        (SELECT customer_id, agent_type FROM delegation_hop
         WHERE {_DUE} AND (SELECT count(*) FROM oldest_due) > %(limit)s ORDER BY customer_id, agent_type LIMIT 1)
        UNION ALL
        SELECT h.customer_id, h.agent_type FROM due_queues q CROSS JOIN LATERAL (
            SELECT customer_id, agent_type FROM delegation_hop
            WHERE {_DUE} AND (customer_id, agent_type) > (q.customer_id, q.agent_type)
            ORDER BY customer_id, agent_type LIMIT 1) h),
    queues AS (
        SELECT q.customer_id, q.agent_type,
               greatest(coalesce(a.max_concurrency, %(agent_limit)s) - coalesce(x.n, 0), 0) AS free
        FROM (SELECT customer_id, agent_type FROM pending_queues UNION SELECT customer_id, agent_type FROM due_queues
              UNION SELECT customer_id, agent_type FROM oldest_due) q
        LEFT JOIN delegation_agent a ON a.customer_id = q.customer_id AND a.agent_type = q.agent_type
        LEFT JOIN {rows_of("taken", {"customer_id": "text", "agent_type": "text", "n": "integer"})}
               ON x.customer_id = q.customer_id AND x.agent_type = q.agent_type),
    ready AS (
        SELECT q.customer_id, q.free, h.*,
               row_number() OVER (PARTITION BY q.customer_id, q.agent_type
                                  ORDER BY h.priority DESC, h.due_at, h.id) AS place
        FROM queues q CROSS JOIN LATERAL (
            (SELECT id, task_id, status, claim, priority, due_at FROM delegation_hop
             WHERE {_DUE} AND due_at <= %(now)s AND customer_id = q.customer_id AND agent_type = q.agent_type
             ORDER BY due_at LIMIT least(q.free, %(limit)s))
            UNION ALL
            (SELECT id, task_id, status, claim, priority, NULL FROM delegation_hop
             WHERE status = 'pending' AND customer_id = q.customer_id AND agent_type = q.agent_type
             ORDER BY priority DESC, id LIMIT least(q.free, %(limit)s))) h),
    chosen AS MATERIALIZED (
        SELECT id, task_id, status, claim, row_number() OVER (ORDER BY turn, due_at, id) AS rank
        FROM (SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY priority DESC, due_at, id) AS turn
              FROM ready WHERE place <= free) in_turn
        ORDER BY turn, due_at, id LIMIT %(limit)s),
    locked AS MATERIALIZED (
        SELECT id, status, last_seq, created_by_id, message, priority, trace_id, created_at, deadline_at, hop_budget,
               hop_count, cost_usd
        FROM delegation_task
        WHERE id = ANY (ARRAY(SELECT task_id FROM chosen)) AND {ALIVE} ORDER BY id FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE delegation_hop h SET status = 'running', owner = %(owner)s, claim = h.claim + 1, due_at = NULL,
               started_at = coalesce(h.started_at, %(now)s)
        FROM (SELECT chosen.rank, chosen.id AS hop, chosen.status AS found, chosen.claim AS last_claim, locked.*
              FROM chosen JOIN locked ON locked.id = chosen.task_id) l
        -- Whoever else moved it since has changed one of these.
        WHERE h.id = l.hop AND h.status = l.found AND h.claim = l.last_claim
        RETURNING h.id, h.task_id, h.customer_id, h.owner, h.claim, h.parent_id, h.join_id, h.branch, h.resumes_id,
                  h.depth, h.attempt, h.agent_type, h.path, h.instruction, h.priority, h.remote_task_id, h.polls,
                  h.tries, h.started_at, l.created_by_id AS created_by, l.message, l.priority AS task_priority,
                  l.trace_id, l.created_at AS task_created_at, l.deadline_at, l.hop_budget, l.hop_count,
                  l.cost_usd AS task_cost_usd, l.last_seq, l.status = 'submitted' AS begins, l.rank),
    news AS (
        SELECT task_id, customer_id, last_seq, 0 AS place, id AS hop, 'task.working' AS type, '{{}}'::jsonb AS data
        FROM claimed WHERE begins
        UNION ALL
        SELECT c.task_id, c.customer_id, c.last_seq, 1, c.id, 'hop.started', jsonb_build_object(
               'delegation_id', c.id, 'parent_id', c.parent_id, 'depth', c.depth, 'agent_type', c.agent_type,
               'agent_name', a.name, 'attempt', c.attempt,
               'resumes_id', c.resumes_id, 'instruction', left(c.instruction, 200))
        FROM claimed c LEFT JOIN delegation_agent a ON a.customer_id = c.customer_id AND a.agent_type = c.agent_type
        WHERE c.claim = 1),
    events AS (
        INSERT INTO delegation_taskevent (task_id, customer_id, seq, type, at, data)
        SELECT task_id, customer_id, last_seq + row_number() OVER (PARTITION BY task_id ORDER BY place, hop), type,
               %(now)s, data
        FROM news),
    moved AS (
        UPDATE delegation_task t SET last_seq = t.last_seq + n.n, started_at = coalesce(t.started_at, %(now)s),
               status = CASE WHEN t.status = 'submitted' THEN 'working' ELSE t.status END
        FROM (SELECT task_id, sum(begins::integer + (claim = 1)::integer) AS n FROM claimed GROUP BY task_id) n
        WHERE t.id = n.task_id AND n.n > 0)
    SELECT id, task_id, customer_id, owner, claim, parent_id, join_id, branch, resumes_id, depth, attempt, agent_type,
           path, instruction, priority, remote_task_id, polls, tries, started_at, created_by, message, task_priority,
           trace_id, task_created_at, deadline_at, hop_budget, hop_count, task_cost_usd,
           last_seq + sum(begins::integer + (claim = 1)::integer) OVER (PARTITION BY task_id) AS last_seq, passed_by
    FROM (SELECT (SELECT count(*) FROM chosen) - (SELECT count(*) FROM claimed) AS passed_by) others
    LEFT JOIN claimed ON true ORDER BY rank
    """
