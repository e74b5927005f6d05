/** Calls of the HTTP API that the page makes. */

import { askForKey } from "./key.js";

/** A failed request, with a message to show and its id in the server's log. */
export class ApiError extends Error {
  constructor(message, requestId = "") {
    super(message);
    this.name = "ApiError";
    this.requestId = requestId;
  }
}

/** The index that is served: products, images, model, generation and fields. */
export function getIndex() {
  return call("/v1/index");
}

/** One product with all its fields and the addresses of its pictures. */
export function getItem(id, signal) {
  return call(`/v1/items/${encodeURIComponent(id)}`, { signal });
}

/**
 * Up to `k` hits from `offset` on, for words, a picture and liked products together. `mode` is the
 * mode of the words, `filter` holds conditions of hits, and `facets` are fields to count values of.
 */
export function search({ text, picture, like }, { k, offset, mode, filter, facets, signal }) {
  const query = { k, offset, facets, explain: true };
  if (filter) query.filter = filter;
  if (text) Object.assign(query, { text, mode });
  if (like.length) query.like = like;
  const json = JSON.stringify(query);
  const request = { method: "POST", priority: "high", signal }; // ahead of thumbnails under way
  if (!picture) {
    const headers = { "content-type": "application/json" };
    return call("/v1/search", { ...request, headers, body: json });
  }
  const form = new FormData();
  form.append("query", json);
  form.append("image", picture, picture.name || "picture");
  return call("/v1/search", { ...request, body: form });
}

/** A picture of the regions of a hit that matched, as a blob. */
export async function heatMap({ text, picture, like }, hit, signal) {
  const address = hit.explanation.heatmap;
  if (!picture) return blob(address, { signal });
  const form = new FormData();
  form.append("query", JSON.stringify({ ...(text && { text }), like }));
  form.append("image", picture, picture.name || "picture");
  return blob(address, { method: "POST", body: form, signal });
}

async function blob(path, options) {
  const response = await answerOf(path, options);
  if (response.ok) return response.blob();
  const body = await response.json().catch(() => null);
  throw new ApiError(body?.message ?? "There is no map of this picture.", body?.request_id);
}

/** The address of a product's first picture. */
export function firstPicture(id) {
  return `/v1/items/${encodeURIComponent(id)}/image/0`;
}

/** The address of the thumbnail of a picture, about `size` pixels on its longest side. */
export function thumbnail(image, size = 320) {
  return `${image}${image.includes("?") ? "&" : "?"}size=${size}`;
}

async function call(path, options = {}) {
  const response = await answerOf(path, options);
  const body = await response.json().catch(() => null);
  // The catch above hides an abort while the body was loading.
  options.signal?.throwIfAborted();
  if (response.ok && body) return body;
  throw new ApiError(
    body?.message ?? `The server gave an answer that this page can’t read (${response.status}).`,
    body?.request_id ?? response.headers.get("x-request-id") ?? "",
  );
}

/** A response; a request without a valid key is repeated once a key was entered. */
async function answerOf(path, options = {}, retried = false) {
  const begun = performance.now();
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server can’t be reached. Check the connection and try again.");
  }
  if (response.status === 401 && await askForKey(retried, begun)) {
    return answerOf(path, options, true);
  }
  return response;
}
