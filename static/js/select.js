/* Selecting cards, to do something with many at once. From the first on, a click selects instead of opening.
   Expects [data-grid] with #generation-N around a link #open-N, on cards a button [data-select], and #bulkbar with #bulk-count,
   #bulk-share (a link that gets ?g=N&g=M), a form #bulk-trash, and [data-clear]. Where there is no #bulkbar, nothing is selected.
   The selection is kept for this tab: it survives live changes, further pages and a look at one generation. */

import { openDialog } from "./dialog.js";
import { bind } from "./keys.js";
import { word } from "./words.js";

const KEPT = "selected";
const LONG = 500;
const bar = () => document.getElementById("bulkbar");
const grid = () => document.querySelector("[data-grid]");
const cards = () => [...(grid()?.querySelectorAll('[id^="generation-"]') ?? [])];
const numberOf = (card) => card.id.slice("generation-".length);
const cardOf = (node) => node?.closest?.('[data-grid] [id^="generation-"]') ?? null;

let selected = new Set();
let anchor = null; // where a range begins
let pressed = 0;
let wasLong = false;

function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    selected = new Set(kept.board === bar()?.dataset.board ? kept.numbers : []);
  } catch {
    selected = new Set(); // storage may be closed to us
  }
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ board: bar().dataset.board, numbers: [...selected] }));
  } catch {
    // Storage closed: the selection holds for this page only.
  }
}

function paint() {
  if (!bar()) return;
  for (const card of cards()) {
    const is = selected.has(numberOf(card));
    card.classList.toggle("is-selected", is);
    card.querySelector("[data-select]")?.setAttribute("aria-pressed", String(is));
  }
  grid()?.classList.toggle("is-selecting", selected.size > 0);
  bar().hidden = selected.size === 0;
  const said = word("selected", selected.size);
  const count = document.getElementById("bulk-count");
  if (count.textContent !== said) count.textContent = said;
  const link = document.getElementById("bulk-share");
  link.search = new URLSearchParams([...selected].map((number) => ["g", number])).toString();
  const fields = document.getElementById("bulk-numbers");
  fields?.replaceChildren(...[...selected].map((value) => Object.assign(document.createElement("input"), { type: "hidden", name: "g", value })));
}

function choose(numbers, is = true) {
  for (const number of numbers) is ? selected.add(number) : selected.delete(number);
  keep();
  paint();
}

function toggle(card) {
  anchor = card;
  choose([numberOf(card)], !selected.has(numberOf(card)));
}

function chooseUpTo(card) {
  const all = cards();
  const [from, to] = [all.indexOf(anchor?.isConnected ? anchor : card), all.indexOf(card)].sort((a, b) => a - b);
  choose(all.slice(from, to + 1).map(numberOf));
}

function clear() {
  if (!selected.size) return false;
  const had = bar().contains(document.activeElement);
  selected.clear();
  keep();
  paint();
  if (had) grid()?.querySelector('a[id^="open-"][tabindex="0"]')?.focus();
  return true;
}

/** Before anything else hears the click: it selects, or opens as ever. */
document.addEventListener("click", (event) => {
  const card = cardOf(event.target);
  if (!card || !bar()) return;
  const isTool = event.target.closest("[data-select]");
  const isLink = event.target.closest('a[id^="open-"]');
  if (!isTool && !isLink) return;
  if (wasLong || event.shiftKey || event.ctrlKey || event.metaKey || isTool || selected.size) {
    event.preventDefault();
    event.stopPropagation();
    if (wasLong) wasLong = false;
    else if (event.shiftKey) chooseUpTo(card);
    else toggle(card);
  }
}, true);

document.addEventListener("pointerdown", (event) => {
  const card = event.pointerType === "touch" && bar() ? cardOf(event.target) : null;
  clearTimeout(pressed);
  wasLong = false;
  if (card) {
    pressed = setTimeout(() => {
      wasLong = true;
      toggle(card);
    }, LONG);
  }
});
for (const name of ["pointerup", "pointercancel", "scroll"]) addEventListener(name, () => clearTimeout(pressed), true);
document.addEventListener("contextmenu", (event) => wasLong && cardOf(event.target) && event.preventDefault());
document.addEventListener("click", (event) => event.target.closest?.("[data-clear]") && clear());
document.addEventListener("submit", (event) => event.target.id === "bulk-trash" && sessionStorage.removeItem(KEPT));
for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, paint);
addEventListener("pageshow", () => {
  recall();
  paint();
});

const current = () => cardOf(document.activeElement);
const share = () => document.getElementById("share-open");

bind("x", "doSelect", () => (current() ? toggle(current()) : false), (event) => bar() && (event.isSheet || current()));
bind("s", "doShare", () => {
  if (share()) return openDialog(share().href, share().dataset.refresh);
  if (!selected.size && current()) toggle(current());
  if (selected.size) openDialog(document.getElementById("bulk-share").href);
}, (event) => share() || (bar() && (event.isSheet || selected.size || current())));
bind("Escape", "", clear, () => bar() && selected.size > 0);
