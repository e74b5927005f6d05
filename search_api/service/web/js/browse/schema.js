/** The index's own fields: their types, and the filters that a query makes of them. */

const MAX_COUNTED = 32; // fields that the API counts in one answer
const MAX_FACETS = 8;
const MAX_SORTED = 6; // fields to sort by
const ALL_VALUES = 100; // values that the API lists of a field at most
const LEAST_COVERAGE = 0.1; // share of products that have a value
const FIRST = ["tag_type", "category", "product_type", "master_category", "type", "article_type"];
const NEVER = /^(id|sku|gtin|ean|mpn|title|name|product_name|product_title|description|handle)$|url|link|image|path/i;

/** What the page needs to know of an index: its size, types of fields, mode for words. */
export function schemaOf({ fields, modes, products }) {
  return {
    known: true,
    products,
    types: fields,
    // An index of an older version has no keywords.
    textMode: modes.includes("hybrid") ? "hybrid" : "vector",
  };
}

/** Fields that may be worth a facet; which of them are, their counts tell. */
export function candidates({ types }) {
  return Object.keys(types).filter((name) => !NEVER.test(name)).slice(0, MAX_COUNTED);
}

/** The fields to narrow by, given the counts over all products: those that divide the catalog.
 *
 * A field that few products have says little, one with a value for each product is a name, and one
 * with a single value divides nothing. Fields that most products have come first.
 */
export function chooseFacets(facets, { products, types }) {
  const covered = ([, counts]) =>
    counts.reduce((sum, [, count]) => sum + count, 0) / Math.max(1, products);
  const place = ([field]) => (FIRST.includes(field) ? FIRST.indexOf(field) : FIRST.length);
  return Object.entries(facets)
    .filter(([field, counts]) => isNumber(types[field]) ? counts.length > 2
      : counts.length > 1 && counts[0][1] > 1
        && (counts.length >= ALL_VALUES || covered([field, counts]) >= LEAST_COVERAGE))
    .sort((one, other) => place(one) - place(other) || covered(other) - covered(one))
    .slice(0, MAX_FACETS)
    .map(([field]) => field);
}

/** Whether these are all of a field's values. */
export function areAll(counts) {
  return counts.length < ALL_VALUES;
}

/** What is assumed while the index can't be asked: no field, no keywords. */
export const NO_SCHEMA = { known: false, products: 0, types: {}, textMode: "vector" };

/** Conditions of an address that this index can't answer, as pairs of field and words. */
export function misfits({ chosen, ranges, sort }, { known, types }) {
  if (!known) return [];
  const pairs = chosen.filter(([field, words]) => valueOf(words, types[field]) === undefined);
  const odd = Object.keys(ranges).filter((field) => !isNumber(types[field]));
  const order = sort && !sortOf({ sort }, { types }) ? [["sort", sort]] : [];
  return [...pairs, ...odd.map((field) => [field, ""]), ...order];
}

/** The API's filter of a query; values of one field are alternatives. Null for none. */
export function filterOf({ chosen, ranges }, schema) {
  const fields = new Map();
  for (const [field, words] of chosen) {
    const value = schema.known ? valueOf(words, schema.types[field]) : words;
    if (value !== undefined) fields.set(field, [...(fields.get(field) ?? []), { [field]: value }]);
  }
  const parts = [...fields.values()].map((some) => (some.length > 1 ? { or: some } : some[0]));
  for (const [field, [from, to]] of Object.entries(ranges)) {
    if (!isNumber(schema.types[field])) continue;
    parts.push({ [field]: { ...(from !== null && { gte: from }), ...(to !== null && { lte: to }) } });
  }
  if (!parts.length) return null;
  return parts.length > 1 ? { and: parts } : parts[0];
}

/** Fields of numbers to sort by, prices first. */
export function numbersOf({ types }) {
  const isPrice = (name) => /price|cost/i.test(name);
  return Object.keys(types).filter((name) => isNumber(types[name]) && !NEVER.test(name))
    .sort((one, other) => isPrice(other) - isPrice(one)).slice(0, MAX_SORTED);
}

/** The API's order of a query's results; null where they are in the order of their match. */
export function sortOf({ sort }, schema) {
  const [, field, order] = sort.match(/^(.+):(asc|desc)$/) ?? [];
  return field && isNumber(schema.types[field]) ? [{ field, order }] : null;
}

/** Whether a type of field has numbers. */
export function isNumber(type) {
  return type === "integer" || type === "float";
}

/** A value of an address as a field's type has it; undefined if it is none. */
function valueOf(words, type) {
  if (type === undefined) return undefined;
  if (type === "boolean") return { true: true, false: false }[words];
  if (!isNumber(type)) return words;
  const number = Number(words);
  return Number.isFinite(number) && (type !== "integer" || Number.isInteger(number))
    ? number : undefined;
}
