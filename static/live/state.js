// What the page knows of a task, moved on by events. Returns which hops changed; touches no document.

import { asText, clipped } from "./format.js";

export function blankHop(id) {
  return {
    id, parent_id: null, resumes_id: null, attempt: 1, depth: 0, agent_type: "", agent_name: "", status: "pending",
    waiting_for: "", action: "", delegated_to: [], confidence: null, reason: "", instruction: "", result: "", error: "",
    time_seconds: null, cost_usd: 0, findings: 0, started_at: null, approval: null, clarification: null,
  };
}

export class TaskState {
  constructor({ task, hops, agents, role, ended, labels }) {
    this.task = task;
    this.agents = agents;
    this.role = role;
    this.hops = new Map(hops.map((hop) => [hop.id, hop]));
    this.ended = ended;
    this.labels = labels;
  }

  get isOver() {
    return this.ended.task.includes(this.task.status);
  }

  // Hops that wait for a person, in the order in which they came to be.
  get waiting() {
    return [...this.hops.values()].filter((hop) => ["approval", "answer"].includes(hop.waiting_for));
  }

  apply(event) {
    this.task.last_seq = event.seq;
    const [subject, what] = event.type.split(".");
    const handler = { task: moveTask, hop: moveHop, approval: moveApproval, clarification: moveClarification }[subject];
    return handler ? handler(this, what, event.data, event.at) : new Set();
  }
}

function known(state, id) {
  if (!state.hops.has(id)) state.hops.set(id, blankHop(id));
  return state.hops.get(id);
}

function moveTask(state, what, data, at) {
  const { task } = state;
  if (what === "created") return new Set();
  task.status = what;
  if (what === "working") task.started_at ??= at;
  if (!state.isOver) return new Set();
  task.completed_at = at;
  task.error = data.error ?? null;
  if (what === "completed") {
    task.result = asText(data.result);
    task.hop_count = data.hop_count ?? task.hop_count;
    task.cost_usd = Number(data.cost_usd ?? task.cost_usd);
  }
  return closeWaits(state, what);
}

// When a task ends early, what still ran under it ends with it.
function closeWaits(state, what) {
  const changed = new Set();
  for (const hop of state.hops.values()) {
    if (state.ended.hop.includes(hop.status)) continue;
    hop.status = what === "completed" ? "completed" : "canceled";
    hop.waiting_for = "";
    closeQuestions(hop);
    changed.add(hop.id);
  }
  return changed;
}

function closeQuestions(hop) {
  for (const question of [hop.approval, hop.clarification]) if (question?.status === "open") question.status = "canceled";
}

function moveHop(state, what, data, at) {
  const isNew = !state.hops.has(data.delegation_id);
  const hop = known(state, data.delegation_id);
  const changed = new Set([hop.id]);
  ({
    started() {
      const { parent_id, depth, agent_type, agent_name, attempt, instruction } = data;
      Object.assign(hop, { parent_id, depth, agent_type, agent_name: agent_name || agent_type, attempt, status: "running", waiting_for: "" });
      hop.instruction ||= instruction;
      hop.started_at ??= at;
      if (isNew) for (const id of goOn(state, hop, data.resumes_id, at)) changed.add(id);
      state.task.hop_count = Math.max(state.task.hop_count, state.hops.size);
    },
    decided() {
      Object.assign(hop, {
        status: "completed", waiting_for: "", action: data.action ?? "", delegated_to: data.delegated_to ?? [],
        confidence: data.confidence ?? null, reason: clipped(data.reason ?? ""), result: clipped(asText(data.result_summary)),
        findings: data.findings ?? 0, time_seconds: data.execution_time_seconds ?? null, cost_usd: Number(data.cost_usd ?? 0),
      });
      state.task.cost_usd += hop.cost_usd;
    },
    waiting() {
      Object.assign(hop, { status: "waiting", waiting_for: data.waiting_for });
    },
    failed() {
      const error = data.error ?? {};
      Object.assign(hop, { status: "failed", waiting_for: "", error: `${error.code}: ${error.message}`, time_seconds: data.execution_time_seconds ?? null });
    },
    canceled() {
      Object.assign(hop, { status: "canceled", waiting_for: "" });
      closeQuestions(hop);
    },
  })[what]?.();
  return changed;
}

// A second invocation goes on from the first, which thereby ends: it has no event of its own.
function goOn(state, hop, resumesId, at) {
  if (hop.attempt < 2) return [];
  const taken = new Set([...state.hops.values()].map((other) => other.resumes_id));
  const earlier = state.hops.get(resumesId) ?? [...state.hops.values()].find((other) =>
    other !== hop && other.parent_id === hop.parent_id && other.agent_type === hop.agent_type
    && other.attempt === hop.attempt - 1 && !taken.has(other.id));
  if (!earlier) return [];
  hop.resumes_id = earlier.id;
  if (earlier.status === "waiting") finish(earlier, at);
  return [earlier.id];
}

function finish(hop, at) {
  const taken = hop.started_at ? (Date.parse(at) - Date.parse(hop.started_at)) / 1000 : hop.time_seconds;
  Object.assign(hop, { status: "completed", waiting_for: "", time_seconds: taken });
}

function moveApproval(state, what, data) {
  const hop = known(state, data.delegation_id);
  if (what === "requested") {
    Object.assign(hop, { parent_id: data.parent_id ?? null, depth: data.depth, status: "waiting", waiting_for: "approval" });
    hop.agent_type ||= data.agent_to;
    hop.agent_name ||= state.agents[data.agent_to] ?? data.agent_to;
    hop.instruction ||= clipped(data.instruction ?? "");
    hop.approval = {
      id: data.approval_id, status: "open", agent_from: data.agent_from, agent_to: data.agent_to, reason: clipped(data.reason ?? ""),
      confidence: data.confidence ?? null, instruction: clipped(data.instruction ?? ""), required: data.required ?? 1, granted: 0,
      rule: data.rule ?? "", decider: "",
      expires_at: data.expires_at, outcome: "",
    };
    state.task.hop_count = Math.max(state.task.hop_count, state.hops.size);
  } else if (hop.approval) {
    decideApproval(hop, what, data);
  }
  return new Set([hop.id]);
}

function decideApproval(hop, what, data) {
  const { approval } = hop;
  if (what === "escalated") return void (approval.decider = data.to);
  const verdict = { granted: "approved", counted: "approved", rejected: "rejected" }[what];
  const words = verdict && data.by ? `${data.by} ${verdict}${data.comment ? `: ${data.comment}` : ""}` : "";
  approval.outcome = [approval.outcome, words].filter(Boolean).join("\n");
  if (what === "counted") return void (approval.granted = data.granted);
  if (what === "granted") approval.granted = approval.required;
  approval.status = verdict ?? "expired";
  hop.waiting_for = "";
  hop.status = what === "granted" ? "pending" : "failed";
}

function moveClarification(state, what, data, at) {
  const owner = [...state.hops.values()].find((hop) => hop.clarification?.id === data.clarification_id);
  const hop = owner ?? known(state, data.delegation_id);
  if (what === "requested") {
    Object.assign(hop, { status: "waiting", waiting_for: "answer" });
    hop.clarification = {
      id: data.clarification_id, status: "open", question: data.question, options: data.options ?? [],
      expires_at: data.expires_at, outcome: "",
    };
  } else if (hop.clarification) {
    hop.clarification.status = what;
    hop.clarification.outcome = data.answer ?? "";
    if (what === "answered") finish(hop, at);
    else Object.assign(hop, { status: "failed", waiting_for: "" });
  }
  return new Set([hop.id]);
}
