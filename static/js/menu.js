/* Keys inside menus, and selects that send their form. The popover itself opens and closes without script.
   Expects .menu[popover] with links and buttons of class .menu__item; [data-submit] on a field in a form. */

const items = (menu) => [...menu.querySelectorAll(".menu__item")].filter((item) => item.checkVisibility?.() ?? true);

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.(".menu[popover]")) return;
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`);
  opener?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState === "open") menu.querySelector("[autofocus], .menu__item, input, select")?.focus();
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu || event.target.matches("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  let next;
  if (go !== undefined) next = all.at(go % (all.length || 1));
  else if (event.key.length === 1 && event.key !== " ") {
    const starts = (item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase());
    next = [...all.slice(at + 1), ...all.slice(0, at + 1)].find(starts);
  }
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form?.requestSubmit();
});
