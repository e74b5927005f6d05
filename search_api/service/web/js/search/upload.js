/** Pictures to search with: dropped or pasted, and reduced for a quick upload. */

const HEAVY_BYTES = 2 * 1024 * 1024;
const LONGEST_SIDE = 1600; // pixels; models use 224 to 512, so they lose nothing
const JPEG_QUALITY = 0.92;

/** Whether a file may be a picture; the server decides about one of unknown type. */
export function mayBePicture(file) {
  return file.type === "" || file.type.startsWith("image/");
}

/**
 * Calls `onFile` with the files dropped anywhere on the page or pasted into it.
 *
 * `overlay` is shown while files are dragged over the page, and `onDrag` called as they come in.
 */
export function receivePictures({ overlay, onDrag, onFile }) {
  window.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    onDrag();
    overlay.hidden = false;
  });
  window.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  window.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) overlay.hidden = true; // out of the window, not onto a child
  });
  window.addEventListener("drop", (event) => {
    overlay.hidden = true;
    take(event, event.dataTransfer, onFile);
  });
  window.addEventListener("paste", (event) => take(event, event.clipboardData, onFile));
}

function carriesFiles({ dataTransfer }) {
  return dataTransfer?.types.includes("Files") ?? false;
}

function take(event, transfer, onFile) {
  const files = [...(transfer?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  onFile(files);
}

/**
 * The file itself if it is small, else the same picture reduced for a quick upload. With a region
 * (left, top, right, bottom; 0 to 1), that part of it.
 */
export async function lighten(file, region = null) {
  if (file.size <= HEAVY_BYTES && !region) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const blob = await encode(bitmap, region ?? [0, 0, 1, 1]);
    if (!blob || (!region && blob.size >= file.size)) return file;
    return new File([blob], file.name, { type: blob.type });
  } catch {
    return file; // not decoded by the browser: the server reports what is wrong
  }
}

function encode(bitmap, [left, top, right, bottom]) {
  const width = (right - left) * bitmap.width;
  const height = (bottom - top) * bitmap.height;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  // As the server does with transparent pictures.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left * bitmap.width, top * bitmap.height, width, height,
    0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
