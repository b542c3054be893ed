/* One map of single keys: what binds is what the sheet prints.
   bind("j", "doNext", action) binds; <button data-show-shortcuts> and "?" open the sheet. */

import { word } from "./words.js";

const map = [];

/** Bind keys to an action; `label` is a key of words.js, or "" to leave it out of the sheet. `when` may say no. */
export function bind(keys, label, action, when = () => true) {
  map.push({ keys: [keys].flat(), label, action, when });
}

const isTyping = (target) => target.closest?.("input:not([type=range], [type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
const isBusy = () => document.querySelector("dialog[open], .menu:popover-open");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key !== "Escape" && (isTyping(event.target) || isBusy())) return;
  if (event.key === "Escape" && isBusy()) return; // the browser closes it
  const entry = map.find(({ keys, when }) => keys.includes(event.key) && when(event));
  if (!entry || entry.action(event) === false) return;
  event.preventDefault();
});

const SHOWN = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** Open the sheet of all keys that do something on this page. */
export function showSheet() {
  const dialog = element("dialog", "dialog");
  const title = Object.assign(element("h2", "", word("shortcuts")), { id: "shortcuts-title" });
  dialog.setAttribute("aria-labelledby", title.id);
  const list = element("dl", "shortcuts");
  for (const { keys, label, when } of map) {
    if (!label || !when({ isSheet: true })) continue;
    const row = document.createElement("div");
    const shown = document.createElement("dd");
    shown.append(...keys.map((key) => element("kbd", "kbd", SHOWN[key] ?? key)));
    row.append(element("dt", "", word(label)), shown);
    list.append(row);
  }
  const foot = element("div", "dialog__foot");
  const close = Object.assign(element("button", "btn", word("close")), { type: "button" });
  close.addEventListener("click", () => dialog.close());
  foot.append(close);
  dialog.append(title, list, foot);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show-shortcuts]");
  if (!button) return;
  button.closest("[popover]")?.hidePopover();
  showSheet();
});
