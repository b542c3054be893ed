/* Pages that open as dialogs. Without script their links are links, and their forms go to pages.
   Expects <a data-dialog data-refresh="#id">, whose address answers htmx with one element #share: a heading [data-focus], buttons
   and links [data-close], and [data-changed] once something was done. What stands at data-refresh is then read anew on closing.
   The event board:close from a form inside closes it; <button data-generate="#id"> makes up a password for that field. */

const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"; // no letters that are taken for others
let dialog = null;
let isChanged = false;

const toasts = () => document.getElementById("toasts");

/** Open the page at this address; what stands at `refresh` is read anew afterwards if something was changed. */
export async function openDialog(url, refresh = "") {
  if (dialog) return;
  dialog = Object.assign(document.createElement("dialog"), { className: "dialog" });
  dialog.setAttribute("aria-labelledby", "share-title");
  dialog.append(Object.assign(document.createElement("div"), { id: "share" }));
  document.body.append(dialog);
  dialog.addEventListener("close", () => left(refresh), { once: true });
  isChanged = false;
  await window.htmx.ajax("GET", url, { target: "#share", swap: "outerHTML" });
  if (!dialog.querySelector("#share-title")) return forget(); // refused; a toast has said why
  dialog.append(toasts()); // what lies under a modal dialog can be neither read nor pressed
  dialog.showModal();
  settle();
}

function forget() {
  dialog?.remove();
  dialog = null;
}

function left(refresh) {
  document.body.append(toasts());
  forget();
  if (isChanged && refresh) window.htmx.ajax("GET", location.href, { target: refresh, select: refresh, swap: "outerHTML" });
}

/** Lead to what is wrong, else to the beginning. */
function settle() {
  isChanged ||= dialog.querySelector("[data-changed]") !== null;
  (dialog.querySelector('[aria-invalid="true"]') ?? dialog.querySelector("[data-focus]"))?.focus();
}

function makeUp(field) {
  const chosen = [...crypto.getRandomValues(new Uint32Array(16))].map((number) => ALPHABET[number % ALPHABET.length]).join("");
  field.type = "text"; // it has to be read, to be passed on
  field.value = chosen.match(/.{4}/g).join("-");
  field.select();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("a[data-dialog], [data-close], [data-generate]");
  if (!target) return;
  if (target.dataset.generate) makeUp(document.querySelector(target.dataset.generate));
  else if (target.hasAttribute("data-close")) {
    if (!dialog?.contains(target)) return;
    event.preventDefault();
    dialog.close();
  } else if (!event.defaultPrevented && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && window.htmx) {
    event.preventDefault();
    openDialog(target.href, target.dataset.refresh);
  }
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (dialog?.open && event.target.id === "share") settle();
});
document.addEventListener("board:close", () => {
  isChanged = true;
  dialog?.close();
});
