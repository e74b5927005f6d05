/** The query box: the words, and chips for a picture and for liked products. */

import { firstPicture, getItem, thumbnail } from "./api.js";
import { titleOf } from "./product.js";
import { currentVisit } from "./search.js";
import { chipOf } from "./view.js";

const input = document.getElementById("query");
const chips = document.getElementById("chips");
const titles = new Map(); // of products by id, for their chips

/** The query of the page with the words in the box, whether or not Enter was pressed. */
export function typedQuery() {
  return { ...currentVisit().query, text: input.value.trim() };
}

/** Shows a query in the box; `onQuery` is called with the query that remains of a removed chip. */
export function showQuery({ text, picture, like }, onQuery) {
  input.value = text;
  document.title = text ? `${text} – Lookalike` : "Lookalike";
  const pictures = picture ? [pictureChip(picture, onQuery)] : [];
  chips.replaceChildren(...pictures, ...like.map((id) => likeChip(id, onQuery)));
  input.placeholder = picture || like.length
    ? "Add words, like “in blue”"
    : "What are you looking for?";
}

/** Keeps the title of a product for its chip. */
export function keepTitle({ id, fields }) {
  titles.set(id, titleOf(id, fields));
}

/** Focuses the box, except where that would raise an on-screen keyboard. */
export function focusQuery() {
  if (matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
}

function pictureChip(picture, onQuery) {
  const image = URL.createObjectURL(picture);
  const label = picture.name || "Your picture";
  const remove = () => onQuery({ ...typedQuery(), picture: null });
  const chip = chipOf({ kind: "picture", label, image }, remove);
  const release = () => URL.revokeObjectURL(image);
  chip.querySelector("img").addEventListener("load", release);
  return chip;
}

function likeChip(id, onQuery) {
  const label = titles.get(id) ?? id;
  const image = thumbnail(firstPicture(id));
  const others = () => currentVisit().query.like.filter((other) => other !== id);
  const remove = () => onQuery({ ...typedQuery(), like: others() });
  const chip = chipOf({ kind: "like", label, image }, remove);
  if (!titles.has(id)) nameChip(chip, id);
  return chip;
}

/** Names the chip of a linked search; it shows the id until the title arrives, or if none does. */
async function nameChip(chip, id) {
  const item = await getItem(id).catch(() => null);
  if (!item) return;
  keepTitle(item);
  chip.title = titles.get(id);
  chip.querySelector(".chip-label").textContent = titles.get(id);
}

input.addEventListener("keydown", (event) => {
  const removers = chips.querySelectorAll(".chip-remove");
  if (event.key === "Backspace" && !input.value && !event.repeat && removers.length) {
    removers[removers.length - 1].click();
  }
});
chips.addEventListener("click", focusQuery);
