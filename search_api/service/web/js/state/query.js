/** What the page asks for, and how an address holds it.
 *
 * A query has words (`text`), excluded words (`without`), examples, a colour, chosen values of
 * fields and ranges of numbers, an order, and the product whose panel is open. An example is a
 * picture of this device (its key in the store of pictures), a picture's address on the web or a
 * product's id, with a weight and perhaps a region (left, top, right, bottom; 0 to 1).
 */

/** A query that asks for nothing. */
export const NO_QUERY = Object.freeze({
  text: "",
  without: [],
  examples: [],
  colour: "",
  chosen: [],
  ranges: {},
  sort: "",
  product: "",
  view: "",
});

/** Kinds of examples, in the order of the address, which is also the order of their weights. */
export const KINDS = ["picture", "image", "like"];

/** An example of a kind, with the usual weight. */
export function example(kind, value) {
  return { kind, value, weight: 1, region: null };
}

/** Whether there is something to rank products by, as opposed to filters alone. */
export function ranks({ text, examples, colour }) {
  return Boolean(text || examples.length || colour);
}

/** Whether a query asks for nothing but, perhaps, a product or a view. */
export function isEmpty(query) {
  return !ranks(query) && !query.chosen.length && !Object.keys(query.ranges).length && !query.sort;
}

/** Whether two queries have the same answer, whatever panel is open over it. */
export function sameSearch(one, other) {
  const bare = (query) => addressOf({ ...query, product: "", view: "" });
  return bare(one) === bare(other);
}

/** The query in the search part of an address; `notices` collects what of it can't be used. */
export function queryIn(search, notices = []) {
  const given = new URLSearchParams(search);
  const examples = KINDS.flatMap((kind) =>
    distinct(given.getAll(kind)).map((value) => example(kind, value)));
  weigh(examples, given);
  const colour = given.get("colour") ?? "";
  return {
    ...NO_QUERY,
    text: (given.get("q") ?? "").trim(),
    without: distinct(given.getAll("not")),
    examples,
    colour: isColour(colour) ? colour.toLowerCase() : "",
    chosen: pairsIn(given.getAll("tag"), "tag", notices),
    ranges: Object.fromEntries(pairsIn(given.getAll("range"), "range", notices)
      .map(([field, words]) => [field, rangeIn(words)])
      .filter(([, range]) => range)),
    sort: /^.+:(asc|desc)$/.test(given.get("sort") ?? "") ? given.get("sort") : "",
    product: given.get("product") ?? "",
    view: given.get("view") === "index" ? "index" : "",
  };
}

/** The search part of a query's address; empty for a query that asks for nothing. */
export function addressOf(query) {
  const given = new URLSearchParams();
  const add = (name, value) => { if (value) given.append(name, value); };
  add("q", query.text);
  for (const words of query.without) add("not", words);
  for (const one of query.examples) add(one.kind, one.value);
  if (query.examples.some(({ weight }) => weight !== 1)) {
    add("weights", query.examples.map(({ weight }) => weight).join(","));
  }
  query.examples.forEach(({ region }, place) => {
    if (region) add("region", `${place}:${region.map((edge) => +edge.toFixed(3)).join(",")}`);
  });
  add("colour", query.colour);
  for (const pair of query.chosen) add("tag", pair.join(":"));
  for (const [field, [from, to]] of Object.entries(query.ranges)) {
    add("range", `${field}:${from ?? ""}..${to ?? ""}`);
  }
  add("sort", query.sort);
  add("product", query.product);
  add("view", query.view);
  return given.size ? `?${given}` : "";
}

/** Whether words are a colour that the page can show, as `#rrggbb`. */
export function isColour(words) {
  return /^#[0-9a-f]{6}$/i.test(words);
}

/** A region with a name's edges between 0 and 1, or null if it has no area or is all. */
export function regionOf(edges) {
  const inside = edges.map((edge) => Math.min(1, Math.max(0, edge)));
  const [left, top, right, bottom] = inside;
  const empty = !(right - left > 0.01 && bottom - top > 0.01);
  const whole = left < 0.01 && top < 0.01 && right > 0.99 && bottom > 0.99;
  return empty || whole ? null : inside;
}

function weigh(examples, given) {
  (given.get("weights") ?? "").split(",").forEach((words, place) => {
    const weight = Number.parseFloat(words);
    if (examples[place] && weight >= -10 && weight <= 10) examples[place].weight = weight;
  });
  for (const words of given.getAll("region")) {
    const [, place, edges] = words.match(/^(\d+):([\d.,]+)$/) ?? [];
    const numbers = edges?.split(",").map(Number) ?? [];
    const target = examples[place];
    if (target && numbers.length === 4 && numbers.every(Number.isFinite)) {
      target.region = regionOf(numbers);
    }
  }
}

/** Pairs of a field and the words after its colon; the words may contain colons. */
function pairsIn(all, name, notices) {
  return distinct(all).flatMap((words) => {
    const colon = words.indexOf(":");
    if (colon > 0 && colon < words.length - 1) {
      return [[words.slice(0, colon), words.slice(colon + 1)]];
    }
    notices.push({ name, words });
    return [];
  });
}

function rangeIn(words) {
  const [, from, to] = words.match(/^(-?[\d.]*)\.\.(-?[\d.]*)$/) ?? [];
  const [least, most] = [from, to].map((edge) => (edge ? Number(edge) : null));
  const known = [least, most].every((edge) => edge === null || Number.isFinite(edge));
  return from === undefined || !known || (least === null && most === null) ? null : [least, most];
}

function distinct(values) {
  return [...new Set(values)].filter(Boolean);
}
