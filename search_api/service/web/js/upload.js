/** Pictures to search with: dropped or pasted, and reduced for a quick upload. */

const HEAVY_BYTES = 2 * 1024 * 1024;
const LONGEST_SIDE = 1600; // pixels; models use 224 to 512, so they lose nothing
const JPEG_QUALITY = 0.92;

/** Whether a file may be a picture; the server decides about one of unknown type. */
export function mayBePicture(file) {
  return file.type === "" || file.type.startsWith("image/");
}

/**
 * Calls `onFile` with a file dropped anywhere on the page or pasted into it.
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
  onFile(files.find(mayBePicture) ?? files[0]);
}

/** The file itself if it is small, else the same picture reduced for a quick upload. */
export async function lighten(file) {
  if (file.size <= HEAVY_BYTES) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const blob = await encode(bitmap, scale);
    return blob && blob.size < file.size ? new File([blob], file.name, { type: blob.type }) : file;
  } catch {
    return file; // not decoded by the browser: the server reports what is wrong
  }
}

function encode(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  // As the server does with transparent pictures.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
