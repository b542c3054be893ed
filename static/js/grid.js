/* The grid or list as one tab stop, moved through by keys.
   Expects [data-grid] with links whose ids begin with "open-", #search, and where there is one a button #show-new.
   Without script every link is its own tab stop, as ever. */

import { switchPreviews } from "./hover.js";
import { bind, showSheet } from "./keys.js";

const grid = () => document.querySelector("[data-grid]");
const links = () => [...(grid()?.querySelectorAll('a[id^="open-"]') ?? [])];
let currentId = "";

function rove() {
  const all = links();
  if (!all.length) return;
  const current = all.find((link) => link.id === currentId) ?? all[0];
  currentId = current.id;
  for (const link of all) {
    const stop = link === current ? "0" : "-1";
    if (link.getAttribute("tabindex") !== stop) link.setAttribute("tabindex", stop);
  }
  // What else a card offers has its key, or stands on the page it opens.
  for (const other of grid().querySelectorAll(':is(a, button):not([id^="open-"])')) other.tabIndex = -1;
}

function goTo(link) {
  if (!link) return false;
  currentId = link.id;
  rove();
  link.focus();
  link.closest(".card, tr")?.scrollIntoView({ block: "nearest" });
  return true;
}

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  return goTo(at < 0 ? all.find((link) => link.id === currentId) : all[at + by]);
}

/** The nearest link straight above or below, by place on the screen. */
function stepRow(direction) {
  const all = links();
  const from = document.activeElement.closest?.(".card, tr")?.getBoundingClientRect();
  if (!from || !all.includes(document.activeElement)) return step(0);
  const centre = from.left + from.width / 2;
  let best = null;
  for (const link of all) {
    const box = link.closest(".card, tr").getBoundingClientRect();
    const rows = (box.top - from.top) * direction;
    if (rows < from.height / 2) continue;
    const far = rows * 10 + Math.abs(box.left + box.width / 2 - centre);
    if (!best || far < best.far) best = { link, far };
  }
  return goTo(best?.link);
}

const hasGrid = () => links().length > 0;
const inGrid = (event) => hasGrid() && (event.isSheet || document.activeElement === document.body || grid().contains(document.activeElement));
const isRtl = () => document.documentElement.dir === "rtl";

bind(["j", "ArrowRight"], "doNext", (event) => step(event.key !== "j" && isRtl() ? -1 : 1), inGrid);
bind(["k", "ArrowLeft"], "doPrevious", (event) => step(event.key !== "k" && isRtl() ? 1 : -1), inGrid);
bind("ArrowDown", "doDown", () => stepRow(1), (event) => event.isSheet ? hasGrid() : grid()?.contains(document.activeElement));
bind("ArrowUp", "doUp", () => stepRow(-1), (event) => event.isSheet ? hasGrid() : grid()?.contains(document.activeElement));
bind("Enter", "doOpen", () => false, hasGrid); // a link opens by itself; here for the sheet
/** Press the star of the card one is at, or of the page's own generation. */
function pressStar() {
  const link = document.activeElement.closest?.(".cell, tr")?.querySelector('a[id^="open-"]') ?? document.getElementById(currentId);
  const star = link ? link.closest(".cell, tr")?.querySelector(".star") : document.querySelector("#detail-acts .star");
  star?.click();
}
bind("f", "doFavourite", pressStar, () => document.querySelector(".star") !== null);
bind("n", "doNew", () => document.getElementById("show-new")?.click(), () => document.getElementById("show-new") !== null);
bind("P", "doPreviews", () => switchPreviews(), () => document.querySelector("[data-preview]") !== null);
bind("/", "doSearch", () => document.getElementById("search")?.focus(), () => document.getElementById("search") !== null);
bind("?", "doSheet", () => showSheet());
bind("Escape", "doEscape", () => document.activeElement?.blur());

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.('[data-grid] a[id^="open-"]') && event.target.id !== currentId) {
    currentId = event.target.id;
    rove();
  }
});
document.addEventListener("htmx:afterSettle", rove);
document.addEventListener("htmx:oobAfterSwap", rove);
rove();
