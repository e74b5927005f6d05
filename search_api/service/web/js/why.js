/** Why a hit matched: what it shares with the query, and a heat map of the matching regions. */

import { heatMap } from "./api.js";

const byId = (id) => document.getElementById(id);
const button = byId("why-button");
const note = byId("why-note");
const picture = byId("details-picture");

let explained = null; // the hit, its query and, once loaded, the address of its heat map
let asking = new AbortController();

/** Offers to explain a hit of a query in the details panel. */
export function offerWhy(hit, query) {
  forgetWhy();
  byId("why").hidden = !hit.explanation;
  if (!hit.explanation) return;
  explained = { hit, query, map: null, plain: null };
  byId("why-shared").replaceChildren();
}

/** Releases a heat map, and cancels the request for it. */
export function forgetWhy() {
  asking.abort();
  if (explained?.map) URL.revokeObjectURL(explained.map);
  explained = null;
  button.setAttribute("aria-pressed", "false");
  button.disabled = false;
  note.hidden = true;
}

async function toggle() {
  if (!explained) return;
  const pressed = button.getAttribute("aria-pressed") === "true";
  button.setAttribute("aria-pressed", String(!pressed));
  if (pressed) return hide();
  showShared(explained.hit.explanation);
  await showMap(explained);
}

async function showMap(of) {
  asking = new AbortController();
  const { signal } = asking;
  button.disabled = true;
  say("Looking closer…");
  try {
    of.map ??= URL.createObjectURL(await heatMap(of.query, of.hit, signal));
    if (of !== explained) return URL.revokeObjectURL(of.map);
    of.plain = picture.src;
    picture.src = of.map;
    say("The warmer, the more that part of the picture made it a match.");
  } catch (error) {
    if (!signal.aborted) say(error.message);
  } finally {
    if (of === explained) button.disabled = false;
  }
}

function hide() {
  if (explained.plain && picture.src === explained.map) picture.src = explained.plain;
  byId("why-shared").replaceChildren();
  note.hidden = true;
}

function showShared({ tags, colours }) {
  const labels = Object.entries(tags)
    .filter(([group]) => !/colou?r/.test(group)) // shown as shades instead
    .flatMap(([, names]) => names.map((name) => swatchOf(name)));
  const shades = colours.map(({ name, colour, share }) =>
    swatchOf(`${name} ${Math.round(100 * share)}%`, colour));
  byId("why-shared").replaceChildren(...shades, ...labels);
}

function swatchOf(words, colour) {
  const swatch = byId("swatch-template").content.firstElementChild.cloneNode(true);
  const [dot, label] = swatch.children;
  if (colour) dot.style.setProperty("--dot", colour);
  else dot.remove();
  label.textContent = words;
  return swatch;
}

function say(words) {
  note.textContent = words;
  note.hidden = false;
}

button.addEventListener("click", toggle);
