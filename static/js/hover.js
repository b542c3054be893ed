/* Hover and focus previews: after 200 ms on a ready card its poster becomes a muted loop of our own copy; leaving
   restores the poster and drops the download.
   Expects <article class="card" data-preview="url" data-preview-type="video/mp4"> with a .clip inside.
   Off with reduced motion, Save-Data, on touch, and when the person pressed P (kept in this browser). */

import { toast } from "./toast.js";
import { word } from "./words.js";

const DELAY = 200;
const KEPT = "lumaboard:previews";
let current = null;
let waiting = 0;

function remembered() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true; // storage may be closed to us; previews then are on
  }
}

let isOn = remembered();
const isWelcome = () => isOn && !matchMedia("(prefers-reduced-motion: reduce)").matches && !navigator.connection?.saveData;

function stop() {
  clearTimeout(waiting);
  if (!current) return;
  const { card, video, place, frame } = current;
  current = null;
  cancelAnimationFrame(frame.id);
  video.pause();
  video.removeAttribute("src");
  video.load(); // without it the browser goes on downloading
  video.remove();
  place.remove();
  card.classList.remove("is-previewing");
}

function start(card) {
  const clip = card.querySelector(".clip");
  if (!clip || !card.isConnected) return;
  stop();
  const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true, disablePictureInPicture: true });
  const place = Object.assign(document.createElement("span"), { className: "clip__place" });
  for (const node of [video, place]) {
    node.dataset.keep = "";
    node.setAttribute("aria-hidden", "true");
  }
  video.tabIndex = -1;
  if (card.dataset.previewType && !video.canPlayType(card.dataset.previewType)) return;
  const frame = { id: 0 };
  current = { card, video, place, frame };
  const draw = () => {
    if (video.duration) place.style.setProperty("transform", `scaleX(${video.currentTime / video.duration})`);
    frame.id = requestAnimationFrame(draw);
  };
  video.addEventListener("playing", () => {
    clip.append(video, place);
    card.classList.add("is-previewing");
    draw();
  }, { once: true });
  video.src = card.dataset.preview;
  video.play().catch(() => current?.video === video && stop()); // refused or dropped: the poster simply stays
}

function enter(card) {
  if (current?.card === card) return;
  stop();
  if (card?.dataset.preview && isWelcome()) waiting = setTimeout(start, DELAY, card);
}

const cardOf = (event) => event.target.closest?.(".card");

document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") enter(cardOf(event));
});
document.addEventListener("pointerleave", stop);
document.addEventListener("focusin", (event) => {
  if (event.target.matches(":focus-visible")) enter(cardOf(event));
});
document.addEventListener("focusout", stop);
document.addEventListener("visibilitychange", () => document.hidden && stop());
window.addEventListener("pagehide", stop);

/** Switch previews on or off for this browser. */
export function switchPreviews() {
  isOn = !isOn;
  try {
    localStorage.setItem(KEPT, isOn ? "on" : "off");
  } catch {
    // Storage closed: the choice holds for this page only.
  }
  if (!isOn) stop();
  toast(word(isOn ? "previewsOn" : "previewsOff"), "info");
}
