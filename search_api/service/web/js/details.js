/** The details panel: one product with its pictures, fields and tags. */

import { getItem, thumbnail } from "./api.js";
import { tagButton } from "./facets.js";
import { matchOf, priceOf, rowsOf, tagsOf, titleOf } from "./product.js";
import { messageOf } from "./results.js";
import { fromTemplate, setText, showPicture } from "./view.js";
import { forgetWhy, offerWhy } from "./why.js";

const byId = (id) => document.getElementById(id);
const panel = byId("details");
let loading = new AbortController();

/** Opens the panel for a hit of a visit; `onTag` is called with a tag that is chosen in it. */
export async function openDetails(hit, { query, hits }, onTag) {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  panel.dataset.id = hit.id;
  showHit(hit, hits[0].score, onTag);
  offerWhy(hit, query);
  panel.showModal();
  panel.scrollTop = 0;
  try {
    showItem(await getItem(hit.id, signal), onTag);
  } catch (error) {
    if (!signal.aborted) setText(byId("details-error"), messageOf(error));
  }
}

/** Closes the panel. */
export function closeDetails() {
  panel.close();
}

/** Whether the panel is open. */
export function detailsAreOpen() {
  return panel.open;
}

/** Calls `onLike` with the product of the panel when more like it are wanted. */
export function onMoreLike(onLike) {
  byId("details-like").addEventListener("click", () => onLike(panel.dataset.id));
}

/** Shows what a hit already has. */
function showHit(hit, bestScore, onTag) {
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

/** Shows the whole product. */
function showItem(item, onTag) {
  showFields(item.id, item.fields, onTag);
  if (item.images.length > 1) {
    byId("details-thumbs").replaceChildren(...item.images.map(thumbOf));
  }
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

/** Replaces a thumbnail by the full picture once it is loaded, if it is still shown. */
function sharpen(image) {
  const shown = byId("details-picture");
  const wanted = shown.src;
  const full = new Image();
  full.addEventListener("load", () => {
    if (shown.src === wanted) showPicture(shown, image);
  });
  full.src = image;
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

panel.addEventListener("close", () => {
  loading.abort();
  forgetWhy();
});
panel.addEventListener("click", ({ target }) => {
  if (target === panel) panel.close(); // the panel's content covers all but its backdrop
});
byId("details-close").addEventListener("click", closeDetails);
