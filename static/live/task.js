// A task's page: starts from the state the server wrote, then grows with each event.

import { sendInPlace } from "./actions.js";
import { announcer, follow, showConnection } from "./feed.js";
import { cost, localTimes, seconds } from "./format.js";
import { TaskState } from "./state.js";
import { Tree } from "./tree.js";

const find = (selector) => document.querySelector(selector);
const state = new TaskState(JSON.parse(find("#state").textContent));
const tree = new Tree({ root: find("[data-tree]"), state });
const announce = announcer(find("[data-announcer]"));
const part = (name) => find(`[data-task=${name}]`);

function drawTask() {
  const { task } = state;
  const status = part("status");
  status.dataset.status = task.status;
  status.textContent = state.labels.task[task.status];
  part("hop_count").textContent = task.hop_count;
  part("cost").textContent = cost(task.cost_usd);
  for (const element of document.querySelectorAll("[data-while-alive]")) element.hidden = state.isOver;
  if (task.result !== undefined || task.error) drawOutcome(task);
  drawTime();
}

function drawOutcome({ result, error }) {
  find("[data-result]").hidden = false;
  part("outcome").textContent = error ? "What went wrong" : "Result";
  part("error").hidden = !error;
  part("error").textContent = error ? `${error.message} (${error.code})` : "";
  part("result").hidden = !result;
  part("result").textContent = result ?? "";
}

function drawTime() {
  const { created_at, completed_at } = state.task;
  const taken = (Date.parse(completed_at ?? new Date().toISOString()) - Date.parse(created_at)) / 1000;
  part("time").textContent = completed_at ? seconds(taken) : seconds(Math.floor(Math.max(0, taken))).replace(/\.0+ /, " ");
}

function drawWaiting() {
  const waiting = state.waiting;
  find("[data-waiting]").hidden = waiting.length === 0;
  find("[data-no-hops]").hidden = state.hops.size > 0;
  if (!waiting.length) return;
  find("[data-waiting-text]").textContent = `${waiting.length} question${waiting.length === 1 ? "" : "s"} for a person`;
  find("[data-waiting-link]").href = `#hop-${waiting[0].id}`;
}

function words(event) {
  const hop = state.hops.get(event.data.delegation_id);
  const who = hop?.agent_name ?? "";
  if (event.type.startsWith("task.")) return `Task: ${state.labels.task[state.task.status]}`;
  if (event.type === "hop.started") return `${who} has started`;
  if (event.type === "hop.decided") return `${who}: ${state.labels.action[hop.action] ?? ""} ${hop.delegated_to.join(", ")}`;
  if (event.type === "approval.requested") return `Approval needed: ${event.data.agent_from} to ${event.data.agent_to}`;
  if (event.type === "clarification.requested") return `${who} asks: ${event.data.question}`;
  return "";
}

// Many events may come at once: each hop is drawn once per frame.
let changed = new Set();
let frame = null;

function draw() {
  frame = null;
  const ids = changed;
  changed = new Set();
  for (const id of ids) tree.draw(id);
  drawTask();
  drawWaiting();
}

function onEvent(event) {
  for (const id of state.apply(event)) changed.add(id);
  const said = words(event);
  if (said) announce(said);
  // A hidden page draws no frames; its state is drawn when it is looked at again.
  frame ??= requestAnimationFrame(draw);
}

function tick() {
  if (state.isOver) return;
  drawTime();
  for (const hop of state.hops.values()) if (["running", "waiting"].includes(hop.status)) tree.tick(hop);
}

sendInPlace(document);
localTimes(document);
if (!state.isOver) {
  follow({
    path: `/ws/tasks/${state.task.id}/`,
    last: state.task.last_seq,
    onEvent,
    onState: showConnection(find("[data-connection]")),
  });
  tick();
  setInterval(tick, 1000);
}
