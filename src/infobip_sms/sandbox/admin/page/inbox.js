// Refreshes the inbox page once a second while it is visible.
// Links, search and buttons also work without this script.
"use strict";

const INTERVAL = 1000; // milliseconds
const live = document.getElementById("live");
const summary = document.getElementById("summary");
const address = new URL(location.href);
address.searchParams.set("fragment", "1");
let tag = live ? live.dataset.tag : "";
let refreshing = false;

function announce(text) {
  if (summary && summary.textContent !== text) summary.textContent = text;
}

function announceSummary() {
  const part = live && live.querySelector("[data-summary]");
  if (part) announce(part.dataset.summary);
}

function isSelecting() {
  const selection = getSelection();
  return !selection.isCollapsed && live.contains(selection.anchorNode);
}

function showClock(response) {
  const now = response.headers.get("sandbox-now");
  if (!now) return;
  const shown = document.getElementById("now");
  shown.dateTime = now;
  shown.textContent = now.replace("T", " ").slice(0, 23);
  const pace = document.getElementById("pace");
  const frozen = response.headers.get("sandbox-pace") === "frozen";
  pace.textContent = frozen ? "frozen" : "running";
  pace.classList.toggle("frozen", frozen);
  document.querySelector("[value=freeze]").setAttribute("aria-pressed", frozen);
  document.querySelector("[value=resume]").setAttribute("aria-pressed", !frozen);
}

function showFaults(response) {
  const faults = response.headers.get("sandbox-fault") || "";
  const shown = document.getElementById("fault-summary");
  if (shown.textContent === faults) return;
  shown.textContent = faults;
  document.getElementById("faults").hidden = !faults;
}

function replace(html) {
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const height = document.documentElement.scrollHeight;
  const top = scrollY;
  live.innerHTML = html; // every value is escaped by the server
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (top > live.offsetTop) scrollTo(0, top + document.documentElement.scrollHeight - height);
  announceSummary();
}

async function refresh() {
  if (!live || refreshing || document.hidden || isSelecting()) return;
  refreshing = true;
  try {
    const response = await fetch(address, { headers: { "if-none-match": tag }, cache: "no-store" });
    showClock(response);
    showFaults(response);
    if (response.status === 200) {
      tag = response.headers.get("etag");
      replace(await response.text());
    } else if (response.status === 304) {
      announceSummary();
    } else {
      announce("No longer available");
    }
  } catch {
    announce("The sandbox is not responding");
  } finally {
    refreshing = false;
  }
}

async function press(event) {
  const form = event.target;
  if (!live || !event.submitter || !form.matches("form.buttons")) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form));
  fields.set("do", event.submitter.value);
  try {
    await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
  } catch {
    announce("The sandbox is not responding");
    return;
  }
  const menu = event.submitter.closest("details");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  await refresh();
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const shown = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(shown); // to copy by hand where pages may not
  try {
    await navigator.clipboard.writeText(shown.textContent.trim());
    getSelection().removeAllRanges();
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected";
  }
}

document.addEventListener("click", copy);
document.addEventListener("submit", press);
document.addEventListener("visibilitychange", refresh);
announceSummary();
setInterval(refresh, INTERVAL);
