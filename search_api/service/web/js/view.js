/** DOM elements from data: cards, chips and skeletons.
 *
 * Text of a catalog is always set as text, never as markup.
 */

import { thumbnail } from "./api.js";
import { matchOf, notesOf, priceOf, titleOf } from "./product.js";

/** The card of a hit; its bar is relative to `bestScore`, the score of the first hit. */
export function cardOf(hit, bestScore) {
  const card = fromTemplate("card-template");
  const part = (selector) => card.querySelector(selector);
  const title = titleOf(hit.id, hit.fields);
  card.dataset.hit = hit.id;
  showPicture(part("img"), hit.image && thumbnail(hit.image));
  part(".card-open span").textContent = title;
  setText(part(".price"), priceOf(hit.fields));
  setText(part(".card-notes"), notesOf(hit.fields).join(" · "));
  part(".card-like").setAttribute("aria-label", `More like this: ${title}`);
  const match = matchOf(hit, bestScore);
  part(".score").title = match.words;
  part(".score-label").textContent = match.label;
  part(".score-bar").style.setProperty("--share", match.share);
  return card;
}

/** Grey shapes of cards, shown until the answer is there. */
export function skeletons(count) {
  return Array.from({ length: count }, () => fromTemplate("skeleton-template"));
}

/** A removable part of the query: `kind` is "picture" or "like". */
export function chipOf({ kind, label, image }, onRemove) {
  const chip = fromTemplate("chip-template");
  chip.dataset.chip = kind;
  chip.title = label;
  chip.querySelector(".chip-label").textContent = label;
  showPicture(chip.querySelector("img"), image);
  const remove = chip.querySelector("button");
  remove.setAttribute("aria-label", `Remove ${label}`);
  remove.addEventListener("click", onRemove);
  return chip;
}

/** Sets an element's text, and hides the element when there is none. */
export function setText(element, text) {
  element.textContent = text;
  element.hidden = text === "";
}

/** Shows a picture by its address; one that is missing or broken is marked. */
export function showPicture(img, address) {
  const missing = (is) => img.classList.toggle("missing", is);
  img.onerror = () => missing(true);
  missing(!address);
  if (address) img.src = address;
  else img.removeAttribute("src");
}

/** A copy of the element in a template. */
export function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

function byId(id) {
  return document.getElementById(id);
}
