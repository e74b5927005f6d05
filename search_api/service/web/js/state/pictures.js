/** Pictures of this device that were searched with, kept in the browser under short keys.
 *
 * An address holds a picture's key, so that reloading and Back show it again. Another device does
 * not have it. Nothing is sent anywhere from here.
 */

const NAME = "lookalike";
const STORE = "pictures";
const KEPT = 24; // pictures; the oldest make room

const here = new Map(); // what this page has used, and all there is where a browser stores nothing

/** Keeps a picture, and returns its key. */
export async function keepPicture(file) {
  const key = [...crypto.getRandomValues(new Uint8Array(6))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  here.set(key, file);
  await inStore("readwrite", (store) => {
    store.put({ key, file, name: file.name ?? "", at: Date.now() });
    const all = store.getAllKeys();
    all.onsuccess = () => { if (all.result.length > KEPT) dropOldest(store); };
  }).catch(() => {}); // a private window stores nothing; the page itself still has the picture
  return key;
}

/** The picture of a key; undefined if this browser does not have it. */
export async function keptPicture(key) {
  if (here.has(key)) return here.get(key);
  const found = await inStore("readonly", (store) => store.get(key)).catch(() => undefined);
  if (!found) return undefined;
  const file = new File([found.file], found.name, { type: found.file.type });
  here.set(key, file);
  return file;
}

function dropOldest(store) {
  const all = store.getAll();
  all.onsuccess = () => {
    const old = all.result.sort((one, other) => other.at - one.at).slice(KEPT);
    for (const { key } of old) store.delete(key);
  };
}

/** Runs an action on the store; resolves to the result of the request that it returns, if any. */
async function inStore(mode, action) {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
  const database = await settled(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const request = action(transaction.objectStore(STORE));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    return request?.result;
  } finally {
    database.close();
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
