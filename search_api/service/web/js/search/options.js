/** The panel that adds a colour, excluded words or a picture's address to the search. */

import { html, render } from "../../vendor/lit.js";
import { example, isColour } from "../state/query.js";
import { currentVisit } from "../state/visits.js";
import { t } from "../texts/texts.js";
import { focusQuery, refine } from "./box.js";

// Hues that shops' filters offer, at the strength in which most people would name them.
const PALETTE = [
  "#111111", "#8a8d91", "#ffffff", "#e9d8b4", "#7a4a21", "#c62828", "#f57c00",
  "#fbc02d", "#2e7d32", "#00897b", "#1565c0", "#1a237e", "#6a1b9a", "#e91e8c",
];

const byId = (id) => document.getElementById(id);
const button = byId("add");
const panel = byId("options");

function choose(colour) {
  panel.hidePopover();
  refine({ colour });
}

function drawPalette() {
  const { colour } = currentVisit().query;
  const names = t("palette").split(", ");
  render(PALETTE.map((one, place) => html`<button class="palette-colour" type="button" .style=${`--dot: ${one}`}
    aria-label=${names[place]} title=${names[place]} aria-pressed=${one === colour} @click=${() => choose(one)}></button>`),
  byId("palette"));
  byId("any-colour").value = isColour(colour) ? colour : "#5753c6";
}

/** Puts the panel below its button, inside of the window. */
function place() {
  const { bottom, right } = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(right - panel.offsetWidth, innerWidth - panel.offsetWidth - 8));
  panel.style.left = `${left}px`;
  panel.style.top = `${bottom + 10}px`;
}

panel.addEventListener("beforetoggle", ({ newState }) => {
  button.setAttribute("aria-expanded", String(newState === "open"));
  if (newState === "open") drawPalette();
});
panel.addEventListener("toggle", ({ newState }) => {
  if (newState === "open") place();
});
byId("any-colour").addEventListener("change", ({ target }) => choose(target.value));

byId("options-without").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.words;
  const words = input.value.trim();
  if (!words) return;
  input.value = "";
  panel.hidePopover();
  const others = currentVisit().query.without.filter((one) => one !== words);
  refine({ without: [...others, words] });
  focusQuery();
});

byId("options-address").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.address;
  const address = input.value.trim();
  const fits = /^https?:\/\//i.test(address) && URL.canParse(address);
  input.setCustomValidity(fits ? "" : t("not_address"));
  if (!input.reportValidity()) return;
  input.value = "";
  panel.hidePopover();
  refine({ examples: [...currentVisit().query.examples, example("image", address)] });
});
byId("options-address").addEventListener("input", ({ target }) => target.setCustomValidity(""));
