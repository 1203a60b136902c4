"use strict";

// The answer: its status, headers and body, and the session behind it with its links and plots.

const SHOWN_CHARACTERS = 200_000;
const OBJECT_FORMATS = ["print", "json", "csv", "rds"];
const PLOT_FORMATS = ["png", "svg", "pdf"];
const TEXT_PARTS = ["stdout", "messages", "warnings", "source", "console"];
let bodyUrl = "";

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function showWaiting(method, url) {
  $("asked").textContent = `${method} ${decodeURI(url.href)}`;
  $("status").textContent = "";
  $("status").className = "";
  $("facts").textContent = "";
  $("problem").textContent = "";
  $("body-part").hidden = true;
  $("headers-part").hidden = true;
  if (!url.href.startsWith($("session-key").dataset.location)) $("session").hidden = true;
  $("answer").setAttribute("aria-busy", "true");
  if ($("answer").getBoundingClientRect().top > innerHeight / 2) $("answer").scrollIntoView();
  $("progress").hidden = false;
  $("cancel").hidden = false;
}

function showDone() {
  $("answer").setAttribute("aria-busy", "false");
  $("progress").hidden = true;
  $("cancel").hidden = true;
}

function showStatus(answer, blob, tookMs) {
  const kind = answer.status < 300 ? "good" : answer.status < 400 ? "elsewhere" : "bad";
  $("status").textContent = `${answer.status} ${answer.statusText}`;
  $("status").className = kind;
  const facts = [`${Math.round(tookMs)} ms`, sizeText(blob.size)];
  const timing = performance.getEntriesByName(answer.url).at(-1);
  if (timing && timing.transferSize === 0 && blob.size > 0) facts.push("from the browser's own cache");
  if (answer.redirected) facts.push(`redirected to ${decodeURI(answer.url)}`);
  $("facts").textContent = facts.join(" · ");
  $("headers").textContent = [...answer.headers].map((pair) => pair.join(": ")).join("\n");
  $("headers-part").hidden = false;
}

function isText(type) {
  return !type || /^text\/|json|javascript|xml|yaml/.test(type) && !type.startsWith("image/");
}

// Shows a body by its type; returns its text, empty if it is none.
async function showBody(answer, blob) {
  const type = answer.headers.get("Content-Type") || "";
  const isImage = type.startsWith("image/");
  const text = isText(type) ? await blob.text() : "";
  URL.revokeObjectURL(bodyUrl);
  bodyUrl = URL.createObjectURL(blob);
  $("body-part").hidden = blob.size === 0;
  $("body").hidden = !text;
  $("body").textContent = text.slice(0, SHOWN_CHARACTERS);
  $("copy-body").hidden = !text;
  $("body-copied").textContent = "";
  $("body-image").hidden = !isImage;
  if (isImage) $("body-image").src = bodyUrl;
  else $("body-image").removeAttribute("src");
  $("save-body").href = bodyUrl;
  $("save-body").download = fileName(answer);
  $("body-note").textContent = bodyNote(type, blob, text);
  return text;
}

function bodyNote(type, blob, text) {
  if (text.length > SHOWN_CHARACTERS) {
    return `The first ${SHOWN_CHARACTERS.toLocaleString("en")} of ` +
      `${text.length.toLocaleString("en")} characters; Save has all of them.`;
  }
  return isText(type) || type.startsWith("image/") ? "" : `${sizeText(blob.size)} of ${type}`;
}

function fileName(answer) {
  const given = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") || "");
  if (given) return given[1];
  const parts = new URL(answer.url).pathname.split("/").filter(Boolean);
  return parts.at(-1) || "answer";
}

// What a session holds, as paths below its address. A listing names them from the root or from there.
function partsOf(listing, location) {
  const root = new URL(location).pathname;
  return listing.split("\n").map((line) => line.trim()).filter(Boolean)
    .map((line) => (line.startsWith(root) ? line.slice(root.length) : line))
    .filter((line) => !line.startsWith("/"));
}

function showSession(key, location, listing) {
  const parts = partsOf(listing, location);
  const plots = parts.filter((part) => /^graphics\/\d+$/.test(part));
  $("session-key").textContent = key;
  $("session-key").dataset.location = location;
  $("links").replaceChildren(...parts.map((part) => linkTo(location, part)));
  $("plots").replaceChildren(...plots.map((part) => plotOf(location, part)));
  $("session").hidden = false;
}

function linkTo(location, part) {
  const formats = part.startsWith("R/") ? OBJECT_FORMATS
    : part.startsWith("graphics/") ? PLOT_FORMATS : [];
  const suffix = formats.length ? `/${formats[0]}` : TEXT_PARTS.includes(part) ? "/text" : "";
  const links = formats.map((format) => element("a", {
    href: `${location}${part}/${format}`, className: "format", ariaLabel: `${part} as ${format}`,
  }, format));
  const name = element("a", { href: `${location}${part}${suffix}` }, part);
  return element("li", {}, name, ...links);
}

function plotOf(location, part) {
  const number = part.split("/")[1];
  return element("figure", {},
    element("img", { src: `${location}${part}/png?width=640&height=480`, alt: `Plot ${number}`,
      width: 640, height: 480 }),
    element("figcaption", {}, `Plot ${number}`));
}
