// Sends the page's forms without leaving it, and shows a refusal right where it was met.

const UNREACHABLE = "The server cannot be reached. Nothing was sent; please try again.";
const SIGNED_OUT = "You are signed out. Reload the page to sign in again.";

export function sendInPlace(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
    const body = new FormData(form, event.submitter);
    await whileBusy(form, async () => complain(form, await send(form, body)));
  });
}

// Returns why it was refused, or nothing.
async function send(form, body) {
  let response;
  try {
    response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  } catch {
    return UNREACHABLE;
  }
  const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  if (response.ok && isJson) return "";
  if (isJson) return (await response.json()).error;
  return response.redirected || response.status === 403 ? SIGNED_OUT : `That did not work (status ${response.status}).`;
}

async function whileBusy(form, work) {
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  form.setAttribute("aria-busy", "true");
  await work();
  form.removeAttribute("aria-busy");
  for (const button of buttons) button.disabled = false;
}

function complain(form, text) {
  let place = form.querySelector("[data-complaint]");
  if (!place) {
    place = document.createElement("p");
    place.className = "field-error";
    place.setAttribute("role", "alert");
    place.dataset.complaint = "";
    form.append(place);
  }
  place.textContent = text;
  place.hidden = !text;
}
