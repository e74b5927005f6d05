/** The product panel: pictures, fields and tags of one product, at an address of its own. */

import { html, nothing, render } from "../../vendor/lit.js";
import { getItem, getSimilar, reachable, thumbnail } from "../api/calls.js";
import { isChosen, tagButton, toggled } from "../browse/facets.js";
import { refine } from "../search/box.js";
import { NO_QUERY, addressOf, example, ranks } from "../state/query.js";
import { closePanels, currentVisit, go } from "../state/visits.js";
import { t } from "../texts/texts.js";
import { matchOf, priceOf, rowsOf, tagsOf, titleOf } from "./format.js";
import { inTray, toggleTray } from "./tray.js";
import { forgetWhy, offerWhy } from "./why.js";

const SIMILAR = 6;

const byId = (id) => document.getElementById(id);
const panel = byId("details");
let loading = new AbortController();
let shown = null; // the product of the panel: id, and once loaded its item and similar hits

/** Opens the panel for the visit's product, or closes it where there is none. */
export function showProduct() {
  const { query, answer } = currentVisit();
  const id = query.product;
  if (!id) return panel.open && panel.close();
  const hit = answer.hits.find((one) => one.id === id);
  if (panel.open && shown?.id === id) return explain(hit);
  loading.abort();
  loading = new AbortController();
  panel.dataset.id = id;
  shown = { id, hit, item: null, picture: hit?.image ?? "", similar: [], error: "" };
  draw();
  explain(hit);
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  return load(shown, loading.signal);
}

async function load(target, signal) {
  try {
    target.item = await getItem(target.id, signal);
    target.picture ||= target.item.images[0] ?? "";
    draw();
    target.similar = (await getSimilar(target.id, SIMILAR, signal)).hits;
    draw();
  } catch (error) {
    if (signal.aborted) return;
    target.error = error.code === "not_found" ? t("no_product", { id: target.id }) : error.message;
    draw();
  }
}

/** Offers an explanation of the hit, once it is known. */
function explain(hit) {
  const { query, answer } = currentVisit();
  if (!shown.explained && hit?.explanation && answer.request && ranks(query)) {
    Object.assign(shown, { hit, explained: true });
    draw();
    offerWhy(hit, answer.request);
  } else if (!shown.explained) byId("why").hidden = true;
}

function draw() {
  const { id, hit, item, error, picture } = shown;
  const fields = { ...hit?.fields, ...item?.fields };
  const { query, answer } = currentVisit();
  const known = Boolean(hit || item);
  byId("details-title").textContent = known ? titleOf(id, fields) : error || t("searching");
  document.title = `${known ? titleOf(id, fields) : "…"} – Lookalike`;
  byId("details-price").textContent = priceOf(fields);
  const match = hit && ranks(query) ? matchOf(hit, answer.hits[0]?.score) : null;
  byId("details-match").textContent = match ? `${match.words} · ${match.exactly}` : "";
  byId("details-error").textContent = known ? error : "";
  byId("details-error").hidden = !(known && error);
  byId("details-like").hidden = byId("details-keep").hidden = !known;
  byId("details-keep").dataset.tray = id;
  byId("details-keep").setAttribute("aria-pressed", String(inTray(id)));
  showPicture(picture);
  const { chosen } = query;
  const choose = (pair) => refine({ chosen: isChosen(chosen, pair) ? chosen : toggled(chosen, pair) });
  render([
    ...(known ? rowsOf(id, fields) : []).map(([label, text]) => row(label, linked(text))),
    ...tagsOf(fields).map(([label, tags]) =>
      row(label, html`<div class="tags">${tags.map((tag) => tagButton(tag, choose))}</div>`)),
  ], byId("details-fields"));
  render(thumbs(item?.images ?? [], picture), byId("details-thumbs"));
  render(similarProducts(), byId("details-similar"));
}

function row(label, content) {
  return html`<tr><th scope="row"><bdi>${label}</bdi></th><td dir="auto">${content}</td></tr>`;
}

function thumbs(images, picture) {
  if (images.length < 2) return nothing;
  const choose = (image) => {
    shown.picture = image;
    forgetWhy();
    draw();
  };
  return images.map((image, place) => html`
    <button class="thumb" type="button" aria-pressed=${image === picture}
            aria-label=${t("picture_of", { number: place + 1, all: images.length })}
            @click=${() => choose(image)}>
      <img alt="" width="56" height="56" loading="lazy" src=${thumbnail(image, 64)}>
    </button>`);
}

function similarProducts() {
  if (!shown.similar.length) return nothing;
  const { query } = currentVisit();
  return html`<h3>${t("similar")}</h3><ul>${shown.similar.map(({ id, fields, image }) => html`
    <li><a href=${addressOf({ ...query, product: id })} data-product=${id}
           aria-label=${titleOf(id, fields)} title=${titleOf(id, fields)}>
      <img alt="" width="96" height="96" loading="lazy" src=${thumbnail(image, 128)}></a></li>`)}</ul>`;
}

/** Shows a thumbnail, and the full picture once it is loaded, if it is still wanted. */
function showPicture(image) {
  const target = byId("details-picture");
  if (target.dataset.image === image) return;
  target.dataset.image = image;
  target.classList.toggle("missing", !image);
  if (!image) return target.removeAttribute("src");
  target.src = thumbnail(image);
  const full = new Image();
  full.addEventListener("load", () => {
    if (target.dataset.image === image) target.src = full.src;
  });
  full.src = reachable(image);
}

/** A web address as a link, any other text as text. */
function linked(text) {
  if (!/^https?:\/\/\S+$/i.test(text) || !URL.canParse(text)) return text;
  return html`<a href=${text} target="_blank" rel="noopener noreferrer">${text}</a>`;
}

/** Starts a new search for products like one; words can then be added. */
export function moreLike(id) {
  go({ ...NO_QUERY, examples: [example("like", id)] });
}

byId("details-picture").addEventListener("error", ({ target }) => target.classList.add("missing"));
panel.addEventListener("close", () => {
  loading.abort();
  forgetWhy();
  shown = null;
  if (currentVisit().query.product) closePanels(); // Esc, not Back
});
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close(); // the panel's content covers all but its backdrop
  const link = event.target.closest("[data-product]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ ...currentVisit().query, product: link.dataset.product });
});
byId("details-close").addEventListener("click", () => panel.close());
byId("details-keep").addEventListener("click", () => toggleTray(panel.dataset.id));
byId("details-like").addEventListener("click", () => moreLike(panel.dataset.id));
