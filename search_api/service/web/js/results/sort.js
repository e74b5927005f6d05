/** The order of the results: by match, or by a number of the catalog such as the price. */

import { html, nothing, render } from "../../vendor/lit.js";
import { numbersOf, sortOf } from "../browse/schema.js";
import { labelOf } from "../product/format.js";
import { t } from "../texts/texts.js";

/** Shows the orders to choose from in an element; `onChange` is called with a change of the query. */
export function showSort(element, query, known, onChange) {
  const fields = numbersOf(known);
  const choice = sortOf(query, known) ? query.sort : "";
  const option = (value, words) => html`<option value=${value} ?selected=${value === choice}>${words}</option>`;
  render(fields.length ? html`<label class="sort"><span>${t("sort")}</span>
    <select .value=${choice} @change=${({ target }) => onChange({ sort: target.value })}>
      ${option("", t("sort_match"))}
      ${fields.map((field) => {
    const name = labelOf(field);
    return [option(`${field}:asc`, t("sort_up", { name })), option(`${field}:desc`, t("sort_down", { name }))];
  })}
    </select></label>` : nothing, element);
}
