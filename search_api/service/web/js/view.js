/** DOM from data: cards, chips, skeletons and the rows of the details panel.
 *
 * Every word that comes from a catalog is set as text, never as markup.
 */

import { thumbnail } from "./api.js";
import { tagButton } from "./facets.js";
import { matchOf, notesOf, priceOf, rowsOf, tagsOf, titleOf } from "./product.js";

/** One result. `bestScore` is the score of the first hit, which the bars are drawn against. */
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

/** Grey shapes of cards, for while an answer is awaited. */
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

/** Fills the details panel with what a hit already tells; `onTag` is told of a tag that is chosen. */
export function showDetails(hit, bestScore, onTag) {
  const match = matchOf(hit, bestScore);
  const score = `Similarity ${hit.score.toFixed(2)}`;
  const confident = match.words !== score;
  byId("details-match").textContent = confident ? `${match.words} · ${score}` : score;
  byId("details-thumbs").replaceChildren();
  byId("details-error").hidden = true;
  showFields(hit.id, hit.fields, onTag);
  showPicture(byId("details-picture"), hit.image && thumbnail(hit.image));
  if (hit.image) sharpen(hit.image);
}

/** Completes the details panel with the whole product. */
export function completeDetails(item, onTag) {
  showFields(item.id, item.fields, onTag);
  if (item.images.length > 1) {
    byId("details-thumbs").replaceChildren(...item.images.map(thumbOf));
  }
}

/** Sets an element's text, and hides the element when there is none. */
export function setText(element, text) {
  element.textContent = text;
  element.hidden = text === "";
}

function showFields(id, fields, onTag) {
  byId("details-title").textContent = titleOf(id, fields);
  setText(byId("details-price"), priceOf(fields));
  const rows = rowsOf(id, fields).map(([label, text]) => rowOf(label, linked(text)));
  const tags = tagsOf(fields).map(([label, choices]) => {
    const buttons = document.createElement("div");
    buttons.className = "tags";
    buttons.append(...choices.map((choice) => tagButton(choice, onTag)));
    return rowOf(label, buttons);
  });
  byId("details-fields").replaceChildren(...rows, ...tags);
}

function rowOf(label, content) {
  const row = fromTemplate("field-template");
  row.querySelector("th").textContent = label;
  row.querySelector("td").replaceChildren(content);
  return row;
}

function thumbOf(image, index, images) {
  const thumb = fromTemplate("thumb-template");
  thumb.setAttribute("aria-label", `Picture ${index + 1} of ${images.length}`);
  thumb.setAttribute("aria-pressed", String(index === 0));
  showPicture(thumb.querySelector("img"), thumbnail(image));
  thumb.addEventListener("click", () => {
    for (const other of thumb.parentElement.children) {
      other.setAttribute("aria-pressed", String(other === thumb));
    }
    showPicture(byId("details-picture"), thumbnail(image));
    sharpen(image);
  });
  return thumb;
}

/** Puts the full picture in place of its thumbnail once it has arrived, if it is still wanted. */
function sharpen(image) {
  const shown = byId("details-picture");
  const wanted = shown.src;
  const full = new Image();
  full.addEventListener("load", () => {
    if (shown.src === wanted) showPicture(shown, image);
  });
  full.src = image;
}

function showPicture(img, address) {
  const missing = (is) => img.classList.toggle("missing", is);
  img.onerror = () => missing(true);
  missing(!address);
  if (address) img.src = address;
  else img.removeAttribute("src");
}

/** A web address as a link, any other text as text. */
function linked(text) {
  if (!/^https?:\/\/\S+$/i.test(text) || !URL.canParse(text)) return text;
  const link = document.createElement("a");
  link.href = text;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = text;
  return link;
}

function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

function byId(id) {
  return document.getElementById(id);
}
