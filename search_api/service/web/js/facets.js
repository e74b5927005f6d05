/** Tags to narrow a search by: their fields, the counts of their labels, and the chosen ones.
 *
 * A choice is a pair of a field and one of its labels; hits must have all choices.
 */

const MAX_FIELDS = 4;
const MAX_LABELS = 10; // of each field
const FIRST = ["tag_type", "tag_colour", "tag_color", "tag_pattern"];

/** The fields that hold tags, given the index's fields and their types; the main ones first. */
export function tagFields(fields) {
  const names = Object.keys(fields).filter((name) => fields[name] === "labels");
  const place = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return names.sort((one, other) => place(one) - place(other)).slice(0, MAX_FIELDS);
}

/** The API's filter for some choices; null for none. */
export function filterOf(choices) {
  const parts = choices.map(([field, label]) => ({ [field]: label }));
  return parts.length ? { and: parts } : null;
}

/** Whether a label is among the choices. */
export function isChosen(choices, [field, label]) {
  return choices.some(([otherField, other]) => otherField === field && other === label);
}

/** The choices with one added, or removed if it is among them. */
export function toggled(choices, [field, label]) {
  const others = choices.filter((choice) => !isChosen([[field, label]], choice));
  return others.length < choices.length ? others : [...others, [field, label]];
}

/** A row of buttons for each field that has labels; `onChoose` is called with a choice. */
export function facetRows(facets, choices, onChoose) {
  return Object.entries(facets)
    .filter(([, counts]) => counts.length > 0)
    .map(([field, counts]) => rowOf(field, counts.slice(0, MAX_LABELS), choices, onChoose));
}

/** A button with a label; one of a colour shows the colour if the browser knows its name. */
export function tagButton([field, label], onChoose) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tag";
  const colour = /colou?r/.test(field) && colourNamed(label);
  if (colour) {
    const dot = document.createElement("span");
    dot.className = "tag-dot";
    dot.style.setProperty("--dot", colour);
    button.append(dot);
  }
  button.append(label);
  button.addEventListener("click", () => onChoose([field, label]));
  return button;
}

/** The title of a field of tags. */
export function tagName(field) {
  const words = field.replace(/^tag_/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function rowOf(field, counts, choices, onChoose) {
  const row = document.createElement("div");
  row.className = "facet";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", tagName(field));
  const name = document.createElement("span");
  name.className = "facet-name";
  name.textContent = tagName(field);
  const buttons = counts.map(([label, count]) => {
    const button = tagButton([field, label], onChoose);
    button.setAttribute("aria-pressed", String(isChosen(choices, [field, label])));
    const number = document.createElement("small");
    number.textContent = count.toLocaleString();
    button.append(" ", number);
    return button;
  });
  row.append(name, ...buttons);
  return row;
}

function colourNamed(label) {
  const words = label.toLowerCase().split(/[\s-]+/);
  const names = [words.join(""), words.at(-1), words[0]];
  return names.find((name) => CSS.supports("color", name));
}
