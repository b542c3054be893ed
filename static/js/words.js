/* The words scripts show, translated by the server.
   Expects <div id="words" data-live="Live" data-minutes="%n min" …> (templates/core/_words.html). */

/** Give a sentence by its key, with %n and %m filled in. */
export function word(key, n = "", m = "") {
  const sentence = document.getElementById("words")?.dataset[key] ?? "";
  return sentence.replace("%n", n).replace("%m", m);
}
