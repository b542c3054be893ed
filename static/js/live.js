/* The change feed's pulse. htmx does the asking and the swapping; this decides when.
   Expects <div id="live" hx-get="…" hx-trigger="board:tick" hx-swap="outerHTML" data-pending="1">, one per page, which the
   answer may replace, and <span id="live-dot">. Fires board:tick on #live every data-fast ms (1500) while something is
   pending, else every data-slow ms (5000); never in a hidden tab; at once on focus and when the network is back. */

import { word } from "./words.js";

const LATE = 10_000;
const element = () => document.getElementById("live");
const dot = () => document.getElementById("live-dot");
let timer = 0;
let isAsking = false;
let lastNews = Date.now();

function show(state) {
  const place = dot();
  if (!place) return;
  const at = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(lastNews);
  const text = state === "live" ? word("live") : state === "late" ? word("late") : word("offline", at);
  place.hidden = false;
  if (place.dataset.live !== state) place.dataset.live = state;
  if (place.textContent !== text) place.textContent = text;
}

function judge() {
  if (!element()) return;
  if (!navigator.onLine) show("offline");
  else show(Date.now() - lastNews > LATE ? "late" : "live");
}

function pause() {
  const { pending, fast, slow } = element()?.dataset ?? {};
  return pending ? Number(fast ?? 1500) : Number(slow ?? 5000);
}

function ask() {
  clearTimeout(timer);
  if (!element() || document.hidden) return;
  if (!isAsking && navigator.onLine) element().dispatchEvent(new CustomEvent("board:tick"));
  judge();
  timer = setTimeout(ask, pause());
}

function wake() {
  if (document.hidden || !element()) return;
  ask();
}

const isOurs = (event) => event.detail.requestConfig?.elt?.id === "live" || event.detail.elt?.id === "live";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isOurs(event)) isAsking = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isOurs(event)) return;
  isAsking = false;
  if (event.detail.successful) lastNews = Date.now();
  else if (event.detail.xhr?.status === 404) location.reload(); // what this page shows is no longer ours to see: let the page say so
  judge();
});
/** Keep from the answer only what this page shows: a changed card of an older page, or of another filter, has no place here. */
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isOurs(event) || event.detail.xhr.status !== 200) return;
  const answer = new DOMParser().parseFromString(`<body>${event.detail.serverResponse}`, "text/html").body;
  for (const holder of [answer, ...answer.querySelectorAll("template")]) {
    for (const part of (holder.content ?? holder).querySelectorAll("[hx-swap-oob][id]")) {
      if (!document.getElementById(part.id)) (holder === answer ? part : holder).remove();
    }
  }
  announce(answer);
  event.detail.serverResponse = answer.innerHTML;
});

/** Say once, politely, what has settled since the last answer: "2 ready, 1 failed". */
function announce(answer) {
  const settled = { ready: 0, failed: 0 };
  for (const card of answer.querySelectorAll("article.card")) {
    const before = document.getElementById(card.id);
    for (const state of Object.keys(settled)) {
      const name = `card--${state}`;
      if (card.classList.contains(name) && before && !before.classList.contains(name)) settled[state] += 1;
    }
  }
  const parts = Object.entries(settled).filter(([, count]) => count).map(([state, count]) => word(state === "ready" ? "settledReady" : "settledFailed", count));
  const place = document.getElementById("settled-news");
  if (parts.length && place) place.textContent = parts.join(", ");
}

document.addEventListener("visibilitychange", wake);
window.addEventListener("focus", wake);
window.addEventListener("online", wake);
window.addEventListener("offline", judge);
window.addEventListener("pageshow", (event) => event.persisted && wake());
setInterval(() => document.hidden || judge(), 2000);

if (element()) {
  show("live");
  timer = setTimeout(ask, pause());
}
