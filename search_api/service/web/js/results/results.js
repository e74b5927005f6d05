/** The results: the grid of cards, what is reported about them, facets and paging. */

import { html, nothing, render, repeat } from "../../vendor/lit.js";
import { ApiError } from "../api/calls.js";
import { filterChips, showFacets } from "../browse/facets.js";
import { keepTitle, refine } from "../search/box.js";
import { schema } from "../state/answers.js";
import { ranks } from "../state/query.js";
import { currentVisit } from "../state/visits.js";
import { number, t } from "../texts/texts.js";
import { card, skeletons } from "./card.js";
import { showSort } from "./sort.js";

const SKELETONS = 12;
const NO_FILTER = { chosen: [], ranges: {} };

const byId = (id) => document.getElementById(id);
const input = byId("query");
const results = byId("results");
const report = byId("report");
const status = byId("status");
const moreButton = byId("more");

/** Shows that an answer is awaited; results of before can't be used until it is there. */
export function showPending() {
  setView("results");
  setBusy(true);
  moreButton.hidden = true;
}

/** Shows skeletons while an answer takes its time; results of before stay, dimmed. */
export function showWaiting() {
  clearReport();
  say(t("searching"));
  if (!results.querySelector("[data-hit]")) render(skeletons(SKELETONS), results);
}

/** Tells that the answer takes unusually long. */
export function showSlow() {
  say(t("still_searching"));
}

/** Shows a visit's answer. */
export function showAnswer(visit) {
  setView("results");
  setBusy(false);
  clearReport();
  showCards(visit);
  const { answer, query } = visit;
  showNothing(query, answer);
  const notices = new Set(visit.notices.map(noticeOf));
  render([...notices].map((words) => html`<p class="notice">${words}</p>`), byId("notices"));
  showFilters(visit);
  showCount(visit);
}

/** Adds the cards of a further page; from the keyboard, the first of them gets the focus. */
export function showMore(fresh, visit, { focus }) {
  showCards(visit);
  showCount(visit);
  if (focus && fresh.length) {
    results.children[visit.answer.hits.length - fresh.length]?.querySelector(".card-open").focus();
  }
}

/** Shows that a further page is awaited, or that it is there. */
export function setMorePending(pending) {
  moreButton.disabled = pending;
  if (pending) byId("more-error").hidden = true;
}

/** Shows why a further page did not come. */
export function showMoreError(error) {
  byId("more-error").textContent = messageOf(error);
  byId("more-error").hidden = false;
}

/** Shows the start page. */
export function showHome() {
  setView("home");
  setBusy(false);
  clearReport();
  say("");
  render(nothing, results);
}

/** Shows an error in place of results. */
export function showError(error, { retry = true } = {}) {
  setView("results");
  setBusy(false);
  clearReport();
  render(nothing, results);
  status.classList.add("failed");
  render(html`${error.message} <small>${requestIdOf(error)}</small>`, status);
  byId("retry").hidden = !retry;
  if (!(error instanceof ApiError)) throw error; // a fault of this page belongs in the console
}

/** An error's message, with the id of its request. */
export function messageOf(error) {
  return `${error.message} ${requestIdOf(error)}`.trim();
}

function requestIdOf({ requestId }) {
  return requestId ? t("request_id", { id: requestId }) : "";
}

function noticeOf({ name, words }) {
  return name === "lost" ? t("lost_picture") : t("odd_link", { words });
}

/** Tells that nothing matches, if so; where there are cards, they are the nearest all the same. */
function showNothing({ chosen, ranges }, { hits, noMatch }) {
  byId("nothing").hidden = hits.length > 0 && !noMatch;
  byId("nothing").classList.toggle("above", hits.length > 0);
  byId("nearest").hidden = !(noMatch && hits.length > 0);
  const filtered = chosen.length > 0 || Object.keys(ranges).length > 0;
  byId("nothing-hint").textContent = t(filtered ? "nothing_filtered" : "nothing_hint");
  byId("nothing-clear").hidden = !filtered;
}

async function showFilters({ query, answer }) {
  const { chosen, ranges } = query;
  const known = await schema;
  if (query !== currentVisit().query && answer !== currentVisit().answer) return;
  const groups = showFacets(byId("facets"), { facets: answer.facets, chosen, ranges }, known, refine);
  byId("filters").hidden = groups === 0;
  if (answer.hits.length > 1 && !answer.noMatch) showSort(byId("sort"), query, known, refine);
  const filters = filterChips(query);
  const words = t("filters");
  byId("filters-title").textContent = filters.length ? `${words} (${filters.length})` : words;
  render(filters.length ? html`
    ${filters.map(({ label, change }) => html`<button class="filter-chip" type="button"
      aria-label=${t("remove", { name: label })} @click=${() => refine(change)}><bdi>${label}</bdi>
      <svg class="icon" aria-hidden="true"><use href="#icon-close"/></svg></button>`)}
    <button class="filter-clear" type="button" @click=${() => refine(NO_FILTER)}>${t("clear_all")}</button>
  ` : nothing, byId("chosen"));
}

function showCount({ answer: { hits, total, atLeast, noMatch, tookMs, ended } }) {
  const ms = Math.max(1, Math.round(tookMs));
  const words = { count: total, shown: number(total), ms };
  say(noMatch || !hits.length ? t("none") : t(atLeast ? "count_least" : "count", words));
  moreButton.hidden = ended;
}

function showCards({ answer: { hits }, query }) {
  hits.forEach(keepTitle);
  const context = { query, ranked: ranks(query), bestScore: hits[0]?.score };
  const cards = repeat(hits, ({ id }) => id, (hit, place) => card(hit, { ...context, place }));
  render(cards, results);
}

function say(words) {
  render(words, status);
}

function setView(view) {
  document.body.dataset.view = view;
}

function setBusy(busy) {
  results.setAttribute("aria-busy", String(busy));
  results.inert = busy;
}

function clearReport() {
  status.classList.remove("failed");
  render(nothing, byId("notices"));
  render(nothing, byId("chosen"));
  render(nothing, byId("sort"));
  for (const id of ["retry", "nothing", "nearest", "more", "more-error"]) byId(id).hidden = true;
}

/* Mouse and keyboard */

byId("nothing-clear").addEventListener("click", () => refine(NO_FILTER));
report.addEventListener("click", ({ target }) => {
  if (target.id === "retry") refine({});
});

input.addEventListener("keydown", (event) => {
  const first = results.querySelector("[data-hit] .card-open");
  if (event.key !== "ArrowDown" || event.defaultPrevented || !first) return;
  event.preventDefault();
  first.focus();
});

/** Arrow keys move in the grid of cards; up from the first row leads back to the search box. */
results.addEventListener("keydown", (event) => {
  const focused = event.target.closest(".card");
  const columns = getComputedStyle(results).gridTemplateColumns.split(" ").length;
  const forward = document.dir === "rtl" ? -1 : 1;
  const step = {
    ArrowLeft: -forward, ArrowRight: forward, ArrowUp: -columns, ArrowDown: columns,
  }[event.key];
  if (!focused || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const index = [...results.children].indexOf(focused) + step;
  if (index < 0 && event.key === "ArrowUp") input.focus();
  else results.children[index]?.querySelector(".card-open").focus();
});

const wide = matchMedia("(min-width: 900px)");
const spread = () => { byId("filters").open = wide.matches; };
wide.addEventListener("change", spread);
spread();
