/** The search page: connects the query box, the results, the panels and the history. */

import { ApiError } from "./api/calls.js";
import { showCatalog } from "./browse/home.js";
import { moreLike, showProduct } from "./product/panel.js";
import { showTray, toggleTray } from "./product/tray.js";
import * as results from "./results/results.js";
import { focusQuery, refine, showQuery, typedQuery } from "./search/box.js";
import "./search/options.js";
import { closeSuggestions } from "./search/suggest.js";
import { mayBePicture, receivePictures } from "./search/upload.js";
import { fetchHits, index, supersede } from "./state/answers.js";
import { recent } from "./state/local.js";
import { keepPicture } from "./state/pictures.js";
import { NO_QUERY, example, isEmpty, queryIn } from "./state/query.js";
import { closePanels, currentVisit, go, onVisit, start } from "./state/visits.js";
import { number, t, translatePage } from "./texts/texts.js";

const SKELETON_DELAY_MS = 150; // a quicker answer needs no skeletons, which would only flicker
const SLOW_MS = 4000; // after which the page says that it is still waiting

const byId = (id) => document.getElementById(id);
const input = byId("query");
let homeFacets = null;
let shownAnswer = null;

/* Searching */

/** Shows the present visit; `how` it came about is `new`, `back` or `start`. */
async function show(how) {
  const visit = currentVisit();
  closeSuggestions();
  showQuery();
  if (isEmpty(visit.query)) {
    supersede();
    shownAnswer = null;
    showHome();
  } else if (visit.answer.loaded) {
    if (visit.answer !== shownAnswer) {
      supersede();
      results.showAnswer(visit);
      shownAnswer = visit.answer;
    }
    if (how === "back") window.scrollTo(0, visit.scroll);
  } else ask(visit, how);
  showProduct();
}

async function ask(visit, how) {
  const signal = supersede();
  shownAnswer = null;
  const skeletons = setTimeout(results.showWaiting, SKELETON_DELAY_MS);
  const slow = setTimeout(results.showSlow, SLOW_MS);
  results.showPending();
  try {
    await fetchHits(visit, signal);
    shownAnswer = visit.answer;
    results.showAnswer(visit);
    window.scrollTo(0, how === "new" ? 0 : visit.scroll);
    showProduct();
    if (visit.query.text && !visit.answer.noMatch) recent.add(visit.query.text);
  } catch (error) {
    visit.answer.failed = true;
    if (!signal.aborted) results.showError(error);
  } finally {
    clearTimeout(skeletons);
    clearTimeout(slow);
  }
}

async function askMore({ focus = false } = {}) {
  const visit = currentVisit();
  if (byId("more").disabled || byId("more").hidden) return;
  const signal = supersede();
  results.setMorePending(true);
  try {
    results.showMore(await fetchHits(visit, signal), visit, { focus });
  } catch (error) {
    if (!signal.aborted) results.showMoreError(error);
  } finally {
    results.setMorePending(false);
  }
}

function showHome() {
  results.showHome();
  homeFacets ??= showCatalog(([field, value]) => refine({ chosen: [[field, String(value)]] }));
}

async function showIndex() {
  const info = byId("index-info");
  try {
    const { products, images, model } = await index;
    const [count, ...rest] = [products, number(products), number(images)];
    info.textContent = t("about_index", { count, products: rest[0], images: rest[1], model });
  } catch (error) {
    info.textContent = error.message;
  }
}

/* Pictures */

async function searchWithPictures(files) {
  const pictures = files.filter(mayBePicture);
  if (pictures.length) {
    const keys = await Promise.all(pictures.map(keepPicture));
    return refine({ examples: keys.map((key) => example("picture", key)) });
  }
  supersede();
  const error = new ApiError(t("not_picture", { name: files[0].name }));
  return results.showError(error, { retry: false });
}

receivePictures({ overlay: byId("drop"), onDrag: closeOpenPanel, onFile: searchWithPictures });
byId("upload").addEventListener("change", ({ target }) => {
  if (target.files.length) searchWithPictures([...target.files]);
  target.value = ""; // so that the same file can be chosen again
});

function closeOpenPanel() {
  if (currentVisit().query.product) closePanels();
}

/* Mouse and keyboard */

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!matchMedia("(hover: hover)").matches) input.blur();
  go(typedQuery());
});
byId("more").addEventListener("click", ({ detail: clicks }) => askMore({ focus: clicks === 0 }));
new IntersectionObserver(([{ isIntersecting }]) => {
  if (isIntersecting && window.scrollY > 0) askMore();
}, { rootMargin: "0px 0px 400px 0px" }).observe(byId("more"));

byId("results").addEventListener("click", (event) => {
  const id = event.target.closest("[data-hit]")?.dataset.hit;
  if (id === undefined || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (event.target.closest(".card-like")) {
    moreLike(id);
    focusQuery();
  } else if (event.target.closest(".card-keep")) toggleTray(id);
  else if (event.target.closest(".card-open")) go({ ...currentVisit().query, product: id });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-query], a[data-home]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.dataset.home === undefined ? queryIn(new URL(link.href).search) : NO_QUERY);
  focusQuery();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "/" || typing || modified || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  input.focus();
  input.select();
});

/* Start */

translatePage();
onVisit(show);
start();
showTray();
showIndex();
