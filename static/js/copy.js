/* Copy buttons.
   Expects <button data-copy="#id"> (copies that element's text or value) or <button data-copy-text="words">;
   <button data-save="#id" data-save-as="name.txt"> saves the text as a file. */

import { toast } from "./toast.js";
import { word } from "./words.js";

/** Put text on the clipboard and say so; without the clipboard API (plain http on a LAN) the old command does it. */
export async function copyText(text, said = word("copied")) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said, "success");
  } catch {
    toast(copyBySelection(text) ? said : word("copyFailed"), "info");
  }
}

function copyBySelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "vh" });
  const before = document.activeElement;
  (before?.closest?.("dialog") ?? document.body).append(field); // beside a modal dialog nothing can be selected
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus?.();
  return done;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
  copyText(button.dataset.copyText ?? source?.value ?? source?.textContent.trim() ?? "");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save]");
  if (!button) return;
  const text = document.querySelector(button.dataset.save).textContent;
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type: "text/plain" })), download: button.dataset.saveAs });
  link.click();
  URL.revokeObjectURL(link.href);
});
