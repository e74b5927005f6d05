/** Answers of the API for visits: the first hits, and further pages of them. */

import { getIndex, recommend, search } from "../api/calls.js";
import { requestOf, tasteOf } from "../api/requests.js";
import { NO_SCHEMA, candidates, chooseFacets, misfits, schemaOf } from "../browse/schema.js";
import { NO_QUERY } from "./query.js";

export const PAGE_SIZE = 24;
const MOST_AT_ONCE = 480; // hits, when a reload continues far down

/** The index that is served, as a promise. */
export const index = getIndex();

/** What the page knows of the index's fields, as a promise that does not fail. */
export const schema = index.then(schemaOf, () => NO_SCHEMA);

/** Counts of the values of all products, by field, for the fields to narrow by. */
export const catalogFacets = schema.then(async (known) => {
  const facets = candidates(known);
  if (!facets.length) return {};
  const { request } = await requestOf(NO_QUERY, known);
  const found = await search({ ...request, k: 1, explain: false, facets });
  return Object.fromEntries(
    chooseFacets(found.facets, known).map((field) => [field, found.facets[field]]));
}).catch(() => ({})); // searching works without them

let running = new AbortController();

/** Aborts the search in progress and returns the signal of the next one: the last search wins. */
export function supersede() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

/** Adds the next page of hits to a visit's answer, and returns those that it did not have yet. */
export async function fetchHits(visit, signal) {
  const { answer, query, shown } = visit;
  const known = await schema;
  const first = !answer.loaded;
  if (first) noteMisfits(visit, known);
  const { request, picture, lost } = await requestOf(query, known);
  if (lost.length && first) visit.notices.push({ name: "lost" });
  const k = first ? Math.min(MOST_AT_ONCE, Math.max(PAGE_SIZE, shown)) : PAGE_SIZE;
  const facets = first ? Object.keys(await catalogFacets) : [];
  const page = { k, offset: answer.hits.length, facets };
  const taste = tasteOf(query);
  const found = await (taste
    ? recommended(taste, request, page, signal)
    : search({ ...request, ...page }, picture, signal));
  if (first) {
    Object.assign(answer, {
      facets: found.facets,
      total: found.total,
      atLeast: found.total_relation === "at_least",
      noMatch: found.no_match,
    });
  }
  const shownHits = answer.noMatch ? found.suggestions : found.hits;
  const ids = new Set(answer.hits.map((hit) => hit.id));
  const fresh = shownHits.filter((hit) => !ids.has(hit.id));
  answer.hits.push(...fresh);
  // The nearest to a query that nothing matches are shown once; further ones would be no help.
  answer.ended = answer.noMatch || shownHits.length < k;
  answer.tookMs = found.took_ms;
  answer.loaded = true;
  answer.request = { request, picture };
  return fresh;
}

/** A page of recommendations as a search answers it; they have no pages and count nothing themselves. */
async function recommended(taste, request, { k, offset, facets }, signal) {
  const { filter } = request;
  const [answer, { facets: counted }] = await Promise.all([
    recommend({ ...taste, k: offset + k, ...(filter && { filter }) }, signal),
    facets.length ? search({ ...request, k: 1, explain: false, fields: [], facets }, null, signal) : { facets: {} },
  ]);
  return { ...answer, facets: counted, hits: answer.hits.slice(offset) };
}

/** A picture of a product with a value, for the start page; "" if there is none. */
export async function pictureOfValue(field, value) {
  const known = await schema;
  const { request } = await requestOf({ ...NO_QUERY, text: String(value), chosen: [[field, String(value)]] }, known);
  const { hits, suggestions } = await search({ ...request, k: 1, explain: false, fields: [] });
  return (hits[0] ?? suggestions[0])?.image ?? "";
}

function noteMisfits(visit, known) {
  for (const [field, words] of misfits(visit.query, known)) {
    visit.notices.push({ name: "odd", words: words ? `${field}: ${words}` : field });
  }
}
