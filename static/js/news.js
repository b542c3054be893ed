/* The bell: what was opened is read; and while the tab is hidden, the browser says what is new, where its person wants that.
   Expects <a id="bell" data-read-url="…" data-fresh-url="…">, the latter only where browser notifications are wanted; links
   with [data-read="7"]; and on the page of preferences #notify with its sentences, #notify-state, #notify-ask and the switch. */

const PAUSE = 30_000;
const PATIENCE = 1_000;
const bell = () => document.getElementById("bell");

// What was read --

function markRead(notice) {
  const token = document.querySelector("#acts [name=csrfmiddlewaretoken]")?.value ?? "";
  const body = new URLSearchParams({ notice, csrfmiddlewaretoken: token });
  return fetch(bell().dataset.readUrl, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } }).catch(() => {}); // it stays unread
}

// A link that opens here waits a moment, so that the page it leads to counts without it.
async function opened(event) {
  const link = event.target.closest?.("a[data-read]");
  if (!link || !bell() || event.button > 1) return;
  const opensHere = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (opensHere) event.preventDefault();
  link.closest(".is-unread")?.classList.remove("is-unread");
  const isRead = markRead(link.dataset.read);
  if (!opensHere) return link.closest("[data-toast]")?.remove();
  await Promise.race([isRead, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  location.assign(link.href);
}

document.addEventListener("click", opened);
document.addEventListener("auxclick", opened);

// What the browser says of it: only while no tab of the board is looked at, and once however many are open --

const SEEN = "board-seen-at"; // when a tab of the board was looked at last, told to the other tabs
const mayNotify = () => "Notification" in window && Notification.permission === "granted";
let cursor = "";
let timer = 0;

function look() {
  try {
    localStorage.setItem(SEEN, String(Date.now()));
  } catch {
    /* without storage every tab speaks for itself */
  }
}

function isSeenElsewhere() {
  try {
    return Date.now() - Number(localStorage.getItem(SEEN)) < PAUSE / 2;
  } catch {
    return false;
  }
}

function say({ id, notice, title, body, url }) {
  try {
    const said = new Notification(title, { body, tag: id }); // of one tag a browser shows one, whichever tabs say it
    said.addEventListener("click", () => {
      window.focus();
      said.close();
      markRead(notice).then(() => location.assign(url));
    });
  } catch {
    clearTimeout(timer); // browsers of phones take it from a service worker alone, which there is none of
  }
}

async function check() {
  clearTimeout(timer);
  const url = bell()?.dataset.freshUrl;
  if (!url || !document.hidden || !mayNotify()) return;
  timer = setTimeout(check, PAUSE);
  try {
    const answer = await fetch(`${url}?since=${cursor}`);
    if (!answer.ok || answer.redirected) return;
    const { newest, news } = await answer.json();
    cursor = String(newest);
    if (!isSeenElsewhere()) news.forEach(say);
  } catch {
    /* no network: the next look finds it all */
  }
}

function turn() {
  clearTimeout(timer);
  cursor = "";
  if (document.hidden) check();
  else look();
}

document.addEventListener("visibilitychange", turn);
window.addEventListener("focus", look);
setInterval(() => document.hidden || look(), PAUSE / 3);
turn();

// Its permission, asked for by a click alone --

const place = document.getElementById("notify");
const button = document.getElementById("notify-ask");

function showPermission() {
  const state = "Notification" in window && window.isSecureContext ? Notification.permission : "missing";
  document.getElementById("notify-state").textContent = place.dataset[state];
  button.hidden = state !== "default";
}

async function askPermission() {
  if (!("Notification" in window) || Notification.permission !== "default") return;
  await Notification.requestPermission();
  showPermission();
}

if (place && button) {
  showPermission();
  button.addEventListener("click", askPermission);
  document.querySelector("[name=notifies]")?.addEventListener("change", (event) => event.target.checked && askPermission());
}
