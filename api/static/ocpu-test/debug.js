"use strict";

// The page: sends the form's request, keeps what was sent before, copies, completes.

const KEPT_REQUESTS = 20;
let running = null;
let earlier = [];

async function ask(method, url, { body, headers } = {}) {
  if (running) running.abort();
  const mine = new AbortController();
  running = mine;
  showWaiting(method, url);
  const began = performance.now();
  try {
    const answer = await fetch(url, { method, body, headers, signal: mine.signal });
    const blob = await answer.blob();
    showStatus(answer, blob, performance.now() - began);
    const text = await showBody(answer, blob);
    await findSession(answer, text);
    return answer;
  } catch (error) {
    if (running === mine) {
      $("problem").textContent = error.name === "AbortError" ? "Cancelled." : `No answer: ${error.message}`;
    }
    return null;
  } finally {
    if (running === mine) {
      running = null;
      showDone();
    }
  }
}

// A session is behind every call, also where the body is the value itself or an error.
async function findSession(answer, text) {
  const own = /^(.*\/tmp\/(x0[0-9a-f]+)\/)$/.exec(answer.url.split("?")[0]);
  const key = answer.headers.get("X-ocpu-session") || (answer.ok && own && own[2]);
  if (!key) return;
  const location = new URL(answer.headers.get("Location") || own[1], answer.url).href;
  const isListing = own || partsOf(text, location).includes("info");
  const listing = isListing ? text : await (await fetch(location)).text();
  showSession(key, location, listing);
}

async function send() {
  const request = readForm();
  let url;
  let headers;
  try {
    url = addressOf(request);
    headers = headersOf(request);
  } catch (error) {
    $("problem").textContent = error.message;
    return;
  }
  const answer = await ask(request.method, url, { body: bodyOf(request), headers });
  remember(request, answer);
}

// Headers may hold a password and files cannot be kept, so neither is.
function remember(request, answer) {
  const fields = request.fields.map((field) => ({ ...field, files: [] }));
  const kept = { ...request, fields, headers: "", status: answer ? answer.status : 0 };
  earlier = [kept, ...earlier].slice(0, KEPT_REQUESTS);
  sessionStorage.setItem("earlier", JSON.stringify(earlier));
  showEarlier();
}

function showEarlier() {
  $("history").hidden = earlier.length === 0;
  $("earlier").replaceChildren(...earlier.map((request) => {
    const label = `${request.method} ${request.endpoint} → ${request.status || "no answer"}`;
    const button = element("button", { type: "button", className: "plain" }, label);
    button.addEventListener("click", () => {
      writeForm(request);
      $("send").focus();
    });
    return element("li", {}, button);
  }));
}

// Pages without a secure address have no clipboard: the text is selected, to be copied by hand.
async function copy(source, note) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    note.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(source);
    note.textContent = "Selected: copy it with Ctrl+C.";
  }
}

// Offers what a package, or the library, has: the listing of the folder that is being typed.
const listed = new Set();

async function complete() {
  const folder = /^(.*\/library\/(?:[\w.]+\/(?:R|data|man)\/)?)[^/]*$/.exec($("endpoint").value);
  if (!folder || listed.has(folder[1])) return;
  listed.add(folder[1]);
  const answer = await fetch(addressOf({ method: "POST", endpoint: folder[1] })).catch(() => null);
  if (!answer || !answer.ok) return;
  const below = folder[1].endsWith("/library/") ? "/R/" : "";
  const names = (await answer.text()).split("\n").filter(Boolean);
  $("endpoints").append(...names.map((name) => element("option", { value: folder[1] + name + below })));
}

function use(link) {
  const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  link.addEventListener("click", (event) => {
    const target = event.target.closest("a");
    if (!target || !plain(event)) return;
    event.preventDefault();
    ask("GET", new URL(target.href));
  });
}

$("request").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("request").addEventListener("keydown", (event) => {
  const oneLine = event.target.classList.contains("value") && !event.shiftKey;
  if (event.key !== "Enter" || !(oneLine || event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  $("request").requestSubmit();
});
$("request").addEventListener("input", refresh);
$("endpoint").addEventListener("input", complete);
$("cancel").addEventListener("click", () => running && running.abort());
$("add-field").addEventListener("click", () => {
  addField().querySelector(".name").focus();
  refresh();
});
$("add-file").addEventListener("click", () => {
  addField({ name: "file", type: "file" }).querySelector(".files").focus();
  refresh();
});
$("copy-curl").addEventListener("click", () => copy($("curl"), $("copied")));
$("copy-body").addEventListener("click", () => copy($("body"), $("body-copied")));
$("use-session").addEventListener("click", () => {
  const row = addField({ value: $("session-key").textContent });
  $("method").value = "POST";
  document.querySelector("[name=kind][value=form]").checked = true;
  refresh();
  row.querySelector(".name").focus();
});
$("delete-session").addEventListener("click", async () => {
  const answer = await ask("DELETE", new URL($("session-key").dataset.location));
  if (answer && answer.ok) $("session").hidden = true;
});
use($("links"));
$("example").append(...Object.keys(EXAMPLES).map((name) => element("option", {}, name)));
$("example").addEventListener("change", (event) => {
  if (event.target.value) writeForm(exampleRequest(event.target.value));
  event.stopPropagation();
});

earlier = JSON.parse(sessionStorage.getItem("earlier") || "[]");
showEarlier();
writeForm(exampleRequest("Call a function"));
