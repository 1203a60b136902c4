"use strict";

// The test page: sends one request to the API and shows all of the answer.
const rows = document.querySelector("#parameters tbody");

function addRow(type, name, value) {
  const row = rows.insertRow();
  const nameInput = document.createElement("input");
  nameInput.value = name || "";
  nameInput.setAttribute("aria-label", "argument name");
  const valueInput = document.createElement("input");
  valueInput.type = type;
  if (type === "text") valueInput.value = value || "";
  valueInput.setAttribute("aria-label", "argument value");
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Remove";
  remove.addEventListener("click", () => row.remove());
  [nameInput, valueInput, remove].forEach((element) => row.insertCell().append(element));
}

function requestBody() {
  const fields = [...rows.rows].map((row) => row.querySelectorAll("input"));
  const hasFile = fields.some(([, value]) => value.type === "file");
  const body = hasFile ? new FormData() : new URLSearchParams();
  for (const [name, value] of fields) {
    if (value.type === "file") {
      [...value.files].forEach((file) => body.append(name.value, file, file.name));
    } else {
      body.append(name.value, value.value);
    }
  }
  return body;
}

function showLinks(text) {
  const links = document.querySelector("#links");
  links.replaceChildren();
  for (const path of text.split("\n").filter((line) => line.startsWith("/ocpu/tmp/"))) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = path;
    link.textContent = path;
    item.append(link);
    if (/\/graphics\/\d+$/.test(path)) {
      const image = document.createElement("img");
      image.src = path + "/png?width=400&height=300";
      image.alt = "plot";
      item.append(document.createElement("br"), image);
    }
    links.append(item);
  }
}

async function send(event) {
  event.preventDefault();
  const method = document.querySelector("#method").value;
  const options = { method };
  if (method !== "GET") options.body = requestBody();
  const answer = await fetch(document.querySelector("#endpoint").value, options);
  const text = await answer.text();
  document.querySelector("#status").textContent = `HTTP ${answer.status} ${answer.statusText}`;
  const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
  document.querySelector("#headers").textContent = lines.join("\n");
  document.querySelector("#body").textContent = text;
  showLinks(text);
}

document.querySelector("#request").addEventListener("submit", send);
document.querySelector("#add-parameter").addEventListener("click", () => addRow("text"));
document.querySelector("#add-file").addEventListener("click", () => addRow("file"));
addRow("text", "n", "10");
