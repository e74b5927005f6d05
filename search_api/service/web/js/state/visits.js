/** Visits: the entries of the browser's history, each with its query, answer and place. */

import { addressOf, queryIn, sameSearch } from "./query.js";

// A visit keeps its answer while the page lives, under a key that a reload does not repeat. After a
// reload the history still knows how many hits were shown and how far down.
const visits = new Map();
const listeners = new Set();
const language = new URLSearchParams(location.search).get("lang");
let current = null;

/** The visit that the page shows. */
export function currentVisit() {
  return current;
}

/** Calls `listener` with how a visit came about (`new`, `back` or `start`), whenever one begins. */
export function onVisit(listener) {
  listeners.add(listener);
}

/** Goes to a query: a new entry of the history, or with `replace` another one for the present.
 *
 * A panel that opens over the same search keeps its answer.
 */
export function go(query, { replace = false } = {}) {
  rememberPlace();
  const answer = sameSearch(query, current.query) && !current.answer.failed
    ? current.answer : newAnswer();
  const here = addressOf(query) === addressOf(current.query);
  const opens = Boolean(query.product || query.view);
  const over = opens && (replace || here ? current.over : true);
  const { notices } = answer === current.answer ? current : { notices: [] };
  current = { query, answer, notices, shown: 0, scroll: current.scroll, over };
  record(replace || here ? "replaceState" : "pushState");
  tell("new");
}

/** Closes whatever panel is open over the search: Back, if that is where it came from. */
export function closePanels() {
  if (current.over) history.back();
  else go({ ...current.query, product: "", view: "" }, { replace: true });
}

/** Starts with the query in the address bar; from then on follows Back and Forward. */
export function start() {
  history.scrollRestoration = "manual";
  enterAddress();
  window.addEventListener("popstate", ({ state }) => {
    const former = visits.get(state?.visit);
    if (former) current = former;
    else enterAddress();
    tell("back");
  });
  window.addEventListener("pagehide", rememberPlace);
  window.addEventListener("scrollend", rememberPlace);
  tell("start");
}

function enterAddress() {
  const notices = [];
  const query = queryIn(location.search, notices);
  const { shown = 0, scroll = 0, over = false } = history.state ?? {};
  current = { query, answer: newAnswer(), notices, shown, scroll, over };
  record("replaceState");
}

/** Keeps in the history how far down the page is, and how many hits it shows. */
function rememberPlace() {
  if (!current.answer.loaded) return;
  current.scroll = window.scrollY;
  current.shown = current.answer.hits.length;
  history.replaceState(stateOf(current), "");
}

function newAnswer() {
  return {
    hits: [], facets: {}, total: 0, atLeast: false, noMatch: false,
    ended: true, loaded: false, failed: false, tookMs: null,
  };
}

function record(method) {
  current.key = `${performance.timeOrigin}/${visits.size}`;
  visits.set(current.key, current);
  const given = new URLSearchParams(addressOf(current.query));
  if (language) given.set("lang", language);
  history[method](stateOf(current), "", given.size ? `?${given}` : location.pathname);
}

function stateOf({ key, shown, scroll, over }) {
  return { visit: key, shown, scroll, over };
}

function tell(how) {
  for (const listener of listeners) listener(how);
}
