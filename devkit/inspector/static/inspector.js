// Updates the page. It is readable without this script: the server renders all HTML, also the parts fetched here.

import { $, $$, announce, fetchPart } from "./dom.js";
import { rows, showList, showOlder, updateList, whenListChanges } from "./list.js";
import { connect } from "./live.js";
import { followWidth, makeTabs } from "./tabs.js";

const BATCH_DELAY = 100; // milliseconds; events that arrive together are shown together
const INTERVAL = 700; // milliseconds at least between two updates of the list
const MAX_PENDING = 500; // events that a hidden page keeps

const filters = $("#filters");
const detail = $("#detail"); // the receipt on the right; an error page has none

// ---- The receipt on the right

let opening = 0; // counts the requests: only the last one is shown
let loading = 0; // requests that are not answered yet
let showing = Promise.resolve();
let title = document.title;

const shown = () => $(".receipt[data-key]", detail)?.dataset;

function open(url, options) {
  showing = showPart(url, options);
  return showing;
}

// Keys are faster than the server: an action on a receipt waits until the requested receipt is shown.
const whenShown = (act) => () => showing.then(act);

// Whether the server answered.
async function showPart(url, { push = true, ...options } = {}) {
  const mine = ++opening;
  loading += 1;
  const part = await fetchPart(url, options);
  loading -= 1;
  if (mine !== opening) return Boolean(part); // another receipt was requested meanwhile
  if (!part) {
    markRows(); // the former receipt is still shown
    return false;
  }
  const tab = $("[role=tab][aria-selected=true]", detail)?.dataset.tab;
  const hadFocus = detail.contains(document.activeElement);
  const address = new URL(url, location.href);
  detail.replaceChildren(...part.childNodes);
  if (push) history.pushState({}, "", address);
  document.body.classList.toggle("has-detail", !["/", "/overview"].includes(address.pathname));
  makeTabs(detail, $(".receipt", detail)?.dataset.tab || address.hash.slice(1) || tab);
  if (hadFocus) detail.focus({ preventScroll: true });
  const heading = $(".overview", detail) ? "" : $("h1", detail)?.textContent.trim().replace(/\s+/g, " ");
  title = `${heading || "Receipts"} · devkit inspector`;
  document.title = title;
  showMark();
  markRows();
  return true;
}

// Mark what is open, in the list, and what the list is filtered by, in the charts.
function markRows() {
  const receipt = $(".receipt", detail)?.dataset ?? {};
  for (const row of rows()) {
    const { key, message } = row.dataset;
    setCurrent(row, key === (receipt.key ?? receipt.about) || message === receipt.message);
    row.classList.toggle("marked", key === marked);
  }
  for (const link of $$("[data-filter]", detail)) link.toggleAttribute("aria-current", isSet(link));
}

function setCurrent(row, isCurrent) {
  if (isCurrent) $("a", row).setAttribute("aria-current", "true");
  else $("a", row).removeAttribute("aria-current");
}

const numbers = () => (filters.elements.numbers.checked ? "?numbers=1" : "");

// ---- Events

let pending = []; // events that are not shown yet
let missed = false; // whether some were lost, so that all is read anew
let unread = 0; // receipts that arrived while the page was hidden
let batchTimer = 0;
let shownAt = 0;

function receive(batch) {
  pending.push(...batch.events);
  missed ||= batch.lost;
  if (document.hidden) countUnread(batch.events);
  else planShow();
}

function planShow() {
  batchTimer ||= setTimeout(showEvents, Math.max(BATCH_DELAY, shownAt + INTERVAL - Date.now()));
}

function countUnread(events) {
  unread += events.filter((event) => event.kind === "receipt").length;
  if (unread) document.title = `(${unread}${missed ? "+" : ""}) ${title}`;
  if (pending.length < MAX_PENDING) return;
  pending = [];
  missed = true;
}

function visibilityChanged() {
  if (document.hidden) return;
  unread = 0;
  document.title = title;
  if (pending.length || missed) planShow();
}

async function showEvents() {
  const events = pending.splice(0);
  const lost = missed;
  batchTimer = 0;
  missed = false;
  shownAt = Date.now();
  await updateList();
  if (loading) return;
  if ($(".overview", detail)) await open("/overview", { push: false });
  else if (shown() && !isBusy() && (lost || events.some(isAboutShown)))
    await open(location.href, { push: false });
}

function isAboutShown(event) {
  const { key, message, parts, inbound } = shown();
  return (
    event.key === key ||
    (event.message_id && [message, ...parts.split(" ")].includes(event.message_id)) ||
    (inbound !== undefined && event.webhook_kind?.endsWith("-inbound")) // it may belong to the conversation
  );
}

// The receipt is not replaced while a form or a menu in it is in use.
const isBusy = () =>
  Boolean($("details[open]:not(.raw-parts)", detail)) ||
  (detail.contains(document.activeElement) && document.activeElement.matches("input, select"));

// ---- What the user does with a receipt

let marked = ""; // the key of the receipt to compare the next one with

function showMark() {
  const button = $("#mark");
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", marked === shown()?.key);
}

function mark() {
  const key = shown()?.key;
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
  markRows();
}

async function copy(link) {
  if (link.classList.contains("done")) return;
  const words = link.textContent.trim();
  try {
    const text = link.dataset.copyText ?? (await (await fetch(link.href)).text());
    await navigator.clipboard.writeText(text);
  } catch {
    if (link.href) location.href = link.href; // no clipboard: show the text, to copy by hand
    return;
  }
  if (words) link.textContent = "Copied";
  link.classList.add("done");
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
  for (const row of all) setCurrent(row, row === next);
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

const keysOn = () => localStorage.getItem("keys") !== "off";
const isNarrow = () => matchMedia("(max-width: 52rem)").matches;

function keyPressed(event) {
  const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
  if (event.key === "Escape") leave(event.target, isTyping);
  const isOff = isTyping || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || !keysOn();
  if (isOff || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}

function leave(element, isTyping) {
  if (isTyping) element.blur();
  else if (isNarrow() && !$("dialog[open]")) open("/overview");
  else if (detail.contains(element)) $("#list a[aria-current]")?.focus();
}

function clicked(event) {
  const link = event.target.closest("a, .copy");
  if (event.target.closest("#mark")) mark();
  if (event.target.closest("#older")) {
    event.preventDefault();
    showOlder();
  }
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (link.matches("[data-copy], [data-copy-text]")) {
    event.preventDefault();
    copy(link);
  } else if (link.matches("[data-filter]")) {
    event.preventDefault();
    filterBy(link);
  } else if (link.dataset.into || link.closest(".message")) {
    event.preventDefault();
    const isByKey = event.detail === 0; // Enter in the list: go on reading in the receipt
    open(link.href).then(
      (isAnswered) =>
        isAnswered && isByKey && link.closest(".message") && detail.focus({ preventScroll: true }),
    );
  }
}

function submitted(event) {
  const form = event.target;
  const button = event.submitter;
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  if (action.endsWith("/selection/export")) return; // a download
  if (form === filters && !button?.hasAttribute("formaction")) {
    event.preventDefault();
    if (button?.id !== "older") showList(); // else see `clicked`
  } else if (form === filters || form.dataset.into) {
    event.preventDefault();
    open(action, { push: false, method: "POST", body: new FormData(form, button) }).then((isAnswered) => {
      if (!isAnswered) return; // what is shown is of an earlier action
      announce($(".outcome, .refusal, #replays .log li", detail)?.innerText ?? "");
      if (/\/(selection\/delete|undo)$/.test(action)) showList();
    });
  }
}

function countSelected() {
  const all = $("#selection [name=all]").checked;
  const count = $$("#list .pick:checked").length;
  $("#selected").textContent = all ? "" : `${count} message${count === 1 ? "" : "s"} selected`;
}

// ---- Filters, also those that a chart sets

const filtersIn = (link) =>
  [...new URL(link.getAttribute("href"), location.href).searchParams].filter(
    ([name]) => filters.elements[name] instanceof HTMLSelectElement,
  );
const isSet = (link) => filtersIn(link).every(([name, value]) => filters.elements[name].value === value);

function filterBy(link) {
  const isOn = isSet(link);
  for (const [name, value] of filtersIn(link)) {
    const select = filters.elements[name];
    if (![...select.options].some((option) => option.value === value))
      select.add(new Option(link.dataset.filter || value, value));
    select.value = isOn ? "" : value;
  }
  $(".more", filters).open = true;
  if (isNarrow()) filters.scrollIntoView();
  showList().then((isShown) => isShown && announce($("#list .count")?.textContent ?? ""));
}

let typing = 0;
function filtersChanged(event) {
  clearTimeout(typing);
  typing = setTimeout(showList, event.target.name === "q" ? 200 : 0);
  if (event.target.name === "numbers" && shown()) open(`/receipts/${shown().key}${numbers()}`);
}

function showAges() {
  const units = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  for (const age of $$("time[datetime] .ago")) {
    const seconds = Math.floor((Date.now() - Date.parse(age.closest("time").dateTime)) / 1000);
    const [size, unit] = units.find(([size]) => seconds >= size) ?? units.at(-1);
    age.textContent = seconds < 5 ? "now" : `${Math.floor(seconds / size)} ${unit} ago`;
  }
}

// ---- Start

function start() {
  document.addEventListener("keydown", keyPressed);
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("visibilitychange", visibilityChanged);
  document.addEventListener("change", (event) => {
    if (event.target.matches(".pick, #selection [name=all]")) countSelected();
  });
  filters.addEventListener("input", filtersChanged);
  addEventListener("popstate", () =>
    open(location.pathname === "/" ? "/overview" : location.href, { push: false }),
  );
  makeTabs(detail, location.hash.slice(1));
  followWidth(detail);
  // The tab is open already: undo the browser's scrolling to the section.
  addEventListener("load", () => requestAnimationFrame(() => detail.scrollTo(0, 0)));
  showMark();
  whenListChanges(markRows);
  setInterval(showAges, 5000);
  connect(receive);
}

document.documentElement.classList.add("scripted");
$("#help-button").hidden = false;
$("#help-button").onclick = keys["?"];
$("#keys-on").checked = keysOn();
$("#keys-on").onchange = (event) => localStorage.setItem("keys", event.target.checked ? "on" : "off");
if (detail) start();
