/** Why a hit matched: what it shares with the query, and a heat map over the picture. */

import { html, render } from "../../vendor/lit.js";
import { heatMap } from "../api/calls.js";
import { t } from "../texts/texts.js";

const byId = (id) => document.getElementById(id);
const button = byId("why-button");
const note = byId("why-note");
const overlay = byId("details-heat");

let explained = null; // the hit, the request that found it and, once loaded, its map's address
let asking = new AbortController();

/** Offers to explain a hit of a request in the panel. */
export function offerWhy(hit, { request, picture }) {
  forgetWhy();
  byId("why").hidden = false;
  explained = { hit, request, picture, map: null };
}

/** Hides and releases a heat map, and cancels the request for it. */
export function forgetWhy() {
  asking.abort();
  if (explained?.map) URL.revokeObjectURL(explained.map);
  if (explained) explained.map = null;
  hide();
}

async function toggle() {
  if (!explained) return;
  if (button.getAttribute("aria-pressed") === "true") return hide();
  button.setAttribute("aria-pressed", "true");
  showShared(explained.hit.explanation);
  await showMap(explained);
}

async function showMap(of) {
  if (!of.hit.explanation.heatmap) return; // of a colour alone there is none
  asking = new AbortController();
  const { signal } = asking;
  say(t("looking"));
  try {
    const { explain, ...query } = of.request;
    const address = of.hit.explanation.heatmap;
    of.map ??= URL.createObjectURL(await heatMap(query, of.picture, address, signal));
    if (of !== explained || signal.aborted) return;
    overlay.src = of.map;
    overlay.hidden = false;
    say(t("warmer"));
  } catch (error) {
    if (!signal.aborted) say(error.message);
  }
}

function hide() {
  asking.abort();
  overlay.hidden = true;
  overlay.removeAttribute("src");
  button.setAttribute("aria-pressed", "false");
  render("", byId("why-shared"));
  note.hidden = true;
}

function showShared({ tags, colours }) {
  const shades = colours.map(({ name, colour, share }) =>
    swatch(`${name} ${Math.round(100 * share)}%`, colour));
  const labels = Object.entries(tags)
    .filter(([group]) => !/colou?r/.test(group)) // shown as shades instead
    .flatMap(([, names]) => names.map((name) => swatch(name)));
  render([...shades, ...labels], byId("why-shared"));
}

function swatch(words, colour) {
  return html`<li class="swatch">
    ${colour ? html`<span class="tag-dot" .style=${`--dot: ${colour}`}></span>` : ""}<bdi>${words}</bdi>
  </li>`;
}

function say(words) {
  note.textContent = words;
  note.hidden = false;
}

button.addEventListener("click", toggle);
