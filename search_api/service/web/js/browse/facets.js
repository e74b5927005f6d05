/** Values to narrow a search by: the counts of each field, and which of them are chosen. */

import { html } from "../../vendor/lit.js";
import { labelOf } from "../product/format.js";
import { number } from "../texts/texts.js";

const MAX_LABELS = 10; // of each field

/** Whether a pair of a field and a value is among the chosen ones. */
export function isChosen(chosen, [field, value]) {
  return chosen.some(([otherField, other]) => otherField === field && other === String(value));
}

/** The chosen pairs with one added, or removed if it is among them. */
export function toggled(chosen, [field, value]) {
  const others = chosen.filter((pair) => !isChosen([pair], [field, value]));
  return others.length < chosen.length ? others : [...others, [field, String(value)]];
}

/** A row of buttons for each field that has values; `onChoose` is called with a pair. */
export function facetRows(facets, chosen, onChoose) {
  return Object.entries(facets)
    .filter(([, counts]) => counts.length > 0)
    .map(([field, counts]) => html`
      <div class="facet" role="group" aria-label=${labelOf(field)}>
        <span class="facet-name">${labelOf(field)}</span>
        ${counts.slice(0, MAX_LABELS).map(([value, count]) => tagButton([field, value], onChoose, {
          count, pressed: isChosen(chosen, [field, value]),
        }))}
      </div>`);
}

/** A button with a value; one of a colour shows the colour if the browser knows its name. */
export function tagButton([field, value], onChoose, { count, pressed } = {}) {
  const colour = /colou?r/.test(field) && colourNamed(String(value));
  return html`<button class="tag" type="button" aria-pressed=${pressed === undefined ? "false" : pressed}
    @click=${() => onChoose([field, value])}>
    ${colour ? html`<span class="tag-dot" .style=${`--dot: ${colour}`}></span>` : ""}<bdi>${value}</bdi>
    ${count === undefined ? "" : html` <small>${number(count)}</small>`}
  </button>`;
}

/** A colour of the browser's that a label names, if any. */
export function colourNamed(label) {
  const words = label.toLowerCase().split(/[\s-]+/);
  const names = [words.join(""), words.at(-1), words[0]];
  return names.find((name) => CSS.supports("color", name));
}
