/** A product as text: the catalog fields that a card shows, and the format of their values. */

import { language, t } from "../texts/texts.js";

// As indexer/catalog/titles.py has them, best first.
const TITLE_FIELDS = [
  "title", "name", "product_name", "product_title", "item_name", "titel", "titre", "titulo",
  "produktname", "artikelname", "bezeichnung", "artikelbezeichnung", "produktbezeichnung",
  "produkttitel", "nom", "nom_produit", "nom_du_produit", "designation", "nombre",
  "nombre_producto", "nombre_del_producto", "caption", "description", "beschreibung", "descripcion",
];
const NOTED_FIRST = ["category", "product_type", "type", "brand", "colour", "color", "base_colour"];
const NEVER_NOTED = new Set([
  ...TITLE_FIELDS, "id", "sku", "price", "currency", "price_currency", "item_group_id", "handle", "image", "images", "source", "path", "url",
]);
// Least confidence of each step in words.
const MATCHES = [[0.85, "match_strong"], [0.6, "match_good"], [0.3, "match_fair"], [-1, "match_weak"]];
const NOTES = 3;
const NOTE_LENGTH = 32;
const FILE_OR_ADDRESS = /^[a-z]+:\/\/|\.(avif|bmp|gif|jpe?g|png|tiff?|webp)$/i;

// Bidirectional embeddings, overrides and isolates, with which "gpj.exe" can be made to read "exe.jpg".
const BIDI_CONTROLS = /[\u202A-\u202E\u2066-\u2069]/g;

/** The first title-like field that is not empty, else the id. */
export function titleOf(id, fields) {
  const named = new Map(Object.keys(fields).map((field) => [plainName(field), field]));
  const title = TITLE_FIELDS.map((name) => fields[named.get(name)]).find((text) => display(text).trim());
  return title === undefined ? id : display(title);
}

/** A field's name in lower case, without accents, with one underscore between words. */
function plainName(field) {
  return field
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_|_$/g, "");
}

/** The price as people write it, "" where there is none. */
export function priceOf({ price, price_currency: beside, currency = beside }) {
  const amount = Number.parseFloat(price);
  if (!Number.isFinite(amount) || amount !== Number(price)) return display(price);
  const style = /^[A-Z]{3}$/.test(currency ?? "")
    ? { style: "currency", currency }
    : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return new Intl.NumberFormat(language, style).format(amount);
}

/** Up to three short text fields, the main ones first; without any, the product's tags. */
export function notesOf(fields) {
  const names = new Set([...NOTED_FIRST, ...Object.keys(fields)]);
  const notes = [...names]
    .filter((name) => !NEVER_NOTED.has(plainName(name)) && isShortText(fields[name]))
    .map((name) => display(fields[name]).trim());
  const labels = () => tagsOf(fields).map(([, [[, label]]]) => label);
  return [...new Set(notes.length ? notes : labels())].slice(0, NOTES);
}

/** Every field of tags, as pairs of its name and its labels, each label with its field. */
export function tagsOf(fields) {
  return Object.entries(fields)
    .filter(([, labels]) => Array.isArray(labels) && labels.length > 0)
    .map(([field, labels]) => [labelOf(field), labels.map((label) => [field, label])]);
}

/** Every other field that is not empty, as pairs of label and text. */
export function rowsOf(id, fields) {
  const rows = Object.entries(fields)
    .filter(([name, value]) => name !== "id" && !Array.isArray(value))
    .map(([name, value]) => [labelOf(name), display(value)]);
  return [["ID", id], ...rows.filter(([, text]) => text)];
}

/** The share of a hit's match that its bar fills, 0 to 1, in words, and as a number in words.
 *
 * Null for a hit that was compared with nothing.
 * A confidence is calibrated, so it needs no comparison. A cosine is small for text and large for
 * pictures, so its bar is relative to the best hit of the same answer.
 */
export function matchOf({ score, confidence }, bestScore) {
  if (score === null) return null;
  const similarity = t("similarity", { score: score.toFixed(2) });
  if (typeof confidence !== "number") {
    return { share: bestScore > 0 ? clamp(score / bestScore) : 0, words: similarity, exactly: similarity };
  }
  const percent = new Intl.NumberFormat(language, { style: "percent" }).format(confidence);
  const exactly = `${t("confidence", { percent })} · ${similarity}`;
  const step = MATCHES.find(([least]) => confidence >= least)[1];
  return { share: clamp(confidence), words: t(step), exactly };
}

/** A field's value as text, without characters that would turn its direction. */
export function display(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value).replace(BIDI_CONTROLS, "");
}

/** The name of a field as people read it. */
export function labelOf(name) {
  const words = name.replace(/^tag_/, "").replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isShortText(value) {
  return typeof value === "string" && value.trim() !== "" && value.length <= NOTE_LENGTH
    && !FILE_OR_ADDRESS.test(value);
}

function clamp(share) {
  return Math.min(1, Math.max(0, share));
}
