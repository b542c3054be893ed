/* Back to where one was: the address says how much of the gallery is loaded; this puts the card that was opened where it was
   on the screen, and the focus on it. Expects [data-grid] with links whose ids begin with "open-", and on the page of a
   generation <a data-back>, which leads to the gallery as it was left: its filters, its place. */

// In sessionStorage: the link's id, the address it stood at, and how far down the screen; and that <a data-back> was followed.
const OPENED = "opened";
const RETURNING = "returning";
const FRAMES = 12;
const here = () => location.pathname + location.search;

function remember(link) {
  sessionStorage.setItem(OPENED, JSON.stringify({ id: link.id, address: here(), top: link.getBoundingClientRect().top }));
}

function remembered() {
  return JSON.parse(sessionStorage.getItem(OPENED) ?? "null");
}

/** Only on coming back: a link to the same gallery begins at its top. */
function restore(event) {
  const [entry] = performance.getEntriesByType("navigation");
  const isBack = event.persisted || entry?.type === "back_forward" || sessionStorage.getItem(RETURNING);
  sessionStorage.removeItem(RETURNING);
  const opened = remembered();
  if (opened?.address !== here()) return;
  sessionStorage.removeItem(OPENED);
  if (!isBack) return;
  const link = document.getElementById(opened.id);
  if (!link) return;
  link.focus({ preventScroll: true });
  align(link, opened.top, FRAMES);
}

/** Cards get their height when they are first drawn, those above a little later than those on the screen: hold on for a moment. */
function align(link, top, frames) {
  scrollBy({ top: link.getBoundingClientRect().top - top, behavior: "instant" });
  if (frames) requestAnimationFrame(() => align(link, top, frames - 1));
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const opened = event.target.closest?.('[data-grid] a[id^="open-"]');
  if (opened) remember(opened);
  const back = event.target.closest?.("a[data-back]");
  const address = remembered()?.address;
  if (!back || !address?.startsWith(back.pathname)) return;
  event.preventDefault();
  sessionStorage.setItem(RETURNING, "yes");
  if (document.referrer === location.origin + address) history.back();
  else location.assign(address); // the same filters, after a walk along the neighbours
});
addEventListener("pageshow", restore); // after load, when the browser has scrolled where it thinks one was
