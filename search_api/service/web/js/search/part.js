/** The dialog for one example of the search: which part of its picture counts, and how much. */

import { pictureOf } from "../api/calls.js";
import { keepPicture, keptPicture } from "../state/pictures.js";
import { example, regionOf } from "../state/query.js";
import { currentVisit } from "../state/visits.js";
import { number, t } from "../texts/texts.js";
import { refine } from "./box.js";

const STEP = 0.02; // of the picture's sides, for an arrow key
const LEAST = 0.05; // side of a region that can still be seen and grasped

const byId = (id) => document.getElementById(id);
const dialog = byId("part");
const frame = byId("part-frame");
const box = byId("part-box");
const picture = byId("part-picture");
const weight = byId("part-weight");
let edited = null; // the example, the file of its picture, and the edges of the region
let drag = null;

/** Opens the dialog for an example of the present query. */
export async function editExample(one) {
  edited = { one, file: null, edges: one.region ?? [0, 0, 1, 1] };
  weight.value = one.weight;
  showWeight();
  frame.hidden = true; // a picture on the web is not loaded by this page, so it has no region here
  const { kind, value } = one;
  if (kind === "picture") edited.file = await keptPicture(value);
  if (kind === "picture" && edited.file) picture.src = URL.createObjectURL(edited.file);
  if (kind === "like") picture.src = pictureOf(value);
  frame.hidden = kind === "image" || (kind === "picture" && !edited.file);
  byId("part-hint").hidden = byId("part-whole").hidden = frame.hidden;
  draw();
  dialog.showModal();
}

function draw() {
  const [left, top, right, bottom] = edited.edges;
  const sides = { left, top, width: right - left, height: bottom - top };
  for (const [side, share] of Object.entries(sides)) box.style[side] = `${share * 100}%`;
}

function showWeight() {
  const value = Number(weight.value);
  const words = value < 0 ? "weight_less" : value > 1 ? "weight_more" : "weight_usual";
  byId("part-weight-words").textContent = `${t(words)} (${number(value)})`;
}

/** The edges moved by shares of the picture, or with `corner` only those of that corner. */
function moved([left, top, right, bottom], x, y, corner) {
  const within = (value, least, most) => Math.min(most, Math.max(least, value));
  if (!corner) {
    const byX = within(x, -left, 1 - right);
    const byY = within(y, -top, 1 - bottom);
    return [left + byX, top + byY, right + byX, bottom + byY];
  }
  return [
    corner.includes("w") ? within(left + x, 0, right - LEAST) : left,
    corner.includes("n") ? within(top + y, 0, bottom - LEAST) : top,
    corner.includes("e") ? within(right + x, left + LEAST, 1) : right,
    corner.includes("s") ? within(bottom + y, top + LEAST, 1) : bottom,
  ];
}

/** The place of a pointer on the picture, 0 to 1. */
function placeOf({ clientX, clientY }) {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [(clientX - left) / width, (clientY - top) / height];
}

frame.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  const [x, y] = placeOf(event);
  const corner = event.target.dataset.corner;
  const inside = event.target === box && edited.edges.some((edge, place) => edge !== (place > 1 ? 1 : 0));
  // Outside of the box, or on one that covers all, a new box begins under the pointer.
  const edges = corner || inside ? edited.edges
    : [x, y, x, y].map((edge) => Math.min(1 - LEAST, Math.max(0, edge)));
  drag = { x, y, edges, corner: corner ?? (inside ? "" : "se") };
  frame.setPointerCapture(event.pointerId);
  box.focus();
});
frame.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [x, y] = placeOf(event);
  edited.edges = moved(drag.edges, x - drag.x, y - drag.y, drag.corner);
  draw();
});
for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { drag = null; });

/** Arrow keys move the box, with Shift they move its lower right corner. */
box.addEventListener("keydown", (event) => {
  const step = {
    ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP],
  }[event.key];
  if (!step) return;
  event.preventDefault();
  edited.edges = moved(edited.edges, ...step, event.shiftKey ? "se" : "");
  draw();
});

weight.addEventListener("input", showWeight);
byId("part-whole").addEventListener("click", () => {
  edited.edges = [0, 0, 1, 1];
  draw();
});
dialog.addEventListener("close", () => {
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  picture.removeAttribute("src");
});
byId("part-form").addEventListener("submit", async ({ submitter }) => {
  if (submitter.value !== "use") return;
  const { one } = edited;
  const changed = await changedExample();
  const { examples } = currentVisit().query;
  refine({ examples: examples.map((other) => (sameExample(other, one) ? changed : other)) });
});

/** The example as it is edited; a part of a product's picture is a picture of its own. */
async function changedExample() {
  const { one, edges } = edited;
  const region = regionOf(edges);
  const changes = { weight: Number(weight.value), region };
  if (one.kind !== "like" || !region) return { ...one, ...changes };
  const response = await fetch(pictureOf(one.value));
  const file = new File([await response.blob()], one.value);
  return { ...example("picture", await keepPicture(file)), ...changes };
}

function sameExample(one, other) {
  return one.kind === other.kind && one.value === other.value;
}
