/** The search page: keeps the query, the address bar, the results and the keyboard in step. */

import { ApiError, firstPicture, getIndex, getItem, search, thumbnail } from "./api.js";
import { facetRows, filterOf, tagFields, toggled } from "./facets.js";
import { lighten, mayBePicture, receivePictures } from "./picture.js";
import { titleOf } from "./product.js";
import { cardOf, chipOf, completeDetails, setText, showDetails, skeletons } from "./view.js";
import { forgetWhy, offerWhy } from "./why.js";

const PAGE_SIZE = 24;
const PATIENCE_MS = 150; // an answer that comes sooner needs no skeletons, which would only flicker
const NOTHING = Object.freeze({ text: "", picture: null, like: [], tags: [] });
// The start page counts the tags of all products, which takes some search.
const ANYTHING = Object.freeze({ ...NOTHING, text: "product" });

const byId = (id) => document.getElementById(id);
const input = byId("query");
const results = byId("results");
const status = byId("status");
const moreButton = byId("more");
const details = byId("details");

// A visit is one entry of the browser's history: what was asked and what came back. Pictures can't
// stand in an address, so visits are kept here under a key that no reload can repeat.
const visits = new Map();
let visit = newVisit(NOTHING);
let running = new AbortController();
let lookingAt = new AbortController();
let homeFacets = null;
const titles = new Map();

// Words mean what pictures show and what titles say; an older index knows no words of titles.
const aboutIndex = getIndex();
const wordMode = aboutIndex.then(
  ({ modes }) => (modes.includes("hybrid") ? "hybrid" : "vector"),
  () => "vector",
);

const facetFields = aboutIndex.then(({ fields }) => tagFields(fields), () => []);

function newVisit(query) {
  return { query, hits: [], facets: {}, ended: true, tookMs: null, scroll: 0 };
}

/* Asking */

/** Makes `query` the page's query: a new history entry, then the answer. */
function go(query) {
  visit.scroll = window.scrollY;
  const again = sameQuery(query, visit.query);
  visit = newVisit(query);
  enterHistory(again ? "replaceState" : "pushState");
  showQuery();
  ask();
}

/** The page's query with what stands in the search box, whether or not Enter was pressed. */
function typed() {
  return { ...visit.query, text: input.value.trim() };
}

async function ask() {
  const asked = visit;
  const signal = supersede();
  details.close();
  if (isEmpty(asked.query)) return showHome();
  const impatience = setTimeout(showWaiting, PATIENCE_MS);
  document.body.dataset.view = "results";
  setBusy(true);
  moreButton.hidden = true;
  try {
    await fetchHits(asked, signal);
    showAnswer();
    window.scrollTo(0, 0);
  } catch (error) {
    if (!signal.aborted) showError(error);
  } finally {
    clearTimeout(impatience);
  }
}

async function askMore({ detail: clicks }) {
  const asked = visit;
  const signal = supersede();
  const shown = results.children.length;
  moreButton.disabled = true;
  setText(byId("more-error"), "");
  try {
    const fresh = await fetchHits(asked, signal);
    results.append(...cardsOf(fresh));
    showCount();
    // From the keyboard (no clicks), focus goes on to the first card that came.
    if (clicks === 0) results.children[shown]?.querySelector(".card-open").focus();
  } catch (error) {
    if (!signal.aborted) setText(byId("more-error"), `${error.message} ${idOf(error)}`.trim());
  } finally {
    moreButton.disabled = false;
  }
}

/** Adds the next page of hits to a visit, and returns those that it didn't hold yet. */
async function fetchHits(asked, signal) {
  const picture = asked.query.picture && await lighten(asked.query.picture);
  const first = asked.hits.length === 0;
  const answer = await search({ ...asked.query, picture }, {
    k: PAGE_SIZE,
    offset: asked.hits.length,
    mode: await wordMode,
    filter: filterOf(asked.query.tags),
    facets: first ? await facetFields : [],
    signal,
  });
  if (first) asked.facets = answer.facets;
  const known = new Set(asked.hits.map((hit) => hit.id));
  const fresh = answer.hits.filter((hit) => !known.has(hit.id));
  asked.hits.push(...fresh);
  asked.ended = answer.total < PAGE_SIZE;
  asked.tookMs = answer.took_ms;
  return fresh;
}

/** Aborts the request under way, so that the last question's answer wins. */
function supersede() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

/* Showing */

function showQuery() {
  const { text, picture, like } = visit.query;
  input.value = text;
  document.title = text ? `${text} – Lookalike` : "Lookalike";
  byId("chips").replaceChildren(...(picture ? [pictureChip(picture)] : []), ...like.map(likeChip));
  input.placeholder = picture || like.length
    ? "Add words, like “in blue”"
    : "What are you looking for?";
}

function pictureChip(picture) {
  const image = URL.createObjectURL(picture);
  const label = picture.name || "Your picture";
  const chip = chipOf({ kind: "picture", label, image }, () => go({ ...typed(), picture: null }));
  const release = () => URL.revokeObjectURL(image);
  chip.querySelector("img").addEventListener("load", release);
  return chip;
}

function likeChip(id) {
  const label = titles.get(id) ?? id;
  const image = thumbnail(firstPicture(id));
  const without = () => ({ ...typed(), like: visit.query.like.filter((other) => other !== id) });
  const chip = chipOf({ kind: "like", label, image }, () => go(without()));
  if (!titles.has(id)) nameChip(chip, id);
  return chip;
}

/** Names a chip of a linked search; until the title is there, or if none comes, it shows the id. */
async function nameChip(chip, id) {
  const item = await getItem(id).catch(() => null);
  if (!item) return;
  titles.set(id, titleOf(id, item.fields));
  chip.title = titles.get(id);
  chip.querySelector(".chip-label").textContent = titles.get(id);
}

function showHome() {
  document.body.dataset.view = "home";
  setBusy(false);
  clearReport();
  status.textContent = "";
  results.replaceChildren();
  homeFacets ??= showHomeFacets().catch(() => {}); // the page does without
}

/** While an answer is awaited: old results stay, dimmed; with none, skeletons stand in. */
function showWaiting() {
  clearReport();
  status.textContent = "Searching…";
  if (!results.children.length) results.replaceChildren(...skeletons(12));
}

function showAnswer() {
  setBusy(false);
  clearReport();
  results.replaceChildren(...cardsOf(visit.hits));
  byId("nothing").hidden = visit.hits.length > 0;
  showFacets();
  showCount();
}

/** What the search can be narrowed by; a label that was chosen stays, to be let go of. */
function showFacets() {
  const { tags } = visit.query;
  const facets = { ...visit.facets };
  for (const [field, label] of tags) {
    const counts = facets[field] ?? [];
    if (!counts.some(([other]) => other === label)) facets[field] = [[label, 0], ...counts];
  }
  const choose = (tag) => go({ ...typed(), tags: toggled(tags, tag) });
  const rows = facetRows(facets, tags, choose);
  byId("facets").replaceChildren(...rows);
  byId("facets").hidden = rows.length === 0;
}

/** On the start page: what products there are, by their tags. */
async function showHomeFacets() {
  const fields = await facetFields;
  if (!fields.length) return;
  const { facets } = await search(ANYTHING, { k: 1, offset: 0, mode: "vector", facets: fields });
  const rows = facetRows(facets, [], browse);
  byId("home-facets").replaceChildren(...rows);
  byId("home-facets").hidden = rows.length === 0;
}

/** The products with a tag, those first that its label fits best. */
function browse([field, label]) {
  go({ ...NOTHING, text: label, tags: [[field, label]] });
}

function showCount() {
  const count = visit.hits.length;
  const noun = count === 1 ? "result" : "results";
  const took = Math.max(1, Math.round(visit.tookMs));
  status.textContent = `${count || "No"} ${noun} in ${took} ms`;
  moreButton.hidden = visit.ended;
}

function showError(error) {
  setBusy(false);
  clearReport();
  results.replaceChildren();
  status.classList.add("failed");
  const requestId = document.createElement("small");
  requestId.textContent = idOf(error);
  status.replaceChildren(error.message, " ", requestId);
  byId("retry").hidden = false;
  if (!(error instanceof ApiError)) throw error; // a fault of this page: leave it in the console
}

function idOf({ requestId }) {
  return requestId ? `Request ${requestId}` : "";
}

/** Old results can't be used while new ones are on their way. */
function setBusy(busy) {
  results.setAttribute("aria-busy", String(busy));
  results.inert = busy;
}

function clearReport() {
  status.classList.remove("failed");
  for (const id of ["retry", "nothing", "facets", "more", "more-error"]) byId(id).hidden = true;
}

function cardsOf(hits) {
  const bestScore = visit.hits[0]?.score;
  for (const hit of hits) titles.set(hit.id, titleOf(hit.id, hit.fields));
  return hits.map((hit) => cardOf(hit, bestScore));
}

async function showIndex() {
  const info = byId("index-info");
  try {
    const { products, model, generation } = await aboutIndex;
    const noun = products === 1 ? "product" : "products";
    const count = products.toLocaleString();
    info.textContent = `${count} ${noun} · model ${model} · generation ${generation}`;
  } catch (error) {
    info.textContent = error.message;
  }
}

/* Details */

async function openDetails(hit) {
  lookingAt.abort();
  lookingAt = new AbortController();
  const { signal } = lookingAt;
  details.dataset.id = hit.id;
  showDetails(hit, visit.hits[0].score, browse);
  offerWhy(hit, visit.query);
  details.showModal();
  details.scrollTop = 0;
  try {
    completeDetails(await getItem(hit.id, signal), browse);
  } catch (error) {
    if (!signal.aborted) setText(byId("details-error"), `${error.message} ${idOf(error)}`.trim());
  }
}

/** A fresh search for products like one; words can then be added to steer it. */
function moreLike(id) {
  go({ ...NOTHING, like: [id] });
  focusQuery();
}

details.addEventListener("close", () => {
  lookingAt.abort();
  forgetWhy();
});
details.addEventListener("click", ({ target }) => {
  if (target === details) details.close(); // the dialog's own box is all backdrop and no padding
});
byId("details-close").addEventListener("click", () => details.close());
byId("details-like").addEventListener("click", () => moreLike(details.dataset.id));

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
    ...NOTHING,
    text: (parameters.get("q") ?? "").trim(),
    like: [...new Set(parameters.getAll("like"))].filter(Boolean),
    tags: [...new Set(parameters.getAll("tag"))].filter((tag) => tag.includes(":")).map(tagNamed),
  };
}

/** A field and a label from an address; labels may have colons in them. */
function tagNamed(words) {
  const colon = words.indexOf(":");
  return [words.slice(0, colon), words.slice(colon + 1)];
}

function isEmpty({ text, picture, like }) {
  return !text && !picture && !like.length;
}

function sameQuery(one, other) {
  return one.picture === other.picture && addressOf(one) === addressOf(other);
}

/** Back or forward: a visit that was answered comes back as it was, scrolled to the same place. */
function comeBack({ state }) {
  visit.scroll = window.scrollY;
  visit = visits.get(state?.visit);
  if (!visit) {
    visit = newVisit(queryInAddress());
    enterHistory("replaceState");
  }
  showQuery();
  if (visit.tookMs === null) return ask();
  supersede();
  details.close();
  document.body.dataset.view = "results";
  showAnswer();
  window.scrollTo(0, visit.scroll);
}

/* Pictures from outside */

function searchWithPicture(file) {
  if (mayBePicture(file)) go({ ...typed(), picture: file, like: [] });
  else refuse(file);
}

function refuse(file) {
  supersede();
  document.body.dataset.view = "results";
  showError(new ApiError(`“${file.name}” is not a picture. Try a JPEG, PNG or WebP file.`));
  byId("retry").hidden = true;
}

receivePictures({
  overlay: byId("drop"),
  onDrag: () => details.close(),
  onFile: searchWithPicture,
});
byId("upload").addEventListener("change", ({ target }) => {
  if (target.files.length) searchWithPicture(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});

/* Mouse and keyboard */

/** Focuses the search box, except where that would raise an on-screen keyboard. */
function focusQuery() {
  if (matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!matchMedia("(hover: hover)").matches) input.blur();
  go(typed());
});
byId("chips").addEventListener("click", focusQuery);
byId("retry").addEventListener("click", () => go(typed()));
moreButton.addEventListener("click", askMore);

results.addEventListener("click", ({ target }) => {
  const id = target.closest("[data-hit]")?.dataset.hit;
  if (id === undefined) return;
  if (target.closest(".card-like")) moreLike(id);
  else openDetails(visit.hits.find((hit) => hit.id === id));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-suggestion], a[data-home]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go({ ...NOTHING, text: new URL(link.href).searchParams.get("q") ?? "" });
  focusQuery();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "/" || typing || modified || details.open) return;
  event.preventDefault();
  input.focus();
  input.select();
});

input.addEventListener("keydown", (event) => {
  const chips = byId("chips").querySelectorAll(".chip-remove");
  if (event.key === "Backspace" && !input.value && !event.repeat && chips.length) {
    chips[chips.length - 1].click();
  } else if (event.key === "ArrowDown" && visit.hits.length) {
    event.preventDefault();
    results.querySelector(".card-open")?.focus();
  }
});

/** Arrow keys walk the grid of cards; up from the first row leads back to the search box. */
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

/* Start */

history.scrollRestoration = "manual";
window.addEventListener("popstate", comeBack);
visit = newVisit(queryInAddress());
enterHistory("replaceState");
showQuery();
ask();
showIndex();
