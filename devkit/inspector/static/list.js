// The list of messages: known rows are updated in place; new rows wait while the list is in use.

import { $, $$, announce, fetchPart } from "./dom.js";

const PAGE = 50; // messages that a search looks for by itself

const filters = $("#filters");
const list = $("#list");

let version = 0; // counts the lists that were shown: what was fetched for an earlier one is not used
let hasOlder = false; // whether older messages were added below
let onChange = () => {};

export const rows = () => $$("#list .message[data-message]");

// Call a function now, and after each change of the rows.
export function whenListChanges(act) {
  onChange = act;
  listChanged();
}

async function fetchList(before = "") {
  const body = new FormData(filters);
  if (before) body.set("before", before);
  const mine = version;
  const fresh = await fetchPart("/list", { method: "POST", body });
  return mine === version ? fresh : null;
}

// Show the list anew, as after a change of the filters. Returns whether it could.
export async function showList() {
  version += 1;
  const fresh = await fetchList();
  if (fresh) replaceList(fresh);
  return Boolean(fresh);
}

function replaceList(fresh) {
  version += 1;
  list.replaceChildren(...fresh.childNodes);
  hasOlder = false;
  listChanged();
}

function listChanged() {
  onChange();
  showCount();
  if ($("#older")?.dataset.stopped === "true" && rows().length < PAGE) showOlder(); // a search continues by itself
}

// Show what has changed in the messages of the list, and new ones if the list is not in use.
export async function updateList() {
  const fresh = await fetchList();
  if (!fresh) return;
  const isSearching = $("#older")?.dataset.stopped === "true";
  if (isSearching && !$(".message", fresh)) return; // the search continues by itself
  $(".count", list)?.replaceWith($(".count", fresh)?.cloneNode(true) ?? "");
  for (const old of $$(".relay", list)) old.remove();
  list.prepend(...$$(".relay", fresh).map((line) => line.cloneNode(true)));
  const known = new Map(rows().map((row) => [row.dataset.message, row]));
  const newest = $$(".message[data-message]", fresh);
  const added = newest.filter((row) => !known.has(row.dataset.message));
  for (const row of newest) updateRow(known.get(row.dataset.message), row);
  showCount();
  // Parts of one text become one message when devkit learns of the send; recordings may be deleted.
  const isShorter = !hasOlder && newest.length < known.size;
  const isMoved = rows()[0]?.dataset.message !== newest[0]?.dataset.message;
  if (known.size && isInUse()) {
    if (added.length) offer(added.length);
  } else if (added.length || isShorter || isMoved || !known.size) replaceList(fresh);
}

const withoutAge = (row) => $("a", row).innerHTML.replace(/<span class="ago">.*?<\/span>/g, "");

function updateRow(old, row) {
  if (!old || withoutAge(old) === withoutAge(row)) return;
  $("a", old).replaceChildren(...$("a", row).cloneNode(true).childNodes); // the row itself may be shown below
  $("a", old).href = $("a", row).href;
  old.dataset.key = row.dataset.key;
}

const isInUse = () =>
  $("#selection").open ||
  hasOlder ||
  $(".list-pane").scrollTop > 8 ||
  list.matches(":hover") ||
  list.contains(document.activeElement);

function offer(count) {
  const words = `${count} new message${count === 1 ? "" : "s"}`;
  const button = $(".fresh") ?? document.createElement("button");
  button.type = "button";
  button.className = "fresh";
  button.textContent = words;
  button.onclick = async () => {
    if (!(await showList())) return;
    $(".list-pane").scrollTop = 0;
    $("#list .message a")?.focus();
  };
  list.prepend(button);
  announce(words);
}

function showCount() {
  const count = $(".count", list);
  if (!count) return;
  const total = Number(count.dataset.total);
  const shown = rows().length;
  const more = $("#older") && "filtered" in count.dataset ? "+" : "";
  count.textContent = `${shown < total ? `${shown}${more} of ` : ""}${total} message${total === 1 ? "" : "s"}`;
}

// Add the next page of older messages, or what a search finds further back.
export async function showOlder() {
  const button = $("#older");
  if (!button || button.disabled) return;
  button.disabled = true; // while they are fetched
  const fresh = await fetchList(button.value);
  button.disabled = false;
  if (!fresh) return;
  hasOlder = rows().length > 0;
  $(".messages", list).append(...$$(".message", fresh));
  for (const old of $$(".pager, .nothing", list)) old.remove();
  if (rows().length) $("#searching", fresh)?.remove();
  list.append(
    ...$$(".pager, .nothing", fresh).filter((part) => part.matches(".pager, #searching") || !rows().length),
  );
  listChanged();
}
