/** Cards of hits, and the grey shapes that stand for them. */

import { html } from "../../vendor/lit.js";
import { thumbnail } from "../api/calls.js";
import { inTray } from "../product/tray.js";
import { matchOf, notesOf, priceOf, titleOf } from "../product/format.js";
import { addressOf } from "../state/query.js";
import { t } from "../texts/texts.js";

/** The card of a hit of a query; its bar is relative to `bestScore`, that of the first hit. */
export function card(hit, { query, bestScore, ranked, place }) {
  const title = titleOf(hit.id, hit.fields);
  const price = priceOf(hit.fields);
  const match = ranked ? matchOf(hit, bestScore) : null;
  return html`<li class="card" data-hit=${hit.id}>
    <div class="tile" data-t-missing=${t("no_picture")}>${tilePicture(hit.image, place)}</div>
    <button class="card-keep" type="button" data-tray=${hit.id} aria-pressed=${String(inTray(hit.id))}
            aria-label=${t("keep_named", { name: title })} title=${t("keep")}>
      <svg class="icon" aria-hidden="true"><use href="#icon-keep"/></svg></button>
    <a class="card-open" href=${addressOf({ ...query, product: hit.id })} aria-haspopup="dialog"
       ><bdi>${title}</bdi></a>
    ${price ? html`<p class="price">${price}</p>` : ""}
    <p class="card-notes"><bdi>${notesOf(hit.fields).join(" · ")}</bdi></p>
    <div class="card-foot">
      <button class="card-like" type="button" aria-label=${t("more_like_named", { name: title })}>
        <svg class="icon" aria-hidden="true"><use href="#icon-similar"/></svg>${t("more_like")}
      </button>
      ${match ? html`<span class="score" title=${match.exactly}>
        <span class="score-bar" .style=${`--share: ${match.share}`}></span>
        <span class="score-label">${match.words}</span>
      </span>` : ""}
    </div>
  </li>`;
}

/** Grey shapes of cards, shown until the answer is there. */
export function skeletons(count) {
  return Array.from({ length: count }, () => html`
    <li class="card skeleton" aria-hidden="true">
      <div class="tile"></div><div class="bone"></div><div class="bone bone-short"></div>
    </li>`);
}

/** The picture of a tile; the first ones of a page load at once, further ones when they are near. */
export function tilePicture(image, place = 99) {
  if (!image) return html`<img class="missing" alt="">`;
  return html`<img alt="" width="320" height="320" src=${thumbnail(image)} draggable="false"
    loading=${place < 6 ? "eager" : "lazy"} decoding="async"
    @error=${({ target }) => target.classList.add("missing")}>`;
}
