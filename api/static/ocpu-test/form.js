"use strict";

// The form, to and from a request as a plain value (request.js).

const $ = (id) => document.getElementById(id);
const TYPES = { code: "R", text: "text", json: "JSON", file: "file" };
const HINTS = {
  body: "R: a number, code or the key of a session. Text: quoted for you. Shift+Enter breaks a line.",
  query: "Options of the format, such as digits or width, become a part of the address.",
};

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function addField({ name = "", type = "code", value = "" } = {}) {
  const nameInput = element("input", { className: "name", value: name, placeholder: "name" });
  const kind = element("select", { className: "type" }, ...Object.entries(TYPES).map(
    ([key, label]) => element("option", { value: key, selected: key === type }, label)));
  const text = element("textarea", { className: "value", value, rows: 1, placeholder: "value" });
  const file = element("input", { className: "files", type: "file", multiple: true });
  const remove = element("button", { type: "button", className: "remove" }, "×");
  const row = element("li", {}, nameInput, kind, text, file, remove);
  [nameInput, text].forEach((input) => { input.spellcheck = false; input.autocapitalize = "none"; });
  kind.addEventListener("change", refresh);
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    refresh();
    (next ? next.querySelector(".name") : $("add-field")).focus();
  });
  $("rows").append(row);
  return row;
}

function readForm() {
  const fields = [...$("rows").children].map((row) => ({
    name: row.querySelector(".name").value.trim(),
    type: row.querySelector(".type").value,
    value: row.querySelector(".value").value,
    files: row.querySelector(".files").files,
  }));
  return {
    method: $("method").value,
    endpoint: $("endpoint").value,
    kind: document.querySelector("[name=kind]:checked").value,
    fields,
    json: $("json").value,
    headers: $("request-headers").value,
  };
}

function writeForm(request) {
  $("method").value = request.method;
  $("endpoint").value = request.endpoint;
  document.querySelector(`[name=kind][value=${request.kind}]`).checked = true;
  $("rows").replaceChildren();
  request.fields.forEach(addField);
  $("json").value = request.json;
  $("request-headers").value = request.headers;
  refresh();
}

// Shows the parts of the form that this request uses, and what will be sent.
function refresh() {
  const request = readForm();
  const hasBody = HAS_BODY.includes(request.method);
  const asJson = hasBody && request.kind === "json";
  $("kind").hidden = !hasBody;
  $("fields").hidden = asJson;
  $("json-part").hidden = !asJson;
  $("fields-title").textContent = hasBody ? "Arguments" : "Options";
  $("fields-hint").textContent = hasBody ? HINTS.body : HINTS.query;
  $("add-field").textContent = hasBody ? "Add argument" : "Add option";
  $("add-file").hidden = !hasBody;
  [...$("rows").children].forEach((row, index) => refreshRow(row, index + 1, hasBody));
  $("copied").textContent = "";
  $("json-problem").textContent = asJson ? jsonProblem(request.json) : "";
  showAddress(request);
}

function refreshRow(row, number, hasBody) {
  const isFile = hasBody && row.querySelector(".type").value === "file";
  const noun = hasBody ? "argument" : "option";
  const labels = { name: "Name", type: "Type", value: "Value", files: "File", remove: "Remove" };
  for (const [part, label] of Object.entries(labels)) {
    const of = part === "remove" ? "" : "of ";
    row.querySelector(`.${part}`).setAttribute("aria-label", `${label} ${of}${noun} ${number}`);
  }
  row.querySelector(".type").hidden = !hasBody;
  row.querySelector(".value").hidden = isFile;
  row.querySelector(".files").hidden = !isFile;
}

function showAddress(request) {
  let problem = "";
  try {
    $("address").textContent = decodeURI(addressOf(request).href);
    $("curl").textContent = curlOf(request);
  } catch (error) {
    problem = error.message;
    $("address").textContent = problem;
    $("curl").textContent = "";
  }
  $("address").classList.toggle("problem", problem !== "");
}
