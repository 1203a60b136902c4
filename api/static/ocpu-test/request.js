"use strict";

// A request as a plain value, and what follows from it: an address, a body, a curl command.
//   {method, endpoint, kind: "form" or "json", fields: [{name, type, value, files}], json, headers}
// Types of fields: "code" is sent as it is, "text" as an R string, "json" as JSON, "file" as a file.

const SECTIONS = /^\/(library|lib|user|tmp|apps|github|gist|cran|bioc|doc|info|test)(\/|$)/;
const HAS_BODY = ["POST"];

// Accepts what people write: ../library/…, library/…, /library/… of OpenCPU's manual, whole URLs.
function addressOf(request) {
  let endpoint = request.endpoint.trim();
  if (SECTIONS.test(endpoint)) endpoint = `..${endpoint}`;
  else if (!/^(\/|\.|[a-z]+:\/\/)/i.test(endpoint)) endpoint = `../${endpoint}`;
  const url = new URL(endpoint, document.baseURI);
  if (!HAS_BODY.includes(request.method)) {
    for (const field of named(request)) url.searchParams.append(field.name, field.value);
  }
  return url;
}

function named(request) {
  return request.fields.filter((field) => field.name !== "");
}

// JSON's escapes are a part of R's, but for characters beyond 16 bits, which stay as they are.
function inR(field) {
  return field.type === "text" ? JSON.stringify(field.value) : field.value;
}

function usesParts(request) {
  return request.kind === "form" && request.fields.some((field) => field.type === "file");
}

function bodyOf(request) {
  if (!HAS_BODY.includes(request.method)) return undefined;
  if (request.kind === "json") return request.json;
  const body = usesParts(request) ? new FormData() : new URLSearchParams();
  for (const field of named(request)) {
    if (field.type !== "file") body.append(field.name, inR(field));
    else for (const file of field.files) body.append(field.name, file, file.name);
  }
  return body;
}

function headersOf(request) {
  const headers = new Headers();
  if (HAS_BODY.includes(request.method) && request.kind === "json") {
    headers.set("Content-Type", "application/json");
  }
  for (const line of request.headers.split("\n").filter((text) => text.trim())) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new TypeError(`A header is written as Name: value, not as ${line}`);
    headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return headers;
}

// Why a text is no JSON object, in the browser's words; empty when it is one.
function jsonProblem(text) {
  if (!text.trim()) return "";
  try {
    const value = JSON.parse(text);
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? "" : 'Arguments have names: {"n": 3}';
  } catch (error) {
    return error.message;
  }
}

function inShell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// One option to a line, for a shell.
function curlOf(request) {
  const url = addressOf(request).href;
  const body = HAS_BODY.includes(request.method) ? curlBody(request) : [];
  const options = [];
  if (request.method === "HEAD") options.push(["--head"]);
  else if (request.method !== "GET" && !body.length) options.push(["--request", request.method]);
  if (/[[\]{}]/.test(url)) options.push(["--globoff"]);
  headersOf(request).forEach((value, name) => options.push(["--header", `${name}: ${value}`]));
  return [["curl", url], ...options, ...body]
    .map((words) => words.map(inShell).join(" ")).join(" \\\n  ");
}

function curlBody(request) {
  if (request.kind === "json") return [["--data-raw", request.json]];
  return named(request).flatMap((field) => {
    if (field.type === "file") {
      return [...field.files].map((file) => ["--form", `${field.name}=@${file.name}`]);
    }
    return [usesParts(request)
      ? ["--form-string", `${field.name}=${inR(field)}`]
      : ["--data-urlencode", `${encodeURIComponent(field.name)}=${inR(field)}`]];
  });
}
