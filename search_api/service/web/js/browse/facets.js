/** Values to narrow a search by: the counts of each field, and which of them are chosen. */

import { html, nothing, render } from "../../vendor/lit.js";
import { display, labelOf } from "../product/format.js";
import { number, t } from "../texts/texts.js";
import { areAll, isNumber } from "./schema.js";

const SHORT = 7; // values of a field that are shown before one asks for more
const BARS = 12; // of a histogram

const opened = new Set(); // fields of which all values are shown
const sought = new Map(); // what is typed in a field's own search

/** Whether a pair of a field and a value is among the chosen ones. */
export function isChosen(chosen, [field, value]) {
  return chosen.some(([otherField, other]) => otherField === field && other === String(value));
}

/** The chosen pairs with one added, or removed if it is among them. */
export function toggled(chosen, [field, value]) {
  const others = chosen.filter((pair) => !isChosen([pair], [field, value]));
  return others.length < chosen.length ? others : [...others, [field, String(value)]];
}

/** Shows the facets of an answer in an element; `onChange` is called with changes of the query. */
export function showFacets(element, { facets, chosen, ranges }, { types }, onChange) {
  const again = () => showFacets(element, { facets, chosen, ranges }, { types }, onChange);
  const groups = Object.entries(facets)
    .filter(([field, counts]) => counts.length || chosen.some(([other]) => other === field))
    .map(([field, counts]) => (isNumber(types[field])
      ? rangeOf(field, counts, ranges, onChange)
      : valuesOf(field, counts, chosen, onChange, again)));
  render(groups, element);
  return groups.length;
}

function valuesOf(field, counts, chosen, onChange, again) {
  const missing = chosen.filter(([other, value]) => other === field
    && !counts.some(([known]) => String(known) === value));
  const all = [...missing.map(([, value]) => [value, 0]), ...counts];
  const typed = (sought.get(field) ?? "").toLowerCase();
  const fitting = all.filter(([value]) => display(value).toLowerCase().includes(typed));
  const most = opened.has(field) || typed ? fitting.length : SHORT;
  const shown = fitting.filter(([value], place) => place < most || isChosen(chosen, [field, value]));
  const choose = (pair) => onChange({ chosen: toggled(chosen, pair) });
  const open = () => { opened.add(field); again(); };
  const seek = ({ target }) => { sought.set(field, target.value); again(); };
  return html`<div class="facet" role="group" aria-label=${labelOf(field)}>
    <h3 class="facet-name">${labelOf(field)}</h3>
    ${all.length > 2 * SHORT ? html`<input class="facet-search" type="search" placeholder=${t("find_in", { name: labelOf(field) })}
      aria-label=${t("find_in", { name: labelOf(field) })} @input=${seek}>` : nothing}
    ${shown.map(([value, count]) => tagButton([field, value], choose, {
      count, pressed: isChosen(chosen, [field, value]),
    }))}
    ${fitting.length > shown.length ? html`<button class="facet-more" type="button" @click=${open}>
      ${t("all_values", { count: fitting.length, all: number(fitting.length) })}</button>` : nothing}
  </div>`;
}

/** Two boxes for the least and the greatest number, under a histogram where all are known. */
function rangeOf(field, counts, ranges, onChange) {
  const [from, to] = ranges[field] ?? [null, null];
  const set = ({ target }) => {
    const given = [...target.closest(".facet").querySelectorAll("input")]
      .map(({ value }) => (value.trim() === "" ? null : Number(value)));
    const others = Object.fromEntries(Object.entries(ranges).filter(([other]) => other !== field));
    const none = given.every((edge) => edge === null);
    onChange({ ranges: none ? others : { ...others, [field]: given } });
  };
  const box = (value, words) => html`<input type="number" step="any" .value=${value ?? ""}
    placeholder=${words} aria-label=${`${labelOf(field)}: ${words}`} @change=${set}>`;
  return html`<div class="facet" role="group" aria-label=${labelOf(field)}>
    <h3 class="facet-name">${labelOf(field)}</h3>
    ${areAll(counts) ? histogram(counts) : nothing}
    <div class="range">${box(from, t("from"))}<span aria-hidden="true">–</span>${box(to, t("to"))}</div>
  </div>`;
}

function histogram(counts) {
  const values = counts.map(([value]) => value);
  const least = Math.min(...values);
  const width = (Math.max(...values) - least) / BARS || 1;
  const bars = new Array(BARS).fill(0);
  for (const [value, count] of counts) {
    bars[Math.min(BARS - 1, Math.floor((value - least) / width))] += count;
  }
  const most = Math.max(...bars);
  return html`<div class="histogram" aria-hidden="true">${bars.map((count) =>
    html`<span .style=${`--height: ${count / most}`}></span>`)}</div>`;
}

/** What of the query's filters can be removed, as pairs of words and the changed query. */
export function filterChips({ chosen, ranges }) {
  const values = chosen.map((pair) => ({
    label: `${labelOf(pair[0])}: ${display(pair[1])}`,
    change: { chosen: toggled(chosen, pair) },
  }));
  const numbers = Object.entries(ranges).map(([field, [from, to]]) => ({
    label: `${labelOf(field)}: ${from === null ? "" : number(from)} – ${to === null ? "" : number(to)}`,
    change: { ranges: Object.fromEntries(Object.entries(ranges).filter(([one]) => one !== field)) },
  }));
  return [...values, ...numbers];
}

/** A button with a value; one of a colour shows the colour if the browser knows its name. */
export function tagButton([field, value], onChoose, { count, pressed } = {}) {
  const colour = /colou?r/.test(field) && colourNamed(String(value));
  return html`<button class="tag" type="button" aria-pressed=${pressed === undefined ? "false" : pressed}
    @click=${() => onChoose([field, value])}>
    ${colour ? html`<span class="tag-dot" .style=${`--dot: ${colour}`}></span>` : ""}<bdi>${display(value)}</bdi>
    ${count === undefined ? "" : html` <small>${number(count)}</small>`}
  </button>`;
}

/** A colour of the browser's that a label names, if any. */
export function colourNamed(label) {
  const words = label.toLowerCase().split(/[\s-]+/);
  const names = [words.join(""), words.at(-1), words[0]];
  return names.find((name) => CSS.supports("color", name));
}
