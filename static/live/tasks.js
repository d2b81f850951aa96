// The list of tasks. An event is only a reason to ask the server for the list again, at most once a second: however
// much happens, a page costs the same, and what it shows is what the server would show.

import { announcer, follow, showConnection } from "./feed.js";
import { localTimes } from "./format.js";

const PAUSE = 1000;
const list = document.querySelector("[data-list]");
const announce = announcer(document.querySelector("[data-announcer]"));
let stale = false;
let busy = false;

async function refresh() {
  stale = true;
  if (busy || document.hidden) return;
  busy = true;
  while (stale) {
    stale = false;
    await load();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  busy = false;
}

async function load() {
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (response.redirected) return location.reload();
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-list]");
    if (fresh) replace(document.adoptNode(fresh));
  } catch {
    stale = false; // The connection is gone; when it is back, the list is asked for again.
  }
}

// Rows that did not move stay as they are, so that focus and selection stay too.
function replace(fresh) {
  const shown = new Map([...list.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row]));
  const focused = document.activeElement?.closest("[data-key]")?.dataset.key;
  const arrived = [];
  for (const row of fresh.querySelectorAll("[data-key]")) {
    const before = shown.get(row.dataset.key);
    if (before?.dataset.seq === row.dataset.seq) row.replaceWith(before);
    else if (!before) arrived.push(row);
  }
  for (const row of shown.size ? arrived : []) row.classList.add("new");
  localTimes(fresh);
  list.replaceChildren(...fresh.childNodes);
  if (focused) list.querySelector(`[data-key="${focused}"] a`)?.focus();
  if (arrived.length) announce(`${arrived.length} new task${arrived.length === 1 ? "" : "s"}`);
}

localTimes(document);
document.addEventListener("visibilitychange", () => document.hidden || !stale || refresh());
follow({
  path: "/ws/tasks/",
  onEvent: refresh,
  onOpen: refresh,
  onState: showConnection(document.querySelector("[data-connection]")),
});
