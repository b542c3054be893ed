/* A row of links that scrolls sideways begins where one is. Expects [data-row] with one link that has aria-current. */

for (const row of document.querySelectorAll("[data-row]")) {
  const current = row.querySelector("[aria-current]");
  if (current) row.scrollLeft = current.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
}
