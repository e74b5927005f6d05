/** The API key of a service that wants one: asked for once, kept until the browser is closed. */

const dialog = document.getElementById("key");
const input = document.getElementById("key-input");
let asking = null;

/**
 * Asks for a key, in one dialog for all requests that wait for it. A cookie keeps it, since pictures
 * in a page can send no other header; no other site's page can make the browser send it.
 *
 * `again` says that the key in use was refused. Resolves to whether there is another one to try.
 */
export function askForKey(again) {
  document.getElementById("key-refused").hidden = !again;
  asking ??= new Promise((resolve) => {
    dialog.returnValue = "";
    input.value = "";
    dialog.addEventListener("close", () => resolve(keep(dialog.returnValue)), { once: true });
    dialog.showModal();
  }).finally(() => { asking = null; });
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
