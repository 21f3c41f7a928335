// Updates the page. It is readable without this script: the server renders all HTML, also the parts fetched here.

import { followWidth, makeTabs } from "./tabs.js";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

const POLL = 2000; // milliseconds between two polls, when this page has no event stream
const RETRY = 1000; // before the next attempt to reach the server
const HEARTBEAT_TIMEOUT = 15000; // the server sends a heartbeat every 5 s; without one for so long, the connection is lost
const BATCH_DELAY = 100; // events that arrive together are shown together
const MAX_PENDING = 500; // events that a hidden page keeps
const INTERVAL = 700; // at least, between two updates of the list

const filters = $("#filters");
const list = $("#list");
const detail = $("#detail");

// ---- Parts of the page, from the server

async function fetchPart(url, options = {}) {
  const response = await fetch(url, { ...options, headers: { "X-Fragment": "1", ...options.headers } });
  const text = await response.text();
  return response.headers.get("Content-Type")?.startsWith("text/html") ? text : "";
}

const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;

function announce(words) {
  $("#announcement").textContent = words;
}

// ---- The list: known rows are updated in place; new rows wait while the list is in use

const listPane = () => $(".list-pane");
const rows = () => $$("#list .message[data-message]");
const withoutAge = (row) => $("a", row).innerHTML.replace(/<span class="ago">.*?<\/span>/g, "");
let filtered = 0; // counts changes of the filters: a response to earlier ones is not shown
let shownOlder = false;

async function fetchList(before = "") {
  const body = new FormData(filters);
  if (before) body.set("before", before);
  const mine = filtered;
  const html = await fetchPart("/list", { method: "POST", body });
  return mine === filtered && html ? parse(html) : null;
}

async function showList() {
  filtered += 1;
  const fresh = await fetchList();
  if (!fresh) return;
  list.replaceChildren(...fresh.childNodes);
  shownOlder = false;
  listChanged();
}

async function updateList() {
  const fresh = await fetchList();
  if (!fresh) return;
  const isSearching = $("#older")?.dataset.stopped === "true";
  if (isSearching && !$(".message", fresh)) return; // the search continues by itself
  $(".count", list)?.replaceWith($(".count", fresh)?.cloneNode(true) ?? "");
  for (const old of $$(".relay", list)) old.remove();
  list.prepend(...$$(".relay", fresh).map((line) => line.cloneNode(true)));
  const known = new Map(rows().map((row) => [row.dataset.message, row]));
  let waiting = 0;
  for (const row of $$(".message[data-message]", fresh)) {
    const old = known.get(row.dataset.message);
    if (!old) waiting += 1;
    else if (withoutAge(old) !== withoutAge(row)) {
      $("a", old).replaceChildren(...$("a", row).cloneNode(true).childNodes); // the row itself may be shown below
      $("a", old).href = $("a", row).href;
      old.dataset.key = row.dataset.key;
    }
  }
  showCount();
  const firstEver = known.size === 0;
  const isRead =
    $("#selection")?.open ||
    listPane().scrollTop > 8 || list.matches(":hover") || list.contains(document.activeElement) || shownOlder;
  // Parts of one text become one message when devkit learns of the send; recordings may be deleted.
  const isGone = !shownOlder && $$(".message[data-message]", fresh).length < known.size;
  if (waiting && isRead && !firstEver) offer(waiting);
  else if (waiting || firstEver || isGone || rows()[0]?.dataset.message !== $(".message", fresh)?.dataset.message) {
    if (isRead && !firstEver) return;
    list.replaceChildren(...fresh.childNodes);
    listChanged();
  }
}

function offer(count) {
  const words = `${count} new message${count === 1 ? "" : "s"}`;
  const button = $(".fresh") ?? document.createElement("button");
  button.type = "button";
  button.className = "fresh";
  button.textContent = words;
  button.onclick = async () => {
    await showList();
    listPane().scrollTop = 0;
    $("#list .message a")?.focus();
  };
  list.prepend(button);
  announce(words);
}

function listChanged() {
  const open = $(".receipt", detail)?.dataset;
  for (const row of rows()) {
    const link = $("a", row);
    if (open && (row.dataset.key === open.key || row.dataset.message === open.message))
      link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    row.classList.toggle("marked", row.dataset.key === marked);
  }
  showCount();
  for (const link of $$("[data-filter]", detail)) link.toggleAttribute("aria-current", isSet(link));
  const older = $("#older");
  if (older?.dataset.stopped === "true" && rows().length < 50) showOlder(); // a search continues by itself
}

function showCount() {
  const count = $(".count", list);
  if (!count) return;
  const total = Number(count.dataset.total);
  const shown = rows().length;
  const more = $("#older") && "filtered" in count.dataset ? "+" : "";
  count.textContent = `${shown < total ? `${shown}${more} of ` : ""}${total} message${total === 1 ? "" : "s"}`;
}

async function showOlder() {
  const button = $("#older");
  const fresh = button && (await fetchList(button.value));
  if (!fresh) return;
  shownOlder = rows().length > 0;
  $(".messages", list).append(...$$(".message", fresh));
  for (const old of $$(".pager, .nothing", list)) old.remove();
  if (rows().length) $("#searching", fresh)?.remove();
  list.append(
    ...$$(".pager, .nothing", fresh).filter((part) => part.matches(".pager, #searching") || !rows().length),
  );
  listChanged();
}

// ---- The receipt on the right

let opening = 0;
let loading = 0;
let showing = Promise.resolve();

function open(url, options) {
  showing = showPart(url, options);
  showing.catch(listChanged); // the former receipt is still shown
  return showing;
}

// Keys are faster than the server: an action on a receipt waits until the requested receipt is shown.
const whenShown = (act) => () => showing.catch(() => {}).then(act);

async function showPart(url, { push = true, ...options } = {}) {
  const mine = ++opening;
  loading += 1;
  const html = await fetchPart(url, options).finally(() => (loading -= 1));
  if (!html || mine !== opening) return; // another receipt was requested meanwhile
  const tab = $("[role=tab][aria-selected=true]", detail)?.dataset.tab;
  const wasIn = detail.contains(document.activeElement);
  const address = new URL(url, location.href);
  detail.replaceChildren(...parse(html).childNodes);
  if (push) history.pushState({}, "", address);
  document.body.classList.toggle("has-detail", !["/", "/overview"].includes(address.pathname));
  makeTabs(detail, $(".receipt", detail)?.dataset.tab || address.hash.slice(1) || tab);
  if (wasIn) detail.focus({ preventScroll: true });
  const heading = $(".overview", detail) ? "" : $("h1", detail)?.textContent.trim().replace(/\s+/g, " ");
  title = `${heading || "Receipts"} · devkit inspector`;
  document.title = title;
  showMark();
  listChanged();
}

const numbers = () => (filters?.elements.numbers.checked ? "?numbers=1" : "");

// The receipt is not replaced while a form or a menu in it is in use.
const isBusy = () =>
  Boolean($("details[open]:not(.raw-parts)", detail)) ||
  (detail.contains(document.activeElement) && document.activeElement.matches("input, select"));

// ---- Events

let cursor = document.body.dataset.cursor;
let source = null;
let heartbeatTimer = 0;
let retryTimer = 0;
let batchTimer = 0;
let pending = []; // events that are not shown yet
let missed = false;
let unread = 0; // receipts that arrived while the page was hidden
let turn = 0; // counts the connections: what an earlier one brings is not used
let shownAt = 0;
let title = document.title;
let failures = 0; // to reach the server, one after the other

// Without the server no button has an effect. A restart of devkit takes less than two attempts to reach it.
function showAway() {
  const isAway = failures > 1;
  if (isAway !== $("#away").hidden) return;
  $("#away").hidden = !isAway;
  for (const button of $$("form[data-into] button, button[formaction]")) {
    if (isAway && !button.disabled) button.dataset.away = "true";
    if (button.dataset.away) button.disabled = isAway;
    if (!isAway) delete button.dataset.away;
  }
  announce(isAway ? $("#away").innerText : "devkit answers again.");
}

function setLive(state, words) {
  const live = $("#live");
  failures = state === "lost" ? failures + 1 : 0;
  showAway();
  live.dataset.state = state;
  $(".words", live).textContent = words;
}

function receive(batch) {
  cursor = batch.after;
  if (!batch.lost && !batch.events.length) return;
  pending.push(...batch.events);
  missed ||= batch.lost;
  if (document.hidden) countUnread(batch.events);
  else planShow();
}

function planShow() {
  batchTimer ||= setTimeout(show, Math.max(BATCH_DELAY, shownAt + INTERVAL - Date.now()));
}

function countUnread(events) {
  unread += events.filter((event) => event.kind === "receipt").length;
  if (unread) document.title = `(${unread}${missed ? "+" : ""}) ${title}`;
  if (pending.length < MAX_PENDING) return;
  pending = [];
  missed = true; // everything is read anew when the page is visible
}

function visibilityChanged() {
  if (document.hidden) {
    poll();
    return;
  }
  unread = 0;
  document.title = title;
  if (pending.length || missed) planShow();
  poll().then(listen);
}

async function show() {
  const events = pending.splice(0);
  const lost = missed;
  batchTimer = 0;
  missed = false;
  shownAt = Date.now();
  await updateList();
  if (loading) return;
  const shown = $(".receipt[data-key]", detail)?.dataset;
  const about = (event) =>
    (event.message_id && [shown.message, ...shown.parts.split(" ")].includes(event.message_id)) ||
    event.key === shown.key ||
    ("inbound" in shown && event.webhook_kind?.endsWith("-inbound")); // it may belong to the conversation
  if ($(".overview", detail)) await open("/overview", { push: false });
  else if (shown && !isBusy() && (lost || events.some(about))) await open(location.href, { push: false });
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
  source.addEventListener("hello", (event) => {
    cursor ||= JSON.parse(event.data).after;
    alive();
  });
  source.addEventListener("heartbeat", alive);
  source.addEventListener("events", (event) => {
    alive();
    receive(JSON.parse(event.data));
  });
  source.addEventListener("reconnect", listen);
  source.addEventListener("ended", poll); // a newer page took the subscription, or the session ends
  source.onerror = () => {
    if (source) lost();
  };
  heartbeatTimer = setTimeout(lost, HEARTBEAT_TIMEOUT);
}

function stop() {
  turn += 1;
  source?.close();
  source = null;
  clearTimeout(heartbeatTimer);
  clearTimeout(retryTimer);
}

function lost() {
  stop();
  setLive("lost", "Reconnecting");
  retryTimer = setTimeout(listen, RETRY);
}

async function poll() {
  stop();
  const mine = turn;
  try {
    const response = await fetch(`/api/events?after=${encodeURIComponent(cursor)}`);
    const batch = await response.json();
    if (mine !== turn) return;
    receive(batch);
    setLive("live", "Live, polling every 2 s");
    retryTimer = setTimeout(poll, POLL);
  } catch {
    if (mine === turn) lost();
  }
}

// ---- User actions

let marked = "";

function showMark() {
  const button = $("#mark");
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", marked === $(".receipt[data-key]", detail)?.dataset.key);
}

function mark() {
  const key = $(".receipt[data-key]", detail)?.dataset.key;
  if (!key) return;
  if (marked && marked !== key) {
    const both = `/diff?a=${encodeURIComponent(marked)}&b=${encodeURIComponent(key)}${numbers().replace("?", "&")}`;
    marked = "";
    open(both);
    return;
  }
  marked = marked === key ? "" : key;
  showMark();
  announce(marked ? "Marked. Mark another receipt to compare the two." : "No longer marked.");
  listChanged();
}

async function copy(link) {
  let text = link.dataset.copyText;
  if (text === undefined) text = await (await fetch(link.href)).text();
  const words = link.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    if (words) link.textContent = "Copied";
    link.classList.add("done");
  } catch {
    if (link.href) location.href = link.href; // no clipboard: show the text, to copy by hand
    return;
  }
  announce(`${words || link.getAttribute("aria-label")}: copied`);
  setTimeout(() => {
    if (words) link.textContent = words;
    link.classList.remove("done");
    const menu = link.closest(".menu");
    if (menu) menu.open = false;
  }, 900);
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => $("a[aria-current]", row));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  for (const row of all) $("a", row).removeAttribute("aria-current");
  $("a", next).setAttribute("aria-current", "true");
  $("a", next).focus();
  next.scrollIntoView({ block: "nearest" });
  open($("a", next).href);
}

const openTab = (number) => whenShown(() => $("[data-tabs]", detail)?.chooseNumber(number));

const keys = {
  j: () => move(1),
  k: () => move(-1),
  r: whenShown(() => $("#replay button:enabled")?.click()),
  e: whenShown(() => {
    $("[data-tabs]", detail)?.choose("replays");
    const edit = $("#edit");
    if (!edit) return;
    edit.open = true;
    $("input[name=to]", edit).focus();
  }),
  x: whenShown(mark),
  1: openTab(1),
  2: openTab(2),
  3: openTab(3),
  4: openTab(4),
  5: openTab(5),
  6: openTab(6),
  "/": () => filters.elements.q.focus(),
  "?": () => $("#help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
  if (event.key === "Escape" && typing) event.target.blur();
  else if (event.key === "Escape" && detail?.contains(event.target) && !isNarrow())
    $("#list a[aria-current]")?.focus();
  else if (event.key === "Escape" && isNarrow() && detail && !$("dialog[open]"))
    open("/overview");
  if (
    typing ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    $("dialog[open]") ||
    !keysOn() ||
    !(event.key in keys)
  )
    return;
  event.preventDefault();
  keys[event.key]();
});

const isNarrow = () => matchMedia("(max-width: 52rem)").matches;
const keysOn = () => localStorage.getItem("keys") !== "off";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a, .copy");
  if (event.target.closest("#mark")) mark();
  if (event.target.closest("#older")) {
    event.preventDefault();
    showOlder();
  }
  if (!link || !detail || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (link.matches("[data-copy], [data-copy-text]")) {
    event.preventDefault();
    copy(link);
  } else if (link.matches("[data-filter]")) {
    event.preventDefault();
    filterBy(link);
  } else if (link.dataset.into || link.closest(".message")) {
    event.preventDefault();
    const byKey = event.detail === 0; // Enter in the list: go on reading in the receipt
    open(link.href).then(() => byKey && link.closest(".message") && detail.focus({ preventScroll: true }));
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const isAction = form.dataset.into || (form === filters && button?.hasAttribute("formaction"));
  if (!isAction || !detail || action.endsWith("/selection/export")) return; // an export is a download
  event.preventDefault();
  open(action, { push: false, method: "POST", body: new FormData(form, button) }).then(() => {
    announce($(".outcome, .refusal, #replays .log li", detail)?.innerText ?? "");
    if (/\/(selection\/delete|undo)$/.test(action)) showList();
  });
});

function countSelected() {
  const all = $("#selection [name=all]").checked;
  const count = $$(".pick:checked", list).length;
  $("#selected").textContent = all ? "" : `${count} message${count === 1 ? "" : "s"} selected`;
}

// ---- Filters that a chart sets

const filtersIn = (link) =>
  [...new URL(link.getAttribute("href"), location.href).searchParams].filter(
    ([name]) => filters.elements[name] instanceof HTMLSelectElement,
  );
const isSet = (link) => filtersIn(link).every(([name, value]) => filters.elements[name].value === value);

function filterBy(link) {
  const remove = isSet(link);
  for (const [name, value] of filtersIn(link)) {
    const select = filters.elements[name];
    if (![...select.options].some((option) => option.value === value))
      select.add(new Option(link.dataset.filter || value, value));
    select.value = remove ? "" : value;
  }
  $(".more", filters).open = true;
  if (isNarrow()) filters.scrollIntoView();
  showList().then(() => announce($(".count", list)?.textContent ?? ""));
}

let typing = 0;
function filtersChanged(event) {
  clearTimeout(typing);
  typing = setTimeout(showList, event.target.name === "q" ? 200 : 0);
  const isReceipt = $(".receipt[data-key]", detail);
  if (event.target.name === "numbers" && isReceipt) {
    open(`/receipts/${isReceipt.dataset.key}${numbers()}`);
  }
}

function ages() {
  const now = Date.now();
  for (const time of $$("time[datetime]")) {
    const age = $(".ago", time);
    const seconds = Math.floor((now - Date.parse(time.dateTime)) / 1000);
    const [size, unit] = [
      [86400, "d"],
      [3600, "h"],
      [60, "min"],
      [1, "s"],
    ].find(([size]) => seconds >= size) ?? [1, "s"];
    if (age) age.textContent = seconds < 5 ? "now" : `${Math.floor(seconds / size)} ${unit} ago`;
  }
}

// ---- Start

document.documentElement.classList.add("scripted");
$("#help-button").hidden = false;
$("#help-button").onclick = keys["?"];
$("#keys-on").checked = keysOn();
$("#keys-on").onchange = (event) => localStorage.setItem("keys", event.target.checked ? "on" : "off");
if (filters && list) {
  filters.addEventListener("input", filtersChanged);
  filters.addEventListener("submit", (event) => {
    if (event.submitter?.id === "older" || event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    showList();
  });
  addEventListener("change", (event) => {
    if (event.target.matches(".pick, #selection [name=all]")) countSelected();
  });
  addEventListener("popstate", () =>
    open(location.pathname === "/" ? "/overview" : location.href, { push: false }),
  );
  document.addEventListener("visibilitychange", visibilityChanged);
  makeTabs(detail, location.hash.slice(1));
  followWidth(detail);
  // The tab is open already: undo the browser's scrolling to the section.
  addEventListener("load", () => requestAnimationFrame(() => detail.scrollTo(0, 0)));
  showMark();
  listChanged();
  setInterval(ages, 5000);
  setLive("off", "Connecting");
  listen();
}
