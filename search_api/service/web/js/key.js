/** The API key of a service that wants one: asked for once, kept until the browser is closed. */

const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
let asking = null;
let givenAt = -1;
let declined = false;

// Whoever closed the dialog is not asked again before he does something else.
for (const act of ["pointerdown", "keydown"]) {
  addEventListener(act, () => { declined = false; }, true);
}

/**
 * Asks for a key, in one dialog for all requests that wait for it. A cookie keeps it, since pictures
 * in a page can send no other header; no other site's page can make the browser send it.
 *
 * `again` says that the key in use was refused, `begun` when the request that was refused began.
 * Resolves to whether there is another key to try.
 */
export async function askForKey(again, begun) {
  if (begun < givenAt) return true; // it was under way when the key was given
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
  // What else a key may not hold, the service would refuse anyway, and a cookie can't.
  if (how !== "use" || !/^[\w.~+/=-]+$/.test(key)) return false;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `lookalike_key=${key}; Path=/; SameSite=Strict${secure}`;
  return true;
}
