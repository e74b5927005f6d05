/** The query box: the words, and what else the search has as chips. */

import { html, render, repeat } from "../../vendor/lit.js";
import { getItem, pictureOf, thumbnail } from "../api/calls.js";
import { titleOf } from "../product/format.js";
import { keptPicture } from "../state/pictures.js";
import { currentVisit, go } from "../state/visits.js";
import { number, t } from "../texts/texts.js";
import { editExample } from "./part.js";

const input = document.getElementById("query");
const chips = document.getElementById("chips");
const titles = new Map(); // of products by id, for their chips
const addresses = new Map(); // of pictures by key, for their chips

/** The query of the page with the words in the box, whether or not Enter was pressed. */
export function typedQuery() {
  return { ...currentVisit().query, text: input.value.trim(), product: "", view: "" };
}

/** Goes to the typed query with some parts changed. */
export function refine(changes) {
  go({ ...typedQuery(), ...changes });
}

/** Shows the visit's query in the box. */
export function showQuery() {
  const { query } = currentVisit();
  input.value = query.text;
  input.placeholder = query.examples.length ? t("ask_more") : t("ask");
  document.title = query.text ? `${query.text} – Lookalike` : "Lookalike";
  showChips(query);
}

/** Keeps the title of a product for its chip. */
export function keepTitle({ id, fields }) {
  titles.set(id, titleOf(id, fields));
}

/** Focuses the box, except where that would raise an on-screen keyboard. */
export function focusQuery() {
  if (matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
}

function showChips({ examples, without, colour }) {
  const parts = [
    ...examples.map(exampleChip),
    ...(colour ? [colourChip(colour)] : []),
    ...without.map(withoutChip),
  ];
  render(repeat(parts, ({ key }) => key, chip), chips);
}

function chip({ kind, label, image, colour, note, edit, remove }) {
  return html`<li class="chip" data-chip=${kind} title=${label}>
    ${image ? html`<img alt="" width="28" height="28" src=${image}>` : ""}
    ${colour ? html`<span class="chip-colour" .style=${`--dot: ${colour}`}></span>` : ""}
    ${edit ? html`<button class="chip-edit" type="button" @click=${edit} aria-haspopup="dialog"
      title=${t("part_edit")}><bdi class="chip-label">${label}</bdi>${note ? html` <small>${note}</small>` : ""}</button>`
      : html`<bdi class="chip-label">${label}</bdi>`}
    <button class="chip-remove" type="button" aria-label=${t("remove", { name: label })}
            @click=${remove}><svg class="icon" aria-hidden="true"><use href="#icon-close"/></svg></button>
  </li>`;
}

function exampleChip(one) {
  const { kind, value } = one;
  const described = { picture: pictureChip, image: urlChip, like: likeChip }[kind](value);
  const remove = () => refine({ examples: currentVisit().query.examples.filter((x) => x !== one) });
  const notes = [one.region && t("part"), one.weight !== 1 && `× ${number(one.weight)}`];
  return {
    kind, key: `${kind}:${value}`, note: notes.filter(Boolean).join(", "), edit: () => editExample(one), remove,
    ...described,
  };
}

function pictureChip(key) {
  if (!addresses.has(key)) {
    keptPicture(key).then((file) => {
      addresses.set(key, file ? { label: file.name, image: URL.createObjectURL(file) } : {});
      showChips(currentVisit().query);
    });
  }
  const { label, image } = addresses.get(key) ?? {};
  return { label: label || t("your_picture"), image };
}

function urlChip(address) {
  return { label: URL.canParse(address) ? new URL(address).pathname.split("/").at(-1) : address };
}

function likeChip(id) {
  if (!titles.has(id)) nameProduct(id);
  return { label: titles.get(id) ?? id, image: thumbnail(pictureOf(id), 64) };
}

function colourChip(colour) {
  return { kind: "colour", key: "colour", label: colour, colour, remove: () => refine({ colour: "" }) };
}

function withoutChip(words) {
  const others = () => currentVisit().query.without.filter((one) => one !== words);
  const remove = () => refine({ without: others() });
  return { kind: "without", key: `not:${words}`, label: t("without", { words }), remove };
}

/** Names the chip of a linked search; it shows the id until the title arrives, or if none does. */
async function nameProduct(id) {
  titles.set(id, id);
  const item = await getItem(id).catch(() => null);
  if (!item) return;
  keepTitle(item);
  showChips(currentVisit().query);
}

input.addEventListener("keydown", (event) => {
  const removers = chips.querySelectorAll(".chip-remove");
  if (event.key === "Backspace" && !input.value && !event.repeat && removers.length) {
    removers[removers.length - 1].click();
  }
});
chips.addEventListener("click", focusQuery);
