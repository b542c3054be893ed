/* The htmx extension "morph": an element is changed in place, so that a playing preview plays on and focus stays.
   Expects hx-ext="morph" on <body>, and idiomorph loaded before. Written here because the extension that comes with
   idiomorph asks for Function() at run time, which our content security policy forbids, and treats every
   out-of-band style as its own. Nodes with [data-keep] are run by a script (previews,
   players): they stay as they are, unless something of another kind takes their place. */

import { tick } from "./time.js";

const STYLES = { morph: "outerHTML", "morph:outerHTML": "outerHTML", "morph:innerHTML": "innerHTML" };
const OURS = new Set(["tabindex", "data-level", "aria-busy"]); // attributes that scripts set while a page lives
const CLASSES = ["is-previewing", "is-selected"];

function sameClock(before, after) {
  if (before.tagName !== "TIME") return false;
  const same = (name) => before.getAttribute(name) === after.getAttribute(name);
  return (before.hasAttribute("data-since") || before.hasAttribute("data-until")) && ["data-since", "data-until", "data-format"].every(same);
}

const callbacks = {
  beforeNodeMorphed(before, after) {
    if (before.nodeType !== Node.ELEMENT_NODE || after.nodeType !== Node.ELEMENT_NODE) return true;
    if (sameClock(before, after) || before.hasAttribute("data-keep")) return false;
    for (const name of CLASSES) if (before.classList.contains(name)) after.classList.add(name);
    return true;
  },
  // A preview is not in the server's picture of a card and stays; a player whose clip is gone goes with it.
  beforeNodeRemoved: (node) => !(node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-keep") && node.closest(".clip")),
  beforeAttributeUpdated: (name, element, change) => !(change === "remove" && OURS.has(name)),
};

/** A card whose state changed fades its poster in, once. */
function settle(target, incoming) {
  const poster = incoming?.querySelector?.(".clip > img");
  if (!target.classList?.contains("card") || !poster || target.querySelector(".clip > img")) return;
  target.classList.add("is-settling");
  incoming.classList.add("is-settling");
  target.addEventListener("animationend", () => target.classList.remove("is-settling"), { once: true });
}

window.htmx?.defineExtension("morph", {
  isInlineSwap: (style) => STYLES[style] === "outerHTML",
  handleSwap(style, target, fragment) {
    const morphStyle = STYLES[style];
    if (!morphStyle) return false;
    if (morphStyle === "outerHTML") settle(target, fragment.firstElementChild);
    const nodes = window.Idiomorph.morph(target, fragment.children, { morphStyle, callbacks });
    tick();
    return nodes;
  },
});
