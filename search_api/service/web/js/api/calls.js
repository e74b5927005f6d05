/** Calls of the HTTP API that the page makes.
 *
 * Their paths are relative, so that the page works under any path of a proxy.
 */

import { askForKey } from "./key.js";
import { hasText, t } from "../texts/texts.js";

/** A failed request, with a message to show, its code, and its id in the server's log. */
export class ApiError extends Error {
  constructor(message, { code = "", requestId = "", wait = 0 } = {}) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { code, requestId, wait });
  }
}

/** The index that is served: products, images, model, generation and fields. */
export function getIndex() {
  return call("v1/index");
}

/** One product with all its fields and the addresses of its pictures. */
export function getItem(id, signal) {
  return call(`v1/items/${encodeURIComponent(id)}`, { signal });
}

/** Products like one. */
export function getSimilar(id, k, signal) {
  return call(`v1/items/${encodeURIComponent(id)}/similar?k=${k}`, { signal });
}

/** Titles, values and tags that complete what was typed. */
export async function getSuggestions(typed, signal) {
  const { suggestions } = await call(`v1/suggest?q=${encodeURIComponent(typed)}&k=8`, { signal });
  return suggestions;
}

/** The answer to a search; `picture` is a file of it, if any. */
export function search(query, picture, signal) {
  // High, to be ahead of thumbnails that are still under way.
  return call("v1/search", { method: "POST", priority: "high", signal, ...bodyOf(query, picture) });
}

/** Products for a taste: ids of liked and of disliked products, each of which votes. */
export function recommend(taste, signal) {
  return call("v1/recommend", { method: "POST", signal, ...jsonBody(taste) });
}

/** A picture of the regions of a hit that matched, as a blob. */
export async function heatMap(query, picture, address, signal) {
  const posts = picture || query.parts || query.image_url;
  const response = await answerOf(reachable(address), {
    signal,
    ...(posts && { method: "POST", ...bodyOf(query, picture) }),
  });
  if (response.ok) return response.blob();
  throw await errorOf(response);
}

/** The address of one of a product's pictures. */
export function pictureOf(id, number = 0) {
  return `v1/items/${encodeURIComponent(id)}/image/${number}`;
}

/** The address of the thumbnail of a picture, about `size` pixels on its longest side. */
export function thumbnail(image, size = 320) {
  return `${reachable(image)}${image.includes("?") ? "&" : "?"}size=${size}`;
}

/** A link of an answer as the page can follow it, if the service does not know a proxy's path. */
export function reachable(path) {
  const root = new URL(".", location.href).pathname;
  return path.startsWith("/") && !path.startsWith(root) ? `${root}${path.slice(1)}` : path;
}

/** An answer of JSON. */
export async function call(path, options = {}) {
  const response = await answerOf(path, options);
  if (!response.ok) throw await errorOf(response);
  const body = await response.json().catch(() => null);
  options.signal?.throwIfAborted(); // the catch above hides an abort while the body was loading
  if (body) return body;
  throw new ApiError(t("unreadable", { status: response.status }));
}

/** Options of a request with a JSON body. */
export function jsonBody(value) {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function bodyOf(query, picture) {
  if (!picture) return jsonBody(query);
  const form = new FormData();
  form.append("query", JSON.stringify(query));
  form.append("image", picture, picture.name || "picture");
  return { body: form };
}

async function errorOf(response) {
  const body = await response.json().catch(() => null);
  const code = body?.code ?? "";
  const wait = Number.parseInt(response.headers.get("retry-after"), 10) || 0;
  const known = hasText(`error_${code}`) ? t(`error_${code}`, { seconds: wait }) : "";
  const message = known || body?.message || t("unreadable", { status: response.status });
  const requestId = body?.request_id ?? response.headers.get("x-request-id") ?? "";
  return new ApiError(message, { code, requestId, wait });
}

/** A response; a request without a valid key is repeated once a key was entered. */
async function answerOf(path, options = {}, retried = false) {
  const begun = performance.now();
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(t("unreachable"), { code: "unreachable" });
  }
  if (response.status === 401 && await askForKey(retried, begun)) {
    return answerOf(path, options, true);
  }
  return response;
}
