// How figures and times are written; delegation/templatetags/live.py writes them the same way on the server.

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 60) return value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

export function cost(value) {
  const dollars = Number(value);
  if (!dollars) return "–";
  return dollars >= 1 ? `$${dollars.toFixed(2)}` : `$${dollars.toFixed(4)}`;
}

export function percent(value) {
  return value === null || value === undefined ? "" : `${Math.round(value * 100)} %`;
}

export function asText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export function clipped(text, length = 600) {
  return text.length <= length ? text : `${text.slice(0, length).trimEnd()} …`;
}

const LOCAL = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const LOCAL_MINUTE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export function moment(iso) {
  return LOCAL_MINUTE.format(new Date(iso));
}

// The server writes UTC; a person reads their own time.
export function localTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const format = element.closest("[data-list], [data-question]") ? LOCAL_MINUTE : LOCAL;
    element.title = element.dateTime;
    element.textContent = format.format(new Date(element.dateTime));
  }
}
