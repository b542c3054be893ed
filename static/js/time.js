/* One timer for every running clock on the page, told by the server's clock and not the laptop's.
   Expects <time data-since="ISO" data-format="clock|ago">, <time data-until="ISO" data-format="left|check">,
   and <div class="wait" data-since="ISO" data-late-after="130"> around an ETA ruler.
   A countdown inside [data-level] raises that level to warn at 30 min and to bad at 10 min. */

import { word } from "./words.js";

const WARN = 30 * 60;
const BAD = 10 * 60;
const P90_AT = 66; // per cent of the ruler at which nine of ten are done; the template draws the band to the same place

const told = Date.parse(document.querySelector('meta[name="server-now"]')?.content ?? "");
// The age of the page counts too: what the browser kept from before was rendered long ago.
const offset = Number.isNaN(told) ? 0 : told - (performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0));

/** Now, in milliseconds, by the server's clock. */
export function serverNow() {
  return Date.now() + offset;
}

/** 72 seconds as "1:12", and from an hour on "1:01:12". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return word("seconds", whole);
  if (whole < 2 * 3600) return word("minutes", Math.floor(whole / 60));
  if (whole < 48 * 3600) return word("hours", Math.floor(whole / 3600));
  return word("days", Math.floor(whole / 86400));
}

const formats = {
  clock: (seconds) => clock(seconds),
  ago: (seconds) => (seconds < 5 ? word("justNow") : word("ago", span(seconds))),
  left: (seconds) => span(seconds),
  check: (seconds) => (seconds > 0 ? word("nextCheck", span(seconds)) : seconds > -2 ? word("checking") : ""),
};

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function raiseLevel(element, left) {
  const chip = element.closest("[data-level]");
  if (!chip) return;
  if (left <= BAD) chip.dataset.level = "bad";
  else if (left <= WARN && chip.dataset.level === "quiet") chip.dataset.level = "warn";
}

function moveRuler(wait, now) {
  const elapsed = (now - Date.parse(wait.dataset.since)) / 1000;
  const usual = Number(wait.dataset.lateAfter);
  wait.classList.toggle("is-late", elapsed > usual);
  const mark = wait.querySelector(".ruler__now");
  if (!mark) return;
  mark.setAttribute("x", `${Math.min(98, Math.max(0, (elapsed / usual) * P90_AT)).toFixed(1)}%`);
  mark.setAttribute("visibility", "visible");
}

/** Write every clock below this node anew. */
export function tick(root = document) {
  const now = serverNow();
  for (const element of root.querySelectorAll("time[data-since], time[data-until]")) {
    const { since, until, format } = element.dataset;
    const seconds = (since ? now - Date.parse(since) : Date.parse(until) - now) / 1000;
    if (Number.isNaN(seconds)) continue;
    write(element, (formats[format] ?? formats[since ? "ago" : "left"])(seconds));
    if (until) raiseLevel(element, seconds);
  }
  for (const wait of root.querySelectorAll(".wait[data-late-after]")) moveRuler(wait, now);
  for (const data of root.querySelectorAll("data[data-clock]")) write(data, clock(Number(data.value)));
}

let timer = 0;
function run() {
  clearTimeout(timer);
  if (document.hidden) return;
  tick();
  timer = setTimeout(run, 1000 - (serverNow() % 1000)); // on the second, so that all clocks change together
}

document.addEventListener("visibilitychange", run);
document.addEventListener("htmx:afterSwap", () => tick());
document.addEventListener("htmx:oobAfterSwap", () => tick());
run();
