/* Toasts: results of my own action, at most three, gone after 8 s unless pointed at or focused; and the one place that
   says why an htmx request failed. A redirect to the sign-in page says nothing here.
   Expects <div id="toasts" role="status">, inside it [data-toast] with a [data-dismiss] button (templates/core/_toast.html). */

import { word } from "./words.js";

const STAY = 8000;
const MOST = 3;
const region = () => document.getElementById("toasts");

function watch(element) {
  if (element.dataset.watched) return;
  element.dataset.watched = "1";
  let timer = 0;
  const leave = () => {
    clearTimeout(timer);
    timer = setTimeout(() => element.remove(), STAY);
  };
  const hold = () => clearTimeout(timer);
  element.addEventListener("pointerenter", hold);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("focusin", hold);
  element.addEventListener("focusout", leave);
  leave();
}

function watchAll() {
  const toasts = [...(region()?.querySelectorAll("[data-toast]") ?? [])];
  toasts.slice(0, -MOST).forEach((old) => old.remove());
  toasts.slice(-MOST).forEach(watch);
}

/** Say one sentence; level is info, success, warning or error. */
export function toast(text, level = "info") {
  const place = region();
  if (!place || !text) return;
  if ([...place.children].some((child) => child.querySelector("p")?.textContent === text)) return;
  const element = document.createElement("div");
  element.className = `toast toast--${level}`;
  element.dataset.toast = "";
  const sentence = document.createElement("p");
  sentence.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn--ghost btn--sm";
  button.dataset.dismiss = "";
  button.textContent = word("dismiss");
  element.append(sentence, button);
  place.append(element);
  watchAll();
}

const reasons = { 0: "noAnswer", 403: "notAllowed", 404: "notFound", 429: "tooMany" };

function failed(event) {
  const { xhr, requestConfig, elt } = event.detail;
  if ((requestConfig?.elt ?? elt)?.id === "live") return; // the live dot speaks for the feed
  const status = xhr?.status ?? 0;
  if (xhr?.getResponseHeader?.("HX-Redirect")) return;
  const reason = reasons[status] ? word(reasons[status]) : word("serverFailed", status);
  toast(`${word("notSaved")} ${reason}`, "error");
}

document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);
document.addEventListener("htmx:timeout", failed);
document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove());
if (region()) new MutationObserver(watchAll).observe(region(), { childList: true });
watchAll();
