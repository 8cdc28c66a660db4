// The inbox page, live: asks once a second for the part that changes, while somebody looks.
// Without this script every link, search and button works too.
"use strict";

const PACE = 1000; // milliseconds
const live = document.getElementById("live");
const summary = document.getElementById("summary");
const orders = document.querySelectorAll("form.orders");
const address = new URL(location.href);
address.searchParams.set("fragment", "1");
let tag = live ? live.dataset.tag : "";
let asking = false;

function say(text) {
  if (summary && summary.textContent !== text) summary.textContent = text;
}

function sayHowMany() {
  const part = live && live.querySelector("[data-summary]");
  if (part) say(part.dataset.summary);
}

function isReading() {
  const chosen = getSelection();
  return !chosen.isCollapsed && live.contains(chosen.anchorNode);
}

function showClock(reply) {
  const now = reply.headers.get("sandbox-now");
  if (!now) return;
  const shown = document.getElementById("now");
  shown.dateTime = now;
  shown.textContent = now.replace("T", " ").slice(0, 23);
  const pace = document.getElementById("pace");
  const frozen = reply.headers.get("sandbox-pace") === "frozen";
  pace.textContent = frozen ? "frozen" : "running";
  pace.classList.toggle("frozen", frozen);
  document.querySelector("[value=freeze]").setAttribute("aria-pressed", frozen);
  document.querySelector("[value=resume]").setAttribute("aria-pressed", !frozen);
}

function showBroken(reply) {
  const words = reply.headers.get("sandbox-broken") || "";
  const shown = document.getElementById("broken-words");
  if (shown.textContent === words) return;
  shown.textContent = words;
  document.getElementById("broken").hidden = !words;
}

function replace(html) {
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const height = document.documentElement.scrollHeight;
  const top = scrollY;
  live.innerHTML = html; // the server has escaped every value in it
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (top > live.offsetTop) scrollTo(0, top + document.documentElement.scrollHeight - height);
  sayHowMany();
}

async function ask() {
  if (!live || asking || document.hidden || isReading()) return;
  asking = true;
  try {
    const reply = await fetch(address, { headers: { "if-none-match": tag }, cache: "no-store" });
    showClock(reply);
    showBroken(reply);
    if (reply.status === 200) {
      tag = reply.headers.get("etag");
      replace(await reply.text());
    } else if (reply.status === 304) {
      sayHowMany();
    } else {
      say("Not here any more");
    }
  } catch {
    say("The sandbox does not answer");
  } finally {
    asking = false;
  }
}

async function press(event) {
  if (!live || !event.submitter) return;
  event.preventDefault();
  const form = event.currentTarget;
  const order = new URLSearchParams(new FormData(form));
  order.set("do", event.submitter.value);
  try {
    await fetch(form.action, { method: "POST", body: order, redirect: "manual" });
  } catch {
    say("The sandbox does not answer");
    return;
  }
  const menu = event.submitter.closest("details");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  await ask();
}

for (const form of orders) form.addEventListener("submit", press);
document.addEventListener("visibilitychange", ask);
sayHowMany();
setInterval(ask, PACE);
