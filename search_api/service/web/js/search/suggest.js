/** Suggestions under the query box: completions of what is typed, or what was searched before.
 *
 * The pattern is that of an editable combobox with a list (WAI-ARIA APG): the focus stays in the
 * box, and the arrow keys move a mark in the list.
 */

import { html, nothing, render } from "../../vendor/lit.js";
import { getSuggestions } from "../api/calls.js";
import { display, labelOf } from "../product/format.js";
import { recent } from "../state/local.js";
import { currentVisit, go } from "../state/visits.js";
import { t } from "../texts/texts.js";
import { refine } from "./box.js";

const WAIT_MS = 80; // after a key, so that quick typing asks once

const input = document.getElementById("query");
const list = document.getElementById("suggestions");
const panel = document.getElementById("suggestions-panel");
const forgetButton = document.getElementById("forget");
let asking = new AbortController();
let options = [];
let marked = -1;
let typed = "";

/** Closes the list, and gives up what was asked for it. */
export function closeSuggestions() {
  asking.abort();
  options = [];
  marked = -1;
  draw();
}

async function suggest() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  typed = input.value.trim();
  if (!typed) return show(recent.all().map((text) => ({ text, kind: "recent" })));
  await new Promise((resolve) => { setTimeout(resolve, WAIT_MS); });
  if (signal.aborted) return undefined;
  const found = await getSuggestions(typed, signal).catch(() => []); // typing goes on without them
  return signal.aborted ? undefined : show(found);
}

function show(found) {
  options = document.activeElement === input ? found : [];
  marked = -1;
  draw();
}

function draw() {
  const open = options.length > 0;
  input.setAttribute("aria-expanded", String(open));
  if (marked < 0) input.removeAttribute("aria-activedescendant");
  else input.setAttribute("aria-activedescendant", `suggestion-${marked}`);
  panel.hidden = !open;
  const before = options[0]?.kind === "recent";
  list.setAttribute("aria-label", t(before ? "recent" : "suggestions"));
  forgetButton.hidden = !before;
  render(options.map(option), list);
}

function option({ text, kind, field }, place) {
  const icon = kind === "recent" ? "recent" : "search";
  return html`<div class="suggestion" id=${`suggestion-${place}`} role="option"
      aria-selected=${place === marked} @click=${() => choose(place)}>
    <svg class="icon" aria-hidden="true"><use href=${`#icon-${icon}`}/></svg>
    <bdi>${emphasised(display(text))}</bdi>
    ${field ? html`<small>${labelOf(field)}</small>` : nothing}
  </div>`;
}

/** A suggestion's text with what was not typed in bold. */
function emphasised(text) {
  const same = text.toLowerCase().startsWith(typed.toLowerCase()) && typed.length;
  return same ? html`${text.slice(0, same)}<b>${text.slice(same)}</b>` : text;
}

function choose(place) {
  const { text, kind, id } = options[place];
  closeSuggestions();
  if (kind === "title" && id) {
    input.value = text;
    return go({ ...currentVisit().query, text, product: "" });
  }
  return refine({ text });
}

function forget() {
  recent.set([]);
  closeSuggestions();
  input.focus();
}

input.addEventListener("input", suggest);
input.addEventListener("focus", () => { if (!input.value) suggest(); });
input.addEventListener("click", () => { if (!options.length && !input.value) suggest(); });
input.addEventListener("blur", closeSuggestions);
forgetButton.addEventListener("click", forget);
panel.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
document.getElementById("search").addEventListener("submit", closeSuggestions);
input.addEventListener("keydown", (event) => {
  if (!options.length) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    marked = (marked + step + options.length + 1) % (options.length + 1);
    if (marked === options.length) marked = -1;
    draw();
  } else if (event.key === "Enter" && marked >= 0) {
    event.preventDefault();
    choose(marked);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    closeSuggestions();
  }
});
