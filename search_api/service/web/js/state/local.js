/** Small things that this browser remembers: recent searches, and the tray. */

const listeners = new Set();

/** A list in the browser's storage, newest first, without repeats. */
class StoredList {
  constructor(name, longest) {
    this.name = `lookalike.${name}`;
    this.longest = longest;
  }

  /** Everything in the list. */
  all() {
    try {
      const stored = JSON.parse(localStorage.getItem(this.name) ?? "[]");
      return Array.isArray(stored) ? stored.filter((one) => typeof one === "string") : [];
    } catch {
      return []; // no storage, or something else wrote there
    }
  }

  /** Puts a text first. */
  add(text) {
    this.set([text, ...this.all().filter((one) => one !== text)].slice(0, this.longest));
  }

  /** Takes a text out. */
  remove(text) {
    this.set(this.all().filter((one) => one !== text));
  }

  /** Replaces the list. */
  set(texts) {
    try {
      localStorage.setItem(this.name, JSON.stringify(texts));
    } catch {
      // a full or forbidden storage: nothing is remembered
    }
    for (const listener of listeners) listener();
  }
}

/** Words that were searched for. */
export const recent = new StoredList("recent", 8);

/** Ids of products that were liked, and of those that were disliked. */
export const liked = new StoredList("liked", 24);
export const disliked = new StoredList("disliked", 24);

/** Calls `listener` whenever one of the lists changes. */
export function onLists(listener) {
  listeners.add(listener);
  window.addEventListener("storage", listener);
}
