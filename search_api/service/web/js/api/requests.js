/** The body of a search, made of the page's query. */

import { lighten } from "../search/upload.js";
import { keptPicture } from "../state/pictures.js";
import { filterOf, sortOf } from "../browse/schema.js";

const EXCLUDED_WEIGHT = -0.5; // of excluded words; the rest of the query counts 1

/** What a query of the page is for the API: its JSON, and the file of a picture that goes along.
 *
 * `lost` are the examples whose pictures this browser does not have any more.
 */
export async function requestOf(query, schema) {
  const request = { explain: true };
  const parts = query.without.map((text) => ({ text, weight: EXCLUDED_WEIGHT }));
  const lost = [];
  let picture = null;
  if (query.text) Object.assign(request, { text: query.text, mode: schema.textMode });
  const single = query.examples.length === 1 && query.examples[0].weight === 1;
  for (const one of query.examples) {
    const file = one.kind === "picture" ? await keptPicture(one.value) : null;
    if (one.kind === "picture" && !file) lost.push(one);
    else if (single) picture = placeAlone(one, file && await lighten(file), request);
    else parts.push(await partOf(one, file));
  }
  if (query.colour) request.colour = query.colour;
  if (parts.length) request.parts = parts;
  const filter = filterOf(query, schema);
  if (filter) request.filter = filter;
  const sort = sortOf(query, schema);
  if (sort) request.sort = sort;
  return { request, picture, lost };
}

/** The liked and disliked products of a query that has nothing else, from the tray; else null. */
export function tasteOf({ text, examples, colour, without, sort }) {
  const others = text || colour || without.length || sort || examples.some(({ kind }) => kind !== "like");
  const ids = (wanted) => examples.filter(({ weight }) => (weight > 0) === wanted).map(({ value }) => value);
  const [liked, disliked] = [ids(true), ids(false)];
  return others || !liked.length || examples.length < 2 ? null : { liked, disliked };
}

/** Puts the only example where the API takes a region of it; returns its file, if any. */
function placeAlone({ kind, value, region }, file, request) {
  if (region) request.region = region;
  if (kind === "image") request.image_url = value;
  if (kind === "like") request.like = [value];
  return file;
}

async function partOf({ kind, value, weight, region }, file) {
  if (kind === "like") return { like: value, weight };
  if (kind === "image") return { image_url: value, weight };
  return { image_base64: await base64Of(await lighten(file, region)), weight };
}

function base64Of(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
