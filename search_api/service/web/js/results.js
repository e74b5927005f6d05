/** The results: the grid of cards, what is reported about them, facets and paging. */

import { ApiError } from "./api.js";
import { facetRows, toggled } from "./facets.js";
import { keepTitle } from "./query_box.js";
import { cardOf, setText, skeletons } from "./view.js";

const SKELETONS = 12;

const byId = (id) => document.getElementById(id);
const input = byId("query");
const results = byId("results");
const status = byId("status");
const moreButton = byId("more");

/** Shows that an answer is awaited; results of before can't be used until it is there. */
export function showPending() {
  document.body.dataset.view = "results";
  setBusy(true);
  moreButton.hidden = true;
}

/** Shows skeletons while an answer takes its time; results of before stay, dimmed. */
export function showWaiting() {
  clearReport();
  status.textContent = "Searching…";
  if (!results.children.length) results.replaceChildren(...skeletons(SKELETONS));
}

/** Shows a visit's answer; `onTags` is called with the tags of a narrowed or widened search. */
export function showAnswer(visit, onTags) {
  document.body.dataset.view = "results";
  setBusy(false);
  clearReport();
  results.replaceChildren(...cardsOf(visit.hits, visit));
  byId("nothing").hidden = visit.hits.length > 0;
  showFacets(visit, onTags);
  showCount(visit);
}

/** Adds the cards of a further page; from the keyboard, the first of them gets the focus. */
export function showMore(fresh, visit, { focus }) {
  const shown = results.children.length;
  results.append(...cardsOf(fresh, visit));
  showCount(visit);
  if (focus) results.children[shown]?.querySelector(".card-open").focus();
}

/** Shows that a further page is awaited, or that it is there. */
export function setMorePending(pending) {
  moreButton.disabled = pending;
  if (pending) setText(byId("more-error"), "");
}

/** Shows why a further page did not come. */
export function showMoreError(error) {
  setText(byId("more-error"), messageOf(error));
}

/** Shows the start page. */
export function showHome() {
  document.body.dataset.view = "home";
  setBusy(false);
  clearReport();
  status.textContent = "";
  results.replaceChildren();
}

/** Shows on the start page which tags products have; `onTag` is called with a chosen one. */
export function showHomeFacets(facets, onTag) {
  showRows(byId("home-facets"), facetRows(facets, [], onTag));
}

/** Shows an error in place of results. */
export function showError(error, { retry = true } = {}) {
  document.body.dataset.view = "results";
  setBusy(false);
  clearReport();
  results.replaceChildren();
  status.classList.add("failed");
  const requestId = document.createElement("small");
  requestId.textContent = requestIdOf(error);
  status.replaceChildren(error.message, " ", requestId);
  byId("retry").hidden = !retry;
  if (!(error instanceof ApiError)) throw error; // a fault of this page belongs in the console
}

/** An error's message, with the id of its request. */
export function messageOf(error) {
  return `${error.message} ${requestIdOf(error)}`.trim();
}

function requestIdOf({ requestId }) {
  return requestId ? `Request ${requestId}` : "";
}

/** Tags to narrow the search by; a chosen tag stays, so that it can be released. */
function showFacets({ query: { tags }, facets: counted }, onTags) {
  const facets = { ...counted };
  for (const [field, label] of tags) {
    const counts = facets[field] ?? [];
    if (!counts.some(([other]) => other === label)) facets[field] = [[label, 0], ...counts];
  }
  showRows(byId("facets"), facetRows(facets, tags, (tag) => onTags(toggled(tags, tag))));
}

function showRows(element, rows) {
  element.replaceChildren(...rows);
  element.hidden = rows.length === 0;
}

function showCount({ hits, tookMs, ended }) {
  const noun = hits.length === 1 ? "result" : "results";
  const took = Math.max(1, Math.round(tookMs));
  status.textContent = `${hits.length || "No"} ${noun} in ${took} ms`;
  moreButton.hidden = ended;
}

function cardsOf(hits, visit) {
  hits.forEach(keepTitle);
  return hits.map((hit) => cardOf(hit, visit.hits[0].score));
}

function setBusy(busy) {
  results.setAttribute("aria-busy", String(busy));
  results.inert = busy;
}

function clearReport() {
  status.classList.remove("failed");
  for (const id of ["retry", "nothing", "facets", "more", "more-error"]) byId(id).hidden = true;
}

/* Keyboard */

input.addEventListener("keydown", (event) => {
  const first = results.querySelector("[data-hit] .card-open");
  if (event.key !== "ArrowDown" || !first) return;
  event.preventDefault();
  first.focus();
});

/** Arrow keys move in the grid of cards; up from the first row leads back to the search box. */
results.addEventListener("keydown", (event) => {
  const card = event.target.closest(".card");
  const columns = getComputedStyle(results).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (!card || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const index = [...results.children].indexOf(card) + step;
  if (index < 0 && event.key === "ArrowUp") input.focus();
  else results.children[index]?.querySelector(".card-open").focus();
});
