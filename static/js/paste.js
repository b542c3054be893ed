/* The paste box: keys are masked the moment they arrive, and this is said; text files can be dropped or chosen.
   Expects <div data-paste> with a <textarea>, [data-paste-note role="status"] and optionally <input type="file">.
   The server masks again: this only spares the screen. */

import { toast } from "./toast.js";
import { word } from "./words.js";

const MASK = "••••";
const LARGEST = 4 * 1024 * 1024;
const KEYS = [
  /(\bBearer\s+)([A-Za-z0-9._~+/=-]{12,})/gi,
  /(\b(?:api[_-]?key|authorization|x-api-key|token|secret)\b["']?\s*[:=]\s*["']?)(?!Bearer\b)([A-Za-z0-9._~+/=-]{12,})/gi,
  /(\b)(sk-[A-Za-z0-9_-]{16,}|luma-[0-9a-f-]{30,}|lb_[A-Za-z0-9_-]{16,})/g,
];

/** Give the text without keys, and how many there were. */
export function mask(text) {
  let found = 0;
  let clean = text;
  for (const pattern of KEYS) {
    clean = clean.replace(pattern, (whole, before) => {
      found += 1;
      return before + MASK;
    });
  }
  return { clean, found };
}

function tidy(box) {
  const field = box.querySelector("textarea");
  const note = box.querySelector("[data-paste-note]");
  const { clean, found } = mask(field.value);
  if (!found) return;
  const end = clean.length - (field.value.length - field.selectionEnd);
  field.value = clean;
  field.setSelectionRange(Math.max(0, end), Math.max(0, end));
  if (note) note.textContent = found === 1 ? word("keyMasked") : word("keysMasked", found);
}

async function take(box, files) {
  for (const file of files) {
    if (file.size > LARGEST) {
      toast(word("fileTooLarge"), "warning");
      continue;
    }
    const field = box.querySelector("textarea");
    field.value += (field.value && !field.value.endsWith("\n") ? "\n" : "") + (await file.text());
    tidy(box);
    field.focus();
  }
}

for (const box of document.querySelectorAll("[data-paste]")) {
  box.addEventListener("input", (event) => event.target.matches("textarea") && tidy(box));
  box.addEventListener("change", async (event) => {
    if (!event.target.matches('input[type="file"]')) return;
    await take(box, event.target.files);
    event.target.value = ""; // its text is in the box now, without the keys; the file itself is not sent
  });
  for (const name of ["dragenter", "dragover"]) {
    box.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      box.classList.add("is-over");
    });
  }
  box.addEventListener("dragleave", (event) => box.contains(event.relatedTarget) || box.classList.remove("is-over"));
  box.addEventListener("drop", (event) => {
    box.classList.remove("is-over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(box, event.dataTransfer.files);
  });
  tidy(box);
}
