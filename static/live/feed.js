// Follows events by websocket: in order, none twice, and again from the last one after each loss of the connection.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
// Codes the server closes with when trying again cannot help.
const FINAL = {
  4401: "Signed out",
  4404: "Not available",
  4400: "Not available",
};

export function follow({ path, last = null, onEvent, onOpen = () => {}, onState }) {
  let wait = FIRST_WAIT;
  let timer = null;
  let socket = null;
  let over = false;

  function address() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${location.host}${path}${last === null ? "" : `?after=${last}`}`;
  }

  function take(message) {
    const event = JSON.parse(message.data);
    if (last !== null) {
      if (event.seq <= last) return;
      if (event.seq > last + 1) return socket.close(); // One is missing: ask again from the last that came.
      last = event.seq;
    }
    onEvent(event);
  }

  function connect() {
    clearTimeout(timer);
    onState("connecting", "Connecting…");
    const mine = new WebSocket(address());
    socket = mine;
    mine.addEventListener("open", () => {
      wait = FIRST_WAIT;
      onState("live", "Live");
      onOpen();
    });
    mine.addEventListener("message", take);
    mine.addEventListener("close", (event) => {
      if (mine !== socket || over) return;
      if (FINAL[event.code]) {
        over = true;
        return onState("ended", FINAL[event.code]);
      }
      // Spread out, so that a restarted server is not met by every page at once.
      const delay = wait * (0.5 + Math.random());
      wait = Math.min(wait * 2, LONGEST_WAIT);
      onState("lost", "Connection lost, trying again…");
      timer = setTimeout(connect, delay);
    });
  }

  function hurry() {
    if (!over && socket.readyState === WebSocket.CLOSED) {
      wait = FIRST_WAIT;
      connect();
    }
  }

  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.hidden || hurry());
  connect();
}

export function showConnection(element) {
  return (state, text) => {
    element.hidden = false;
    element.dataset.state = state;
    if (element.textContent !== text) element.textContent = text;
  };
}

// Says what happened to screen readers, several things in one breath, so that a busy tree does not chatter.
export function announcer(element) {
  let waiting = [];
  let timer = null;
  return (text) => {
    waiting.push(text);
    timer ??= setTimeout(() => {
      element.textContent = waiting.slice(-3).join(". ");
      waiting = [];
      timer = null;
    }, 1500);
  };
}
