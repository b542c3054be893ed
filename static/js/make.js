/* The page that has generations made: counts the prompt, fills in an earlier one, names the number on the button, finds concepts, and keeps
   what was typed in this tab until it is sent. Expects <form data-make>; without script it is a plain form. */

const form = document.querySelector("[data-make]");

function keep(prompt) {
  const name = `prompt ${location.pathname}`;
  if (!prompt.value && !location.search) prompt.value = sessionStorage.getItem(name) ?? "";
  prompt.addEventListener("input", () => sessionStorage.setItem(name, prompt.value));
  form.addEventListener("submit", () => sessionStorage.removeItem(name));
}

function count(prompt) {
  const shown = form.querySelector("[data-count-of]");
  const tell = () => {
    shown.textContent = shown.dataset.words.replace("{n}", [...prompt.value.trim()].length.toLocaleString("en"));
  };
  prompt.addEventListener("input", tell);
  tell();
}

function name(button) {
  const chosen = Number(form.elements.count.value) || 1;
  button.textContent = chosen === 1 ? button.dataset.one : button.dataset.many.replace("{n}", chosen);
}

function sift(field) {
  const wanted = field.value.trim().toLowerCase().replaceAll(" ", "_");
  for (const choice of form.querySelectorAll(`${field.dataset.sift} label`)) {
    choice.hidden = !choice.textContent.includes(wanted) && !choice.querySelector(":checked");
  }
}

if (form) {
  const prompt = form.elements.prompt;
  const button = form.querySelector("#make-button");
  keep(prompt);
  count(prompt);
  form.addEventListener("change", () => name(button));
  form.addEventListener("click", (event) => {
    const filler = event.target.closest("[data-fill]");
    if (!filler) return;
    prompt.value = filler.dataset.text;
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
    filler.closest("[popover]")?.hidePopover();
    prompt.focus();
  });
  form.addEventListener("input", (event) => event.target.matches("[data-sift]") && sift(event.target));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
  });
  form.addEventListener("submit", () => button.setAttribute("aria-busy", "true"));
  addEventListener("pageshow", () => button.removeAttribute("aria-busy"));
}
