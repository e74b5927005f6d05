/** The search page: connects the query box, the results, the details panel and the history. */

import { ApiError } from "./api.js";
import { closeDetails, detailsAreOpen, onMoreLike, openDetails } from "./details.js";
import { focusQuery, showQuery, typedQuery } from "./query_box.js";
import {
  setMorePending,
  showAnswer,
  showError,
  showHome,
  showHomeFacets,
  showMore,
  showMoreError,
  showPending,
  showWaiting,
} from "./results.js";
import {
  NO_QUERY,
  currentVisit,
  fetchAllFacets,
  fetchHits,
  index,
  isEmpty,
  returnTo,
  supersede,
  visitAddress,
  visitQuery,
} from "./search.js";
import { mayBePicture, receivePictures } from "./upload.js";

const SKELETON_DELAY_MS = 150; // a quicker answer needs no skeletons, which would only flicker

const byId = (id) => document.getElementById(id);
const input = byId("query");
let homeFacets = null;

/* Searching */

/** Makes `query` the query of the page: a new entry of the history, then its answer. */
function go(query) {
  visitQuery(query);
  showQuery(query, go);
  ask();
}

async function ask() {
  const visit = currentVisit();
  const signal = supersede();
  closeDetails();
  if (isEmpty(visit.query)) return goHome();
  const skeletons = setTimeout(showWaiting, SKELETON_DELAY_MS);
  showPending();
  try {
    await fetchHits(visit, signal);
    showAnswer(visit, narrow);
    window.scrollTo(0, 0);
  } catch (error) {
    if (!signal.aborted) showError(error);
  } finally {
    clearTimeout(skeletons);
  }
}

async function askMore({ detail: clicks }) {
  const visit = currentVisit();
  const signal = supersede();
  setMorePending(true);
  try {
    const fresh = await fetchHits(visit, signal);
    showMore(fresh, visit, { focus: clicks === 0 }); // no clicks: from the keyboard
  } catch (error) {
    if (!signal.aborted) showMoreError(error);
  } finally {
    setMorePending(false);
  }
}

function goHome() {
  showHome();
  homeFacets ??= fetchAllFacets()
    .then((facets) => showHomeFacets(facets, browse))
    .catch(() => {}); // the start page works without them
}

/** Narrows or widens the search by its tags. */
function narrow(tags) {
  go({ ...typedQuery(), tags });
}

/** Searches the products with a tag; those that its label fits best come first. */
function browse([field, label]) {
  go({ ...NO_QUERY, text: label, tags: [[field, label]] });
}

/** Starts a new search for products like one; words can then be added. */
function moreLike(id) {
  go({ ...NO_QUERY, like: [id] });
  focusQuery();
}

/** Shows the visit that the browser's back or forward button leads to, as it was left. */
function comeBack({ state }) {
  returnTo(state);
  const visit = currentVisit();
  showQuery(visit.query, go);
  if (visit.tookMs === null) return ask();
  supersede();
  closeDetails();
  showAnswer(visit, narrow);
  window.scrollTo(0, visit.scroll);
}

async function showIndex() {
  const info = byId("index-info");
  try {
    const { products, model, generation } = await index;
    const noun = products === 1 ? "product" : "products";
    const count = products.toLocaleString();
    info.textContent = `${count} ${noun} · model ${model} · generation ${generation}`;
  } catch (error) {
    info.textContent = error.message;
  }
}

/* Pictures */

function searchWithPicture(file) {
  if (mayBePicture(file)) return go({ ...typedQuery(), picture: file, like: [] });
  supersede();
  const message = `“${file.name}” is not a picture. Try a JPEG, PNG or WebP file.`;
  showError(new ApiError(message), { retry: false });
}

receivePictures({
  overlay: byId("drop"),
  onDrag: closeDetails,
  onFile: searchWithPicture,
});
byId("upload").addEventListener("change", ({ target }) => {
  if (target.files.length) searchWithPicture(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});

/* Mouse and keyboard */

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!matchMedia("(hover: hover)").matches) input.blur();
  go(typedQuery());
});
byId("retry").addEventListener("click", () => go(typedQuery()));
byId("more").addEventListener("click", askMore);
onMoreLike(moreLike);

byId("results").addEventListener("click", ({ target }) => {
  const id = target.closest("[data-hit]")?.dataset.hit;
  if (id === undefined) return;
  const visit = currentVisit();
  if (target.closest(".card-like")) moreLike(id);
  else openDetails(visit.hits.find((hit) => hit.id === id), visit, browse);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-suggestion], a[data-home]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go({ ...NO_QUERY, text: new URL(link.href).searchParams.get("q") ?? "" });
  focusQuery();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "/" || typing || modified || detailsAreOpen()) return;
  event.preventDefault();
  input.focus();
  input.select();
});

/* Start */

history.scrollRestoration = "manual";
window.addEventListener("popstate", comeBack);
visitAddress();
showQuery(currentVisit().query, go);
ask();
showIndex();
