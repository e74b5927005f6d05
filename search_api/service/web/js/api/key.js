/** The API key, if the service needs one: entered once, kept until the browser is closed. */

const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
let asking = null;
let givenAt = -1;
let declined = false;

// After the dialog was closed without a key, it does not open again until the next action.
for (const act of ["pointerdown", "keydown"]) {
  addEventListener(act, () => { declined = false; }, true);
}

/**
 * Asks for a key, in one dialog for all requests that wait for it. A cookie keeps it, since pictures
 * in a page can't send another header; pages of other sites can't make the browser send it.
 *
 * `again` tells that a key was refused, `begun` when the refused request began. Resolves to whether
 * there is another key to try.
 */
export async function askForKey(again, begun) {
  if (begun < givenAt) return true; // the request began before the key was entered
  if (declined) return false;
  document.getElementById("key-refused").hidden = !again;
  asking ??= new Promise((resolve) => {
    dialog.returnValue = "";
    input.value = "";
    dialog.addEventListener("close", () => resolve(keep(dialog.returnValue)), { once: true });
    dialog.showModal();
  }).then((given) => {
    asking = null;
    declined = !given;
    if (given) givenAt = performance.now();
    return given;
  });
  return asking;
}

function keep(how) {
  const key = input.value.trim();
  input.value = "";
  // The service would refuse other characters, and a cookie can't hold them.
  if (how !== "use" || !/^[\w.~+/=-]+$/.test(key)) return false;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const path = new URL(".", location.href).pathname; // other applications of the host don't get it
  document.cookie = `lookalike_key=${key}; Path=${path}; SameSite=Strict${secure}`;
  return true;
}
