"use strict";

// Requests to begin with; each works on every server.

const EXAMPLES = {
  "Call a function": {
    endpoint: "../library/stats/R/rnorm",
    fields: [["n", "code", "10"], ["mean", "code", "5"]],
  },
  "Get the value in one step": {
    endpoint: "../library/stats/R/quantile/json",
    fields: [["x", "json", "[1, 5, 9, 12]"], ["probs", "code", "c(0.25, 0.75)"]],
  },
  "Arguments as JSON": {
    endpoint: "../library/base/R/paste/json",
    kind: "json",
    json: '{\n  "x": ["a", "b"],\n  "collapse": " + "\n}',
  },
  "Draw a plot": {
    endpoint: "../library/graphics/R/hist",
    fields: [["x", "code", "rnorm(1000)"], ["main", "text", "A thousand draws"]],
  },
  "Upload a CSV file": {
    endpoint: "../library/utils/R/read.csv",
    fields: [["file", "file", ""], ["header", "code", "TRUE"]],
  },
  "See an error of R": {
    endpoint: "../library/base/R/stop",
    fields: [["...", "code", '"no apples left"']],
  },
  "Read an object as CSV": {
    method: "GET",
    endpoint: "../library/datasets/R/women/csv",
    fields: [["row.names", "code", "TRUE"]],
  },
  "Read a help page": { method: "GET", endpoint: "../library/stats/man/rnorm/text" },
  "List what a package has": { method: "GET", endpoint: "../library/datasets/R/" },
  "Ask for the headers alone": { method: "HEAD", endpoint: "../library/datasets/R/women/json" },
  "Ask what is allowed": { method: "OPTIONS", endpoint: "../library/" },
};

function exampleRequest(name) {
  const { method = "POST", endpoint, kind = "form", fields = [], json = '{"n": 3}' } = EXAMPLES[name];
  const rows = fields.map(([field, type, value]) => ({ name: field, type, value, files: [] }));
  return { method, endpoint, kind, fields: rows, json, headers: "" };
}
