/** The page's texts in the reader's language, and names made readable. */

import { CATALOG, LANGUAGES } from "./catalog.js";

/** The language of the page: the address's `lang`, else the browser's, else English. */
export const language = chosenLanguage();

const place = LANGUAGES.indexOf(language);
const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/** The text of a key, with values for its `{names}`; `count` chooses between its forms. */
export function t(key, values = {}) {
  const forms = CATALOG[key][place].split("|");
  const single = values.count !== undefined && plural.select(values.count) === "one";
  const form = single ? forms[0] : forms.at(-1);
  return form.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Whether there is a text of a key. */
export function hasText(key) {
  return Object.hasOwn(CATALOG, key);
}

/** A number as the reader's language writes it. */
export function number(value) {
  return numbers.format(value);
}

/** Gives the elements of the page's own markup their texts: `data-t`, and `data-t-ATTRIBUTE`. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const attribute of ["aria-label", "placeholder", "title", "content"]) {
    for (const element of document.querySelectorAll(`[data-t-${attribute}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(`data-t-${attribute}`)));
    }
  }
}

function chosenLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}
