/** State of the search: the visits of the browser's history, and the API's answer for each. */

import { getIndex, search } from "./api.js";
import { filterOf, tagFields } from "./facets.js";
import { lighten } from "./upload.js";

const PAGE_SIZE = 24;

/** A query that asks for nothing. */
export const NO_QUERY = Object.freeze({ text: "", picture: null, like: [], tags: [] });

// The start page counts the tags of all products, which needs some query.
const ANY_QUERY = Object.freeze({ ...NO_QUERY, text: "product" });

/* The index */

/** The index that is served, as a promise. */
export const index = getIndex();

// Hybrid search uses pictures and titles. An index of an older version has no keywords.
const textMode = index.then(
  ({ modes }) => (modes.includes("hybrid") ? "hybrid" : "vector"),
  () => "vector",
);

const facetFields = index.then(({ fields }) => tagFields(fields), () => []);

/* Visits */

// A visit is one entry of the browser's history: a query and its answer. An address can't hold a
// picture, so visits are kept here, under keys that a reload does not repeat.
const visits = new Map();
let visit = newVisit(NO_QUERY);

/** The visit that the page shows. */
export function currentVisit() {
  return visit;
}

/** Starts the visit of a query; the same query again replaces the present entry of the history. */
export function visitQuery(query) {
  visit.scroll = window.scrollY;
  const again = sameQuery(query, visit.query);
  visit = newVisit(query);
  enterHistory(again ? "replaceState" : "pushState");
}

/** Starts the visit of the query in the address bar. */
export function visitAddress() {
  visit = newVisit(queryInAddress());
  enterHistory("replaceState");
}

/** Returns to the visit of a history entry, as it was left; one of another page starts anew. */
export function returnTo(state) {
  visit.scroll = window.scrollY;
  const former = visits.get(state?.visit);
  if (former) visit = former;
  else visitAddress();
}

/** Whether a query asks for nothing. */
export function isEmpty({ text, picture, like }) {
  return !text && !picture && !like.length;
}

function newVisit(query) {
  return { query, hits: [], facets: {}, ended: true, tookMs: null, scroll: 0 };
}

function sameQuery(one, other) {
  return one.picture === other.picture && addressOf(one) === addressOf(other);
}

/* The address bar */

function enterHistory(method) {
  const key = `${performance.timeOrigin}/${visits.size}`;
  visits.set(key, visit);
  history[method]({ visit: key }, "", addressOf(visit.query));
}

function addressOf({ text, like, tags }) {
  const parameters = new URLSearchParams();
  if (text) parameters.set("q", text);
  for (const id of like) parameters.append("like", id);
  for (const tag of tags) parameters.append("tag", tag.join(":"));
  return parameters.size ? `?${parameters}` : location.pathname;
}

function queryInAddress() {
  const parameters = new URLSearchParams(location.search);
  return {
    ...NO_QUERY,
    text: (parameters.get("q") ?? "").trim(),
    like: [...new Set(parameters.getAll("like"))].filter(Boolean),
    tags: [...new Set(parameters.getAll("tag"))].filter((tag) => tag.includes(":")).map(tagNamed),
  };
}

/** A field and a label from an address; labels may contain colons. */
function tagNamed(words) {
  const colon = words.indexOf(":");
  return [words.slice(0, colon), words.slice(colon + 1)];
}

/* Requests */

let running = new AbortController();

/** Aborts the search in progress and returns the signal of the next one: the last search wins. */
export function supersede() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

/** Adds the next page of hits to a visit, and returns those that it did not have yet. */
export async function fetchHits(target, signal) {
  const picture = target.query.picture && await lighten(target.query.picture);
  const first = target.hits.length === 0;
  const answer = await search({ ...target.query, picture }, {
    k: PAGE_SIZE,
    offset: target.hits.length,
    mode: await textMode,
    filter: filterOf(target.query.tags),
    facets: first ? await facetFields : [],
    signal,
  });
  if (first) target.facets = answer.facets;
  const known = new Set(target.hits.map((hit) => hit.id));
  const fresh = answer.hits.filter((hit) => !known.has(hit.id));
  target.hits.push(...fresh);
  target.ended = answer.total < PAGE_SIZE;
  target.tookMs = answer.took_ms;
  return fresh;
}

/** The facets of all products, for the start page. */
export async function fetchAllFacets() {
  const fields = await facetFields;
  if (!fields.length) return {};
  const options = { k: 1, offset: 0, mode: "vector", facets: fields };
  return (await search(ANY_QUERY, options)).facets;
}
