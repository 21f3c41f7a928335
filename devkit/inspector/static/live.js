// The connection to the server: an event stream, or polling while the page is hidden or has no stream.
// The dot beside the name shows its state.

import { $, $$, announce } from "./dom.js";

const POLL = 2000; // milliseconds between two polls, when this page has no event stream
const RETRY = 1000; // before the next attempt to reach the server
const HEARTBEAT_TIMEOUT = 15000; // the server sends a heartbeat every 5 s; without one for so long, the connection is lost

let receive = () => {};
let cursor = document.body.dataset.cursor; // the position after the last known event
let source = null;
let heartbeatTimer = 0;
let retryTimer = 0;
let turn = 0; // counts the connections: what an earlier one brings is not used
let failures = 0; // to reach the server, one after the other

// Call a function with each batch of events from now on.
export function connect(onEvents) {
  receive = onEvents;
  document.addEventListener("visibilitychange", () => (document.hidden ? poll() : poll().then(listen)));
  setLive("off", "Connecting");
  listen();
}

function listen() {
  stop();
  if (document.hidden) {
    poll(); // a hidden page holds no thread of the server; it counts what arrives, and shows it when it is visible
    return;
  }
  source = new EventSource(`/stream?after=${encodeURIComponent(cursor)}`);
  const alive = () => {
    clearTimeout(heartbeatTimer);
    heartbeatTimer = setTimeout(lost, HEARTBEAT_TIMEOUT);
    setLive("live", "Live");
  };
  source.addEventListener("hello", alive);
  source.addEventListener("heartbeat", alive);
  source.addEventListener("events", (event) => {
    alive();
    take(JSON.parse(event.data));
  });
  source.addEventListener("reconnect", listen);
  source.addEventListener("ended", poll); // a newer page took the subscription, or the session ends
  source.onerror = lost;
  heartbeatTimer = setTimeout(lost, HEARTBEAT_TIMEOUT);
}

async function poll() {
  stop();
  const mine = turn;
  try {
    const response = await fetch(`/api/events?after=${encodeURIComponent(cursor)}`);
    const batch = await response.json();
    if (mine !== turn) return;
    take(batch);
    setLive("live", "Live, polling every 2 s");
    retryTimer = setTimeout(poll, POLL);
  } catch {
    if (mine === turn) lost();
  }
}

function take(batch) {
  cursor = batch.after;
  if (batch.lost || batch.events.length) receive(batch);
}

function lost() {
  stop();
  setLive("lost", "Reconnecting");
  retryTimer = setTimeout(listen, RETRY);
}

function stop() {
  turn += 1;
  source?.close();
  source = null;
  clearTimeout(heartbeatTimer);
  clearTimeout(retryTimer);
}

function setLive(state, words) {
  const live = $("#live");
  live.dataset.state = state;
  $(".words", live).textContent = words;
  failures = state === "lost" ? failures + 1 : 0;
  showAway(failures > 1); // a restart of devkit takes less than two attempts to reach it
}

// Without the server no button has an effect.
function showAway(isAway) {
  if (isAway !== $("#away").hidden) return;
  $("#away").hidden = !isAway;
  for (const button of $$("form[data-into] button, button[formaction]")) {
    if (isAway && !button.disabled) button.dataset.away = "true";
    if (button.dataset.away) button.disabled = isAway;
    if (!isAway) delete button.dataset.away;
  }
  announce(isAway ? $("#away").innerText : "devkit answers again.");
}
