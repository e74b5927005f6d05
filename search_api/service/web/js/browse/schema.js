/** The index's own fields: their types, and the filters that a query makes of them. */

const TAGS_FIRST = ["tag_type", "tag_colour", "tag_color", "tag_pattern"];
const MAX_FACETS = 8;

/** What the page needs to know of an index: types of fields, facets, mode for words. */
export function schemaOf({ fields, modes }) {
  const place = (name) => (TAGS_FIRST.includes(name) ? TAGS_FIRST.indexOf(name) : 99);
  const tags = Object.keys(fields).filter((name) => fields[name] === "labels");
  return {
    known: true,
    types: fields,
    facets: tags.sort((one, other) => place(one) - place(other)).slice(0, MAX_FACETS),
    // An index of an older version has no keywords.
    textMode: modes.includes("hybrid") ? "hybrid" : "vector",
  };
}

/** What is assumed while the index can't be asked: no field, no keywords. */
export const NO_SCHEMA = { known: false, types: {}, facets: [], textMode: "vector" };

/** Conditions of an address that this index can't answer, as pairs of field and words. */
export function misfits({ chosen, ranges }, { known, types }) {
  if (!known) return [];
  const pairs = chosen.filter(([field, words]) => valueOf(words, types[field]) === undefined);
  const odd = Object.keys(ranges).filter((field) => !isNumber(types[field]));
  return [...pairs, ...odd.map((field) => [field, ""])];
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
