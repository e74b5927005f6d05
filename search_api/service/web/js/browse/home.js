/** The start page as a catalog to browse: its main kinds of products with pictures, and its values. */

import { html, render } from "../../vendor/lit.js";
import { thumbnail } from "../api/calls.js";
import { display, labelOf } from "../product/format.js";
import { catalogFacets, pictureOfValue, schema } from "../state/answers.js";
import { NO_QUERY, addressOf } from "../state/query.js";
import { number } from "../texts/texts.js";
import { tagButton } from "./facets.js";
import { isNumber } from "./schema.js";

const TILES = 8;
const VALUES = 10; // of a further field
const FIELDS = 3;

/** Shows what the catalog has; `onChoose` is called with a chosen pair of field and value. */
export async function showCatalog(onChoose) {
  const { types } = await schema;
  const facets = Object.entries(await catalogFacets).filter(([field]) => !isNumber(types[field]));
  const element = document.getElementById("home-facets");
  element.hidden = facets.length === 0;
  if (!facets.length) return;
  const [[field, counts], ...others] = facets;
  const tiles = counts.slice(0, TILES).map(([value, count]) => ({ value, count, image: "" }));
  const draw = () => render(page(field, tiles, others.slice(0, FIELDS), onChoose), element);
  draw();
  await Promise.all(tiles.map(async (tile) => {
    tile.image = await pictureOfValue(field, tile.value).catch(() => "");
    draw();
  }));
}

function page(field, tiles, others, onChoose) {
  return html`
    <div class="kinds" role="group" aria-label=${labelOf(field)}>${tiles.map((one) => tileOf(field, one))}</div>
    ${others.map(([name, counts]) => html`
      <div class="facet" role="group" aria-label=${labelOf(name)}>
        <span class="facet-name">${labelOf(name)}</span>
        ${counts.slice(0, VALUES).map(([value]) => tagButton([name, value], onChoose))}
      </div>`)}`;
}

function tileOf(field, { value, count, image }) {
  const address = addressOf({ ...NO_QUERY, chosen: [[field, String(value)]] });
  return html`<a class="kind" href=${address} data-query>
    <span class="tile">${image ? html`<img alt="" width="160" height="160" src=${thumbnail(image, 200)}>` : ""}</span>
    <bdi>${display(value)}</bdi> <small>${number(count)}</small></a>`;
}
