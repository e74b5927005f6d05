/** The API key of a service that wants one: asked for once, kept until the browser is closed. */

const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
let asking = null;
let last = { at: -1, given: false };

/**
 * Asks for a key, in one dialog for all requests that wait for it. A cookie keeps it, since pictures
 * in a page can send no other header; no other site's page can make the browser send it.
 *
 * `again` says that the key in use was refused, `begun` when the request that was refused began.
 * Resolves to whether there is another key to try.
 */
export async function askForKey(again, begun) {
  if (begun < last.at) return last.given; // this request was under way when the dialog was closed
  document.getElementById("key-refused").hidden = !again;
  asking ??= new Promise((resolve) => {
    dialog.returnValue = "";
    input.value = "";
    dialog.addEventListener("close", () => resolve(keep(dialog.returnValue)), { once: true });
    dialog.showModal();
  }).then((given) => {
    asking = null;
    last = { at: performance.now(), given };
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
