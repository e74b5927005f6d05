/** The tray: products that a shopper likes or dislikes, from which others are recommended. */

import { html, nothing, render, repeat } from "../../vendor/lit.js";
import { pictureOf, thumbnail } from "../api/calls.js";
import { disliked, liked, onLists } from "../state/local.js";
import { NO_QUERY, example } from "../state/query.js";
import { go } from "../state/visits.js";
import { t } from "../texts/texts.js";

const DISLIKED_WEIGHT = -0.5; // in the address of the search that the tray makes

const tray = document.getElementById("tray");

/** Whether a product is in the tray. */
export function inTray(id) {
  return liked.all().includes(id) || disliked.all().includes(id);
}

/** Puts a product into the tray as liked, or takes it out. */
export function toggleTray(id) {
  if (inTray(id)) takeOut(id);
  else liked.add(id);
}

function takeOut(id) {
  liked.remove(id);
  disliked.remove(id);
}

function turn(id) {
  const [from, to] = liked.all().includes(id) ? [liked, disliked] : [disliked, liked];
  from.remove(id);
  to.add(id);
}

function find() {
  const examples = [
    ...liked.all().map((id) => example("like", id)),
    ...disliked.all().map((id) => ({ ...example("like", id), weight: DISLIKED_WEIGHT })),
  ];
  go({ ...NO_QUERY, examples });
}

function clear() {
  liked.set([]);
  disliked.set([]);
}

/** Shows the tray, if something is in it. */
export function showTray() {
  const good = liked.all();
  const all = [...good.map((id) => [id, true]), ...disliked.all().map((id) => [id, false])];
  tray.hidden = all.length === 0;
  render(all.length ? html`
    <ul class="tray-items" aria-label=${t("tray")}>${repeat(all, ([id]) => id, item)}</ul>
    <div class="tray-buttons">
      <button class="primary" type="button" ?disabled=${!good.length} @click=${find}>${t("tray_find")}</button>
      <button class="secondary" type="button" @click=${clear}>${t("clear_all")}</button>
    </div>` : nothing, tray);
  for (const button of document.querySelectorAll("[data-tray]")) {
    button.setAttribute("aria-pressed", String(inTray(button.dataset.tray)));
  }
}

function item([id, good]) {
  return html`<li class="tray-item" data-in-tray=${id} data-good=${String(good)}>
    <button class="tray-turn" type="button" aria-label=${t(good ? "tray_liked" : "tray_disliked", { id })}
            title=${t(good ? "tray_liked" : "tray_disliked", { id })} @click=${() => turn(id)}>
      <img alt="" width="48" height="48" src=${thumbnail(pictureOf(id), 64)}>
      <span class="tray-mark" aria-hidden="true">${good ? "+" : "−"}</span></button>
    <button class="tray-out" type="button" aria-label=${t("remove", { name: id })} @click=${() => takeOut(id)}>
      <svg class="icon" aria-hidden="true"><use href="#icon-close"/></svg></button>
  </li>`;
}

onLists(showTray);
