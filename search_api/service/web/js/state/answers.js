/** Answers of the API for visits: the first hits, and further pages of them. */

import { getIndex, search } from "../api/calls.js";
import { requestOf } from "../api/requests.js";
import { NO_SCHEMA, misfits, schemaOf } from "../browse/schema.js";
import { NO_QUERY } from "./query.js";

export const PAGE_SIZE = 24;
const MOST_AT_ONCE = 480; // hits, when a reload continues far down

/** The index that is served, as a promise. */
export const index = getIndex();

/** What the page knows of the index's fields, as a promise that does not fail. */
export const schema = index.then(schemaOf, () => NO_SCHEMA);

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
  const facets = first ? known.facets : [];
  const page = { k, offset: answer.hits.length, facets };
  const found = await search({ ...request, ...page }, picture, signal);
  if (first) answer.facets = found.facets;
  const ids = new Set(answer.hits.map((hit) => hit.id));
  const fresh = found.hits.filter((hit) => !ids.has(hit.id));
  answer.hits.push(...fresh);
  answer.ended = found.hits.length < k;
  answer.tookMs = found.took_ms;
  answer.loaded = true;
  answer.request = { request, picture };
  return fresh;
}

/** The facets of all products, for the start page. */
export async function fetchAllFacets() {
  const known = await schema;
  if (!known.facets.length) return {};
  const { request } = await requestOf(NO_QUERY, known);
  return (await search({ ...request, k: 1, explain: false, facets: known.facets })).facets;
}

function noteMisfits(visit, known) {
  for (const [field, words] of misfits(visit.query, known)) {
    visit.notices.push({ name: "odd", words: words ? `${field}: ${words}` : field });
  }
}
