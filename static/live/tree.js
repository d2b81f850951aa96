// Draws hops into the tree. Whatever an agent wrote goes in as text, never as markup.

import { cost, moment, percent, seconds } from "./format.js";

const NIL = "00000000-0000-0000-0000-000000000000";

export class Tree {
  constructor({ root, state }) {
    this.root = root;
    this.state = state;
  }

  element(id) {
    return document.getElementById(`hop-${id}`);
  }

  draw(id) {
    const hop = this.state.hops.get(id);
    const element = this.element(id) ?? this.plant(hop);
    element.dataset.state = hop.status;
    const card = element.querySelector(":scope > .hop-card");
    this.fill(card, hop);
    if (hop.approval) this.fillApproval(card, hop.approval);
    if (hop.clarification) this.fillClarification(card, hop.clarification);
  }

  // Beneath its parent, and right behind the invocation that it goes on from.
  plant(hop) {
    const element = copyOf("hop");
    element.id = `hop-${hop.id}`;
    element.classList.add("new");
    const link = element.querySelector("[data-field=link]");
    link.href = link.getAttribute("href").replace(NIL, hop.id);
    const earlier = hop.resumes_id && this.element(hop.resumes_id);
    if (earlier) {
      earlier.after(element);
    } else {
      const parent = hop.parent_id && this.element(hop.parent_id);
      (parent ? parent.querySelector(":scope > [data-children]") : this.root).append(element);
    }
    return element;
  }

  statusLabel(hop) {
    const { labels } = this.state;
    return hop.waiting_for ? labels.waiting[hop.waiting_for] : labels.hop[hop.status];
  }

  fill(card, hop) {
    const status = card.querySelector("[data-field=status]");
    status.dataset.status = hop.status;
    write(status, this.statusLabel(hop));
    const texts = {
      agent_name: hop.agent_name,
      agent_type: hop.agent_type,
      attempt: hop.attempt > 1 ? `continued · ${hop.attempt}` : "",
      findings: hop.findings ? `${hop.findings} finding${hop.findings === 1 ? "" : "s"}` : "",
      cost: hop.cost_usd ? cost(hop.cost_usd) : "",
      action: hop.action ? this.state.labels.action[hop.action] ?? hop.action : "",
      delegated_to: hop.delegated_to.join(", "),
      confidence: hop.confidence === null ? "" : `confidence ${percent(hop.confidence)}`,
      reason: hop.reason,
      error: hop.error,
      instruction: hop.instruction,
      result: hop.result,
    };
    for (const [name, text] of Object.entries(texts)) show(card.querySelector(`[data-field=${name}]`), text);
    card.querySelector("[data-field=decision]").hidden = !hop.action;
    card.querySelector("[data-field=result_block]").hidden = !hop.result;
    this.tick(hop, card);
  }

  // How long it has taken so far, or took.
  tick(hop, card = this.element(hop.id)?.querySelector(":scope > .hop-card")) {
    const running = ["running", "waiting"].includes(hop.status) && hop.started_at;
    const taken = running ? Math.max(0, (Date.now() - Date.parse(hop.started_at)) / 1000) : hop.time_seconds;
    const text = running ? seconds(Math.floor(taken)).replace(".00", "").replace(".0", "") : seconds(taken);
    if (card) write(card.querySelector("[data-field=time]"), text);
  }

  fillApproval(card, approval) {
    const section = questionIn(card, "approval");
    const part = (name) => section.querySelector(`[data-approval=${name}]`);
    const terms = [
      approval.confidence === null ? "" : `Confidence ${percent(approval.confidence)}`,
      `${approval.granted} of ${approval.required} approval${approval.required === 1 ? "" : "s"}`,
      approval.expires_at ? `until ${moment(approval.expires_at)}` : "",
    ];
    write(part("title"), `${approval.agent_from} → ${approval.agent_to}`);
    write(part("terms"), terms.filter(Boolean).join(" · "));
    show(part("rule"), approval.rule);
    show(part("reason"), approval.reason);
    show(part("decider"), approval.decider ? `Nobody decided in time: now only the role ${approval.decider} decides.` : "");
    write(part("instruction"), approval.instruction);
    this.fillQuestion(section, part, approval);
    const form = section.querySelector("form");
    if (form && approval.decider && approval.decider !== this.state.role) form.hidden = true;
  }

  fillClarification(card, clarification) {
    const section = questionIn(card, "clarification");
    const part = (name) => section.querySelector(`[data-clarification=${name}]`);
    write(part("question"), clarification.question);
    write(part("terms"), clarification.expires_at ? `Until ${moment(clarification.expires_at)}` : "");
    const options = part("options");
    if (options && options.hidden && clarification.options.length) {
      options.append(...clarification.options.map(optionOf));
      options.hidden = false;
      write(part("answer_label"), "Or in your own words");
    }
    this.fillQuestion(section, part, clarification);
  }

  fillQuestion(section, part, question) {
    section.hidden = false;
    section.dataset.status = question.status;
    write(part("status"), this.state.labels.question[question.status] ?? question.status);
    show(part("outcome"), question.outcome);
    for (const element of section.querySelectorAll("[data-open-only]")) {
      element.hidden = question.status !== "open";
      if (element.action) element.action = element.action.replace(NIL, question.id);
    }
  }
}

function copyOf(name) {
  return document.querySelector(`[data-template=${name}]`).content.firstElementChild.cloneNode(true);
}

function questionIn(card, kind) {
  const there = card.querySelector(`[data-question=${kind}]`);
  if (there) return there;
  const section = copyOf(kind);
  card.querySelector("[data-more]").before(section);
  return section;
}

// Writing the same text again would move the reader's selection.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(element, text) {
  write(element, text);
  element.hidden = !text;
}

function optionOf(text) {
  const label = document.createElement("label");
  label.className = "option";
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "option", value: text });
  const words = document.createElement("span");
  words.textContent = text;
  label.append(input, " ", words);
  return label;
}
